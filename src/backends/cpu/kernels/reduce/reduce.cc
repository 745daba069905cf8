#include "backends/cpu/kernels/reduce/reduce.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/reduce/reduce.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using D = hn::CappedTag<float, 16>;
constexpr int64_t kBlock = 64;  // columns at a time, held on the stack

// What SumWith adds up, of numbers and of vectors.
struct Itself {
  template <class DT, class V>
  HWY_INLINE V operator()(DT, V x) const {
    return x;
  }
  HWY_INLINE double operator()(double x) const { return x; }
};
struct SquareOfDifference {
  double from;
  template <class DT, class V>
  HWY_INLINE V operator()(DT d, V x) const {
    const V difference = hn::Sub(x, hn::Set(d, from));
    return hn::Mul(difference, difference);
  }
  HWY_INLINE double operator()(double x) const { return (x - from) * (x - from); }
};

// The sum of f(x) in double.
template <class F>
HWY_INLINE double SumWith(const float* x, int64_t count, const F& f) {
  double sum = 0;
  int64_t i = 0;
#if HWY_HAVE_FLOAT64  // not so on ARMv7
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> half;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d);
  auto b = hn::Zero(d);
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    a = hn::Add(a, f(d, hn::PromoteTo(d, hn::LoadU(half, x + i))));
    b = hn::Add(b, f(d, hn::PromoteTo(d, hn::LoadU(half, x + i + lanes))));
  }
  sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
#endif
  for (; i < count; ++i) sum += f(static_cast<double>(x[i]));
  return sum;
}

HWY_INLINE float Better(float a, float b, bool is_max) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) ? a : b;
  return is_max == (a > b) ? a : b;
}

// max(x) or -max(-x), and whether there is a NaN.
template <bool kMax>
HWY_INLINE float Extreme(const float* x, int64_t count) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  float best = x[0];
  if (count >= lanes) {
    auto most = hn::LoadU(d, x);
    auto nans = hn::VecFromMask(d, hn::IsNaN(most));
    for (i = lanes; i + lanes <= count; i += lanes) {
      const auto v = hn::LoadU(d, x + i);
      nans = hn::Or(nans, hn::VecFromMask(d, hn::IsNaN(v)));
      most = kMax ? hn::Max(most, v) : hn::Min(most, v);
    }
    if (!hn::AllFalse(d, hn::IsNaN(nans))) return std::numeric_limits<float>::quiet_NaN();
    best = hn::GetLane(kMax ? hn::MaxOfLanes(d, most) : hn::MinOfLanes(d, most));
  }
  for (; i < count; ++i) best = Better(best, x[i], kMax);
  return best;
}

void ReduceColumns(Reduction reduction, const float* x, int64_t length, int64_t inner, float* y) {
  if (reduction == Reduction::kMax || reduction == Reduction::kMin) {
    const bool is_max = reduction == Reduction::kMax;
    std::copy_n(x, inner, y);
    for (int64_t k = 1; k < length; ++k) {
      for (int64_t i = 0; i < inner; ++i) y[i] = Better(y[i], x[k * inner + i], is_max);
    }
    return;
  }
  double sums[kBlock];
  for (int64_t i0 = 0; i0 < inner; i0 += kBlock) {
    const int64_t width = std::min(kBlock, inner - i0);
    std::fill_n(sums, width, 0.0);
    for (int64_t k = 0; k < length; ++k) {
      const float* from = x + k * inner + i0;
      for (int64_t i = 0; i < width; ++i) sums[i] += static_cast<double>(from[i]);
    }
    const double scale = reduction == Reduction::kMean ? static_cast<double>(length) : 1;
    for (int64_t i = 0; i < width; ++i) y[i0 + i] = static_cast<float>(sums[i] / scale);
  }
}

template <class T>
HWY_INLINE int32_t SumBytes(const T* x, int64_t length, int64_t step) {
  int32_t sum = 0;
  if (step == 1) {
    for (int64_t i = 0; i < length; ++i) sum += x[i];
    return sum;
  }
  for (int64_t i = 0; i < length; ++i) sum += x[i * step];
  return sum;
}

}  // namespace

