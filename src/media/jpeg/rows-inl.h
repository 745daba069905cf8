// Rows of samples to rows of pixels: libjpeg's "fancy" upsampling (a triangle filter) and its conversion from
// YCbCr (JFIF, with 16 bits for the fraction), to the bit. Included once per Highway target.
//
// Vectors read and write past the end of a row of samples: rows have kRowMargin bytes behind them.
#if defined(SLIPWAY_JPEG_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_JPEG_ROWS_INL_H_
#undef SLIPWAY_JPEG_ROWS_INL_H_
#else
#define SLIPWAY_JPEG_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "media/jpeg/idct-inl.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::media::jpeg {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kRowMargin = 128;

// A row of samples and the one above or below that is nearer to what is made; the same for a row as it is.
// Samples stand at -1 and n, too.
struct RowPair {
  const uint8_t* at;
  const uint8_t* near;
};

// 65536 times what a step of Cb or Cr adds, less the whole steps that are added apart.
constexpr int kRedOfCr = 91881 - 65536;
constexpr int kBlueOfCb = 116130 - 2 * 65536;
constexpr int kGreenOfCb = -22554;
constexpr int kGreenOfCr = 65536 - 46802;
constexpr int kHalf = 32768;

#if HWY_TARGET == HWY_SCALAR

inline void DoubleBoth(RowPair rows, size_t n, uint8_t* out) {
  const auto sum = [&](size_t i, int shift) { return 3 * *(rows.at + i + shift) + *(rows.near + i + shift); };
  for (size_t i = 0; i < n; ++i) {
    out[2 * i] = static_cast<uint8_t>((3 * sum(i, 0) + sum(i, -1) + 8) >> 4);
    out[2 * i + 1] = static_cast<uint8_t>((3 * sum(i, 0) + sum(i, 1) + 7) >> 4);
  }
}

inline void DoubleWidth(const uint8_t* row, size_t n, uint8_t* out) {
  for (size_t i = 0; i < n; ++i) {
    out[2 * i] = static_cast<uint8_t>((3 * row[i] + *(row + i - 1) + 1) >> 2);
    out[2 * i + 1] = static_cast<uint8_t>((3 * row[i] + row[i + 1] + 2) >> 2);
  }
}

inline void DoubleHeight(RowPair rows, int bias, size_t n, uint8_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<uint8_t>((3 * rows.at[i] + rows.near[i] + bias) >> 2);
}

inline void RgbOfYcc(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, size_t n, uint8_t* rgb) {
  const auto clamp = [](int v) { return static_cast<uint8_t>(std::clamp(v, 0, 255)); };
  for (size_t i = 0; i < n; ++i, rgb += 3) {
    const int b = cb[i] - 128, r = cr[i] - 128;
    rgb[0] = clamp(y[i] + r + ((kRedOfCr * r + kHalf) >> 16));
    rgb[1] = clamp(y[i] - r + ((kGreenOfCb * b + kGreenOfCr * r + kHalf) >> 16));
    rgb[2] = clamp(y[i] + 2 * b + ((kBlueOfCb * b + kHalf) >> 16));
  }
}

inline void RgbOfGrey(const uint8_t* y, size_t n, uint8_t* rgb) {
  for (size_t i = 0; i < n; ++i) std::fill_n(rgb + 3 * i, 3, y[i]);
}

#else

using D8 = hn::Rebind<uint8_t, D16>;

HWY_INLINE hn::Vec<DU16> Load16(const uint8_t* p) { return hn::PromoteTo(DU16(), hn::LoadU(D8(), p)); }

HWY_INLINE hn::Vec<DU16> ThreeTimes(hn::Vec<DU16> v) { return hn::Add(hn::Add(v, v), v); }

// Pairs of bytes, the first below.
HWY_INLINE void StorePairs(hn::Vec<DU16> first, hn::Vec<DU16> second, uint8_t* out) {
  const hn::Repartition<uint8_t, DU16> d;
  hn::StoreU(hn::BitCast(d, hn::Or(first, hn::ShiftLeft<8>(second))), d, out);
}

// n samples of two rows to 2 n.
HWY_INLINE void DoubleBoth(RowPair rows, size_t n, uint8_t* out) {
  const DU16 d;
  const auto sum = [&](size_t i, int shift) HWY_ATTR {
    return hn::Add(ThreeTimes(Load16(rows.at + i + shift)), Load16(rows.near + i + shift));
  };
  const auto seven = hn::Set(d, 7);
  const auto eight = hn::Set(d, 8);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto here = ThreeTimes(sum(i, 0));
    StorePairs(hn::ShiftRight<4>(hn::Add(hn::Add(here, sum(i, -1)), eight)),
               hn::ShiftRight<4>(hn::Add(hn::Add(here, sum(i, 1)), seven)), out + 2 * i);
  }
}

