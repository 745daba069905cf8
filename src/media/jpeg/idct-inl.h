// The inverse DCT of libjpeg's "islow", to the bit: Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D
// DCT algorithms with 11 multiplications" (1989), with 13 bits for the constants and 2 more between the
// passes. Included once per Highway target.
//
// The constants are multiplied out, so that an output is a sum of products: the same integers, in fewer steps
// where an instruction adds two products. libjpeg's vector code keeps sums in 16 bits, and wraps or saturates
// where its plain code does not; blocks that could show the difference are reported, not decoded.
#if defined(SLIPWAY_JPEG_IDCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_JPEG_IDCT_INL_H_
#undef SLIPWAY_JPEG_IDCT_INL_H_
#else
#define SLIPWAY_JPEG_IDCT_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "hwy/highway.h"
#include "media/jpeg/frame.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::media::jpeg {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Beyond +-kMaxInput a coefficient times its quantiser, or a value between the passes, may leave 16 bits in a
// sum of two.
constexpr int kMaxInput = 16383;

// Blocks lie in groups, side by side: [row][block][column], as many as a vector holds rows.
#if HWY_TARGET == HWY_SCALAR
constexpr size_t kGroup = 1;
#else
using D16 = hn::ScalableTag<int16_t>;
constexpr size_t kGroup = hn::MaxLanes(D16()) / 8;
#endif

// Quantisers and, at the same place, the largest coefficient that is in bounds with them; as a group lies.
struct Dequantiser {
  HWY_ALIGN int16_t scale[kBlockSize * kGroup];
  HWY_ALIGN uint16_t limit[kBlockSize * kGroup];
};

inline bool MakeDequantiser(const QuantTable& table, Dequantiser* result) {
  for (size_t i = 0; i < kBlockSize; ++i) {
    if (table[i] == 0 || table[i] > kMaxInput) return false;
    for (size_t block = 0; block < kGroup; ++block) {
      const size_t at = (i / 8 * kGroup + block) * 8 + i % 8;
      result->scale[at] = static_cast<int16_t>(table[i]);
      result->limit[at] = static_cast<uint16_t>(kMaxInput / table[i]);
    }
  }
  return true;
}

// x[k] to o[k] with o[0..3] +- p[0..3] the outputs n and 7 - n, scaled by 2^13: rows of weights of
// the even inputs 0 2 4 6 and of the odd ones 1 3 5 7.
constexpr int kF0298 = 2446, kF0390 = 3196, kF0541 = 4433, kF0765 = 6270, kF0899 = 7373, kF1175 = 9633,
              kF1501 = 12299, kF1847 = 15137, kF1961 = 16069, kF2053 = 16819, kF2562 = 20995, kF3072 = 25172;
constexpr int kOne = 8192;
constexpr int kEven[4][4] = {{kOne, kF0541 + kF0765, kOne, kF0541},
                             {kOne, kF0541, -kOne, kF0541 - kF1847},
                             {kOne, -kF0541, -kOne, kF1847 - kF0541},
                             {kOne, -kF0541 - kF0765, kOne, -kF0541}};
constexpr int kOdd[4][4] = {{kF1501 - kF0899 - kF0390 + kF1175, kF1175, kF1175 - kF0390, kF1175 - kF0899},
                            {kF1175, kF3072 - kF2562 - kF1961 + kF1175, kF1175 - kF2562, kF1175 - kF1961},
                            {kF1175 - kF0390, kF1175 - kF2562, kF2053 - kF2562 - kF0390 + kF1175, kF1175},
                            {kF1175 - kF0899, kF1175 - kF1961, kF1175, kF0298 - kF0899 - kF1961 + kF1175}};
constexpr int kShift1 = 13 - 2;
constexpr int kShift2 = 13 + 2 + 3;

#if HWY_TARGET == HWY_SCALAR

template <int kShift>
inline void Pass(const int* in, size_t step, int* out) {
  for (size_t n = 0; n < 4; ++n) {
    int even = 1 << (kShift - 1);
    int odd = 0;
    for (size_t k = 0; k < 4; ++k) {
      even += kEven[n][k] * in[2 * k * step];
      odd += kOdd[n][k] * in[(2 * k + 1) * step];
    }
    out[n * step] = (even + odd) >> kShift;
    out[(7 - n) * step] = (even - odd) >> kShift;
  }
}

