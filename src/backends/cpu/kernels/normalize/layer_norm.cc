#include "backends/cpu/kernels/normalize/layer_norm.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/normalize/layer_norm.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int64_t kBlock = 4096;  // elements summed in f32, before double takes over

// term(sums, x) over the row: `Sums` of four vectors each, so that additions do not wait for one another.
struct Sums {
  double first = 0, second = 0;
};
template <class F>
HWY_INLINE Sums SumRow(const float* x, int64_t length, const F& term) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  Sums total;
  for (int64_t begin = 0; begin < length; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, length);
    V a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
    V b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      term(hn::LoadU(d, x + i), a0, b0);
      term(hn::LoadU(d, x + i + lanes), a1, b1);
      term(hn::LoadU(d, x + i + 2 * lanes), a2, b2);
      term(hn::LoadU(d, x + i + 3 * lanes), a3, b3);
    }
    for (; i + lanes <= end; i += lanes) term(hn::LoadU(d, x + i), a0, b0);
    const V a = hn::Add(hn::Add(a0, a1), hn::Add(a2, a3));
    const V b = hn::Add(hn::Add(b0, b1), hn::Add(b2, b3));
    total.first += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, a)));
    total.second += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, b)));
    const hn::CappedTag<float, 1> one;
    for (; i < end; ++i) {
      auto a1st = hn::Zero(one), b1st = a1st;
      term(hn::LoadU(one, x + i), a1st, b1st);
      total.first += static_cast<double>(hn::GetLane(a1st));
      total.second += static_cast<double>(hn::GetLane(b1st));
    }
  }
  return total;
}

// y = (x - mean - rest) * inverse * scale + bias
struct Moments {
  float mean = 0, rest = 0, inverse = 1;
  bool is_in_range = true;  // false: f32 does not hold the squares, and the rest says nothing
};

// Squares of f32 leave its range from 1.8e19 on and below 1e-19.
bool IsInRange(double sum, double variance) {
  constexpr double kLeast = 1e-28;
  return std::isfinite(sum) && variance > kLeast && variance < std::numeric_limits<double>::infinity();
}

// The row by definition, in double.
void NormalizeWide(const LayerNormF32& norm, const float* x, float* y) {
  const auto length = static_cast<double>(norm.length);
  double mean = 0, variance = 0;
  for (int64_t i = 0; norm.has_mean && i < norm.length; ++i) mean += static_cast<double>(x[i]) / length;
  for (int64_t i = 0; i < norm.length; ++i) {
    const double deviation = static_cast<double>(x[i]) - mean;
    variance += deviation * deviation / length;
  }
  const double inverse = 1 / std::sqrt(variance + norm.epsilon);
  for (int64_t i = 0; i < norm.length; ++i) {
    const double value = (static_cast<double>(x[i]) - mean) * inverse * static_cast<double>(norm.scale[i]);
    y[i] = static_cast<float>(norm.bias == nullptr ? value : value + static_cast<double>(norm.bias[i]));
  }
}

Moments MomentsOf(const LayerNormF32& norm, const float* x) {
  const auto length = static_cast<double>(norm.length);
  if (!norm.has_mean) {
    const Sums sums =
        SumRow(x, norm.length, [](auto v, auto& a, auto&) HWY_ATTR { a = hn::MulAdd(v, v, a); });
    const double variance = sums.first / length + norm.epsilon;
    return {0, 0, static_cast<float>(1 / std::sqrt(variance)), IsInRange(sums.first, variance)};
  }
  const Sums sum = SumRow(x, norm.length, [](auto v, auto& a, auto&) HWY_ATTR { a = hn::Add(a, v); });
  Moments moments;
  moments.mean = static_cast<float>(sum.first / length);
  const float mean = moments.mean;
  const Sums sums = SumRow(x, norm.length, [mean](auto v, auto& a, auto& b) HWY_ATTR {
    const auto deviation = hn::Sub(v, hn::Set(hn::DFromV<decltype(v)>(), mean));
    a = hn::Add(a, deviation);
    b = hn::MulAdd(deviation, deviation, b);
  });
  const double rest = sums.first / length;
  moments.rest = static_cast<float>(rest);
  const double variance = std::max(sums.second / length - rest * rest, 0.0) + norm.epsilon;
  moments.inverse = static_cast<float>(1 / std::sqrt(variance));
  moments.is_in_range = IsInRange(sums.second, variance);
  return moments;
}

template <class Tag>
HWY_INLINE void NormalizeAt(const Tag tag, const LayerNormF32& norm, const Moments& moments, const float* x,
                            int64_t i, float* y) {
  const auto centred =
      hn::Sub(hn::Sub(hn::LoadU(tag, x + i), hn::Set(tag, moments.mean)), hn::Set(tag, moments.rest));
  const auto value = hn::Mul(centred, hn::Set(tag, moments.inverse));
  const auto scale = hn::LoadU(tag, norm.scale + i);
  hn::StoreU(
      norm.bias == nullptr ? hn::Mul(value, scale) : hn::MulAdd(value, scale, hn::LoadU(tag, norm.bias + i)),
      tag, y + i);
}

}  // namespace

void Rows(const LayerNormF32& norm, const float* x, int64_t x_step, int64_t rows, float* y, int64_t y_step) {
  const D d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < rows; ++row, x += x_step, y += y_step) {
    const Moments moments = MomentsOf(norm, x);
    if (!moments.is_in_range) {
      NormalizeWide(norm, x, y);
      continue;
    }
    int64_t i = 0;
    for (; i + lanes <= norm.length; i += lanes) NormalizeAt(d, norm, moments, x, i, y);
    for (; i < norm.length; ++i) NormalizeAt(one, norm, moments, x, i, y);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(Rows);

void LayerNormRows(const LayerNormF32& norm, const float* x, int64_t x_step, int64_t rows, float* y,
                   int64_t y_step) {
  HWY_DYNAMIC_DISPATCH(Rows)(norm, x, x_step, rows, y, y_step);
}

}  // namespace slipway::cpu
#endif