void Reduce(Reduction reduction, const float* x, int64_t length, int64_t inner, float* y) {
  if (inner != 1) return ReduceColumns(reduction, x, length, inner, y);
  switch (reduction) {
    case Reduction::kMax: *y = Extreme<true>(x, length); break;
    case Reduction::kMin: *y = Extreme<false>(x, length); break;
    case Reduction::kSum: *y = static_cast<float>(SumWith(x, length, Itself())); break;
    case Reduction::kMean:
      *y = static_cast<float>(SumWith(x, length, Itself()) / static_cast<double>(length));
      break;
  }
}

int32_t SumI8(const int8_t* x, int64_t length, int64_t step) { return SumBytes(x, length, step); }
int32_t SumU8(const uint8_t* x, int64_t length, int64_t step) { return SumBytes(x, length, step); }

MeanAndVariance Moments(const float* x, int64_t count) {
  const double mean = SumWith(x, count, Itself()) / static_cast<double>(count);
  const double squares = SumWith(x, count, SquareOfDifference{mean});
  return {mean, squares / static_cast<double>(count)};
}

void AddMoments(const float* x, int64_t rows, int64_t width, const float* shift, double* sums,
                double* squares) {
  int64_t c = 0;
#if HWY_HAVE_FLOAT64
  const hn::CappedTag<double, 8> wide;
  const hn::Rebind<float, decltype(wide)> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; c + lanes <= width; c += lanes) {
    const auto center = hn::LoadU(d, shift + c);
    auto sum = hn::LoadU(wide, sums + c), square = hn::LoadU(wide, squares + c);
    for (int64_t r = 0; r < rows; ++r) {
      const auto deviation = hn::PromoteTo(wide, hn::Sub(hn::LoadU(d, x + r * width + c), center));
      sum = hn::Add(sum, deviation);
      square = hn::MulAdd(deviation, deviation, square);
    }
    hn::StoreU(sum, wide, sums + c);
    hn::StoreU(square, wide, squares + c);
  }
#endif
  for (; c < width; ++c) {
    for (int64_t r = 0; r < rows; ++r) {
      const auto deviation = static_cast<double>(x[r * width + c] - shift[c]);
      sums[c] += deviation;
      squares[c] += deviation * deviation;
    }
  }
}

void Affine(const float* x, int64_t count, float center, float factor, float offset, float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - center) * factor + offset;
}
void AffineRow(const float* x, int64_t count, const float* center, const float* factor, const float* offset,
               float* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = (x[i] - center[i]) * factor[i] + offset[i];
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(Reduce);
HWY_EXPORT(SumI8);
HWY_EXPORT(SumU8);
HWY_EXPORT(Moments);
HWY_EXPORT(AddMoments);
HWY_EXPORT(Affine);
HWY_EXPORT(AffineRow);

void ReduceF32(Reduction reduction, const float* x, int64_t length, int64_t inner, float* y) {
  HWY_DYNAMIC_DISPATCH(Reduce)(reduction, x, length, inner, y);
}
int32_t SumOfBytes(const int8_t* x, int64_t length, int64_t step) {
  return HWY_DYNAMIC_DISPATCH(SumI8)(x, length, step);
}
int32_t SumOfBytes(const uint8_t* x, int64_t length, int64_t step) {
  return HWY_DYNAMIC_DISPATCH(SumU8)(x, length, step);
}
MeanAndVariance MomentsF32(const float* x, int64_t count) { return HWY_DYNAMIC_DISPATCH(Moments)(x, count); }
void AddMomentsF32(const float* x, int64_t rows, int64_t width, const float* shift, double* sums,
                   double* squares) {
  HWY_DYNAMIC_DISPATCH(AddMoments)(x, rows, width, shift, sums, squares);
}
void AffineF32(const float* x, int64_t count, float center, float factor, float offset, float* y) {
  HWY_DYNAMIC_DISPATCH(Affine)(x, count, center, factor, offset, y);
}
void AffineRowF32(const float* x, int64_t count, const float* center, const float* factor,
                  const float* offset, float* y) {
  HWY_DYNAMIC_DISPATCH(AffineRow)(x, count, center, factor, offset, y);
}

}  // namespace slipway::cpu
#endif