// n samples to 2 n.
HWY_INLINE void DoubleWidth(const uint8_t* row, size_t n, uint8_t* out) {
  const DU16 d;
  const auto one = hn::Set(d, 1);
  const auto two = hn::Set(d, 2);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto here = ThreeTimes(Load16(row + i));
    StorePairs(hn::ShiftRight<2>(hn::Add(hn::Add(here, Load16(row + i - 1)), one)),
               hn::ShiftRight<2>(hn::Add(hn::Add(here, Load16(row + i + 1)), two)), out + 2 * i);
  }
}

// n samples of two rows to n. bias: 1 with the row above, 2 with the one below.
HWY_INLINE void DoubleHeight(RowPair rows, int bias, size_t n, uint8_t* out) {
  const DU16 d;
  const auto rounding = hn::Set(d, static_cast<uint16_t>(bias));
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto sum = hn::Add(ThreeTimes(Load16(rows.at + i)), Load16(rows.near + i));
    const auto shifted = hn::BitCast(D16(), hn::ShiftRight<2>(hn::Add(sum, rounding)));
    hn::StoreU(hn::DemoteTo(D8(), shifted), D8(), out + i);
  }
}

// Runs write(i, to) for the pixels from i on, as many as a vector has lanes, into a row of n pixels.
template <class Write>
HWY_INLINE void WriteRgb(size_t n, uint8_t* rgb, const Write& write) {
  constexpr size_t kLanes = hn::MaxLanes(D16());
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) write(i, rgb + 3 * i);
  if (i == n) return;
  uint8_t last[3 * kLanes];
  write(i, last);
  std::memcpy(rgb + 3 * i, last, 3 * (n - i));
}

// (v * factor + 2^15) >> 16
HWY_INLINE V16 Scale(V16 v, int factor) {
  const D16 d;
  const V16 twice = hn::MulHigh(hn::Add(v, v), hn::Set(d, static_cast<int16_t>(factor)));
  return hn::ShiftRight<1>(hn::Add(twice, hn::Set(d, 1)));
}

HWY_INLINE V16 GreenPart(V16 b, V16 r) {
  const D32 d32;
  const V16 factors = Pair(kGreenOfCb, kGreenOfCr);
  const V32 half = hn::Set(d32, kHalf);
  const V32 low = SumOfProducts(hn::InterleaveLower(D16(), b, r), factors);
  const V32 high = SumOfProducts(hn::InterleaveUpper(D16(), b, r), factors);
  return Narrow(hn::ShiftRight<16>(hn::Add(low, half)), hn::ShiftRight<16>(hn::Add(high, half)));
}

HWY_INLINE void RgbOfYcc(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, size_t n, uint8_t* rgb) {
  const D16 d;
  const D8 d8;
  const auto signed_at = [&](const uint8_t* p) HWY_ATTR { return hn::BitCast(d, Load16(p)); };
  WriteRgb(n, rgb, [&](size_t i, uint8_t* to) HWY_ATTR {
    const V16 middle = hn::Set(d, 128);
    const V16 luma = signed_at(y + i);
    const V16 b = hn::Sub(signed_at(cb + i), middle);
    const V16 r = hn::Sub(signed_at(cr + i), middle);
    const V16 red = hn::Add(hn::Add(luma, r), Scale(r, kRedOfCr));
    const V16 green = hn::Add(hn::Sub(luma, r), GreenPart(b, r));
    const V16 blue = hn::Add(hn::Add(luma, hn::Add(b, b)), Scale(b, kBlueOfCb));
    hn::StoreInterleaved3(hn::DemoteTo(d8, red), hn::DemoteTo(d8, green), hn::DemoteTo(d8, blue), d8, to);
  });
}

HWY_INLINE void RgbOfGrey(const uint8_t* y, size_t n, uint8_t* rgb) {
  const D8 d8;
  WriteRgb(n, rgb, [&](size_t i, uint8_t* to) HWY_ATTR {
    const auto v = hn::LoadU(d8, y + i);
    hn::StoreInterleaved3(v, v, v, d8, to);
  });
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace slipway::media::jpeg
HWY_AFTER_NAMESPACE();

#endif