class Idct {
 public:
  void Transform(int16_t* group, const Dequantiser& dequantiser, uint32_t, uint8_t* out, size_t stride) {
    int x[kBlockSize], y[kBlockSize];
    for (size_t i = 0; i < kBlockSize; ++i) {
      bad_ |= std::abs(int{group[i]}) > dequantiser.limit[i];
      x[i] = bad_ ? 0 : group[i] * dequantiser.scale[i];
      group[i] = 0;
    }
    for (size_t column = 0; column < 8; ++column) Pass<kShift1>(x + column, 8, y + column);
    for (const int v : y) bad_ |= std::abs(v) > kMaxInput;
    if (bad_) return;
    for (size_t row = 0; row < 8; ++row) {
      Pass<kShift2>(y + 8 * row, 1, x);
      for (size_t column = 0; column < 8; ++column) {
        bad_ |= x[column] < -512 || x[column] > 511;
        out[row * stride + column] = static_cast<uint8_t>(std::clamp(x[column] + 128, 0, 255));
      }
    }
  }
  bool IsExact() const { return !bad_; }

 private:
  bool bad_ = false;
};

#else

using D32 = hn::Repartition<int32_t, D16>;
using DU16 = hn::RebindToUnsigned<D16>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;

// Weights of a pair of inputs.
HWY_INLINE V16 Pair(int a, int b) {
  const uint32_t both = (static_cast<uint32_t>(a) & 0xFFFF) | static_cast<uint32_t>(b) << 16;
  return hn::BitCast(D16(), hn::Set(D32(), static_cast<int32_t>(both)));
}

// a[2i] * b[2i] + a[2i + 1] * b[2i + 1]
HWY_INLINE V32 SumOfProducts(V16 a, V16 b) {
  const D32 d;
  V32 rest = hn::Zero(d);
  const V32 sum = hn::ReorderWidenMulAccumulate(d, a, b, hn::Zero(d), rest);
  return hn::RearrangeToOddPlusEven(sum, rest);
}

// Saturated, `low` below `high` in each block of 128 bits, as InterleaveLower and InterleaveUpper made them.
// In which order ReorderDemote2To has them is known of x86 alone; vectors are one block elsewhere.
HWY_INLINE V16 Narrow(V32 low, V32 high) {
  const D16 d;
  if constexpr (HWY_ARCH_X86) {
    return hn::ReorderDemote2To(d, low, high);
  } else {
    const hn::Half<D16> half;
    return hn::Combine(d, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
  }
}

// Outputs n and 7 - n of one half of the lanes. in: pairs (0, 4), (2, 6), (1, 3), (5, 7); of kFew the first
// and third are pairs (0, 2) and (1, 3), and there are no others.
struct Halves {
  V32 low;
  V32 high;
};

template <int kShift, int kFew>
HWY_INLINE Halves OutputPair(const V16 (&in)[4], int n) {
  V32 even, odd;
  if constexpr (kFew) {
    even = SumOfProducts(in[0], Pair(kEven[n][0], kEven[n][1]));
    odd = SumOfProducts(in[2], Pair(kOdd[n][0], kOdd[n][1]));
  } else {
    even = hn::Add(SumOfProducts(in[0], Pair(kEven[n][0], kEven[n][2])),
                   SumOfProducts(in[1], Pair(kEven[n][1], kEven[n][3])));
    odd = hn::Add(SumOfProducts(in[2], Pair(kOdd[n][0], kOdd[n][1])),
                  SumOfProducts(in[3], Pair(kOdd[n][2], kOdd[n][3])));
  }
  even = hn::Add(even, hn::Set(D32(), 1 << (kShift - 1)));
  return {hn::ShiftRight<kShift>(hn::Add(even, odd)), hn::ShiftRight<kShift>(hn::Sub(even, odd))};
}

// x: 8 inputs in, 8 outputs out.
template <int kShift, int kFew>
HWY_INLINE void Pass(V16 (&x)[8]) {
  const D16 d;
  V16 low[4], high[4];
  const auto pair = [&](int to, int a, int b) HWY_ATTR {
    low[to] = hn::InterleaveLower(d, x[a], x[b]);
    high[to] = hn::InterleaveUpper(d, x[a], x[b]);
  };
  if constexpr (kFew) {
    pair(0, 0, 2);
    pair(2, 1, 3);
  } else {
    pair(0, 0, 4);
    pair(1, 2, 6);
    pair(2, 1, 3);
    pair(3, 5, 7);
  }
  for (int n = 0; n < 4; ++n) {
    const Halves a = OutputPair<kShift, kFew>(low, n);
    const Halves b = OutputPair<kShift, kFew>(high, n);
    x[n] = Narrow(a.low, b.low);
    x[7 - n] = Narrow(a.high, b.high);
  }
}

// Rows to columns within each block of 128 bits.
HWY_INLINE void Transpose(V16 (&x)[8]) {
  const D16 d;
  const D32 d32;
  const hn::Repartition<int64_t, D16> d64;
  V16 a[8], b[8];
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = hn::InterleaveLower(d, x[2 * i], x[2 * i + 1]);
    a[2 * i + 1] = hn::InterleaveUpper(d, x[2 * i], x[2 * i + 1]);
  }
  const auto lower32 = [&](V16 p, V16 q) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveLower(d32, hn::BitCast(d32, p), hn::BitCast(d32, q)));
  };
  const auto upper32 = [&](V16 p, V16 q) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveUpper(d32, hn::BitCast(d32, p), hn::BitCast(d32, q)));
  };
  for (int i = 0; i < 2; ++i) {
    b[4 * i + 0] = lower32(a[4 * i], a[4 * i + 2]);
    b[4 * i + 1] = upper32(a[4 * i], a[4 * i + 2]);
    b[4 * i + 2] = lower32(a[4 * i + 1], a[4 * i + 3]);
    b[4 * i + 3] = upper32(a[4 * i + 1], a[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    const auto p = hn::BitCast(d64, b[i]);
    const auto q = hn::BitCast(d64, b[4 + i]);
    x[2 * i] = hn::BitCast(d, hn::InterleaveLower(d64, p, q));
    x[2 * i + 1] = hn::BitCast(d, hn::InterleaveUpper(d64, p, q));
  }
}

class Idct {
 public:
  HWY_INLINE Idct() : over_(hn::Zero(DU16())), wide_(hn::Zero(D16())) {}

  // group: left zeroed. end: no block of it has a coefficient from this zigzag position on. out: 8 rows of 8
  // * kGroup samples.
  HWY_INLINE void Transform(int16_t* group, const Dequantiser& dequantiser, uint32_t end, uint8_t* out,
                            size_t stride) {
    constexpr uint32_t kFewEnd = 10;  // within the first four of the first four rows
    if (end <= kFewEnd) return TransformAs<1>(group, dequantiser, out, stride);
    TransformAs<0>(group, dequantiser, out, stride);
  }

  // Whether all groups so far are what libjpeg makes of them.
  bool IsExact() const {
    const DU16 d;
    const auto sign = hn::Set(d, 0x8000);
    const auto bad = hn::Or(over_, hn::And(hn::BitCast(d, wide_), sign));
    return hn::AllTrue(d, hn::Eq(bad, hn::Zero(d)));
  }

 private:
  template <int kFew>
  HWY_INLINE void TransformAs(int16_t* group, const Dequantiser& dequantiser, uint8_t* out, size_t stride) {
    const D16 d;
    const DU16 du;
    constexpr size_t kRow = 8 * kGroup;
    constexpr int kRows = kFew ? 4 : 8;
    V16 x[8];
    for (int r = 0; r < kRows; ++r) {
      const V16 raw = hn::Load(d, group + r * kRow);
      hn::Store(hn::Zero(d), d, group + r * kRow);
      over_ = hn::Or(
          over_, hn::SaturatedSub(hn::BitCast(du, hn::Abs(raw)), hn::Load(du, dequantiser.limit + r * kRow)));
      x[r] = hn::Mul(raw, hn::Load(d, dequantiser.scale + r * kRow));
    }
    Pass<kShift1, kFew>(x);
    const auto within = hn::Set(d, kMaxInput + 1);
    for (int r = 0; r < 8; ++r) wide_ = hn::Or(wide_, hn::Add(x[r], within));
    Transpose(x);
    Pass<kShift2, kFew>(x);
    // -512 to 511, above which libjpeg's plain code wraps and its vector code does not.
    const auto half = hn::Set(d, 512);
    for (int r = 0; r < 8; ++r)
      over_ = hn::Or(over_, hn::ShiftRight<10>(hn::BitCast(du, hn::Add(x[r], half))));
    Transpose(x);
    const hn::Rebind<uint8_t, D16> d8;
    for (int r = 0; r < 8; ++r) {
      hn::StoreU(hn::DemoteTo(d8, hn::Add(x[r], hn::Set(d, 128))), d8, out + static_cast<size_t>(r) * stride);
    }
  }

  hn::Vec<DU16> over_;  // not 0: too large
  V16 wide_;            // its sign: too large
};

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace slipway::media::jpeg
HWY_AFTER_NAMESPACE();

#endif
