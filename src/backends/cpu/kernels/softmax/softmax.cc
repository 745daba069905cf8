#include "backends/cpu/kernels/softmax/softmax.h"

#include <algorithm>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/softmax/softmax.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

using D = hn::CappedTag<float, 16>;
constexpr int64_t kMaxLanes = 16;

float Largest(const float* x, int64_t count) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  float best = x[0];
  int64_t i = 0;
  if (count >= lanes) {
    auto most = hn::LoadU(d, x);
    for (i = lanes; i + lanes <= count; i += lanes) most = hn::Max(most, hn::LoadU(d, x + i));
    best = hn::GetLane(hn::MaxOfLanes(d, most));
  }
  for (; i < count; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

}  // namespace

void Row(const float* x, int64_t count, float beta, float* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto most = hn::Set(d, Largest(x, count));
  const auto factor = hn::Set(d, beta);
  const auto exp = [&](auto v) HWY_ATTR { return Exp(d, hn::Mul(hn::Sub(v, most), factor)); };
  auto sums = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto e = exp(hn::LoadU(d, x + i));
    sums = hn::Add(sums, e);
    hn::StoreU(e, d, y + i);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  if (i < count) {
    HWY_ALIGN float rest[kMaxLanes] = {};
    for (int64_t k = i; k < count; ++k) rest[k - i] = x[k];
    hn::Store(exp(hn::Load(d, rest)), d, rest);
    for (int64_t k = i; k < count; ++k) {
      y[k] = rest[k - i];
      sum += y[k];
    }
  }
  const auto inverse = hn::Set(d, 1.0F / sum);
  for (i = 0; i + lanes <= count; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, y + i), inverse), d, y + i);
  for (; i < count; ++i) y[i] *= 1.0F / sum;
}

// A block of rows at a time: exponentials do not care where a row ends.
void ShortRows(const float* x, int64_t rows, int64_t count, float beta, float* y) {
  constexpr int64_t kBlock = 256;
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN float e[kBlock + kMaxLanes] = {};
  const int64_t rows_each = kBlock / count;
  for (int64_t row = 0; row < rows; row += rows_each) {
    const int64_t now = std::min(rows_each, rows - row);
    const float* from = x + row * count;
    float* to = y + row * count;
    for (int64_t r = 0; r < now; ++r) {
      float most = from[r * count];
      for (int64_t k = 1; k < count; ++k) most = from[r * count + k] > most ? from[r * count + k] : most;
      for (int64_t k = 0; k < count; ++k) e[r * count + k] = (from[r * count + k] - most) * beta;
    }
    for (int64_t i = 0; i < now * count; i += lanes) hn::Store(Exp(d, hn::Load(d, e + i)), d, e + i);
    for (int64_t r = 0; r < now; ++r) {
      float sum = 0;
      for (int64_t k = 0; k < count; ++k) sum += e[r * count + k];
      const float inverse = 1.0F / sum;
      for (int64_t k = 0; k < count; ++k) to[r * count + k] = e[r * count + k] * inverse;
    }
  }
}

// Vectors of neighbouring columns; what is left over goes through a padded copy.
void Columns(const float* x, int64_t length, int64_t width, int64_t stride, float beta, float* scratch,
             float* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  float* most = scratch;
  float* sums = scratch + width;
  const auto factor = hn::Set(d, beta);
  for (int64_t i = 0; i < width; ++i) {
    most[i] = x[i];
    sums[i] = 0;
  }
  for (int64_t k = 1; k < length; ++k) {
    const float* from = x + k * stride;
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes)
      hn::StoreU(hn::Max(hn::LoadU(d, most + i), hn::LoadU(d, from + i)), d, most + i);
    for (; i < width; ++i) most[i] = from[i] > most[i] ? from[i] : most[i];
  }
  HWY_ALIGN float rest[kMaxLanes] = {};
  for (int64_t k = 0; k < length; ++k) {
    const float* from = x + k * stride;
    float* to = y + k * stride;
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes) {
      const auto e = Exp(d, hn::Mul(hn::Sub(hn::LoadU(d, from + i), hn::LoadU(d, most + i)), factor));
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), e), d, sums + i);
      hn::StoreU(e, d, to + i);
    }
    if (i == width) continue;
    for (int64_t c = i; c < width; ++c) rest[c - i] = from[c] - most[c];
    hn::Store(Exp(d, hn::Mul(hn::Load(d, rest), factor)), d, rest);
    for (int64_t c = i; c < width; ++c) {
      to[c] = rest[c - i];
      sums[c] += rest[c - i];
    }
  }
  for (int64_t k = 0; k < length; ++k) {
    float* to = y + k * stride;
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes)
      hn::StoreU(Divide(hn::LoadU(d, to + i), hn::LoadU(d, sums + i)), d, to + i);
    for (; i < width; ++i) to[i] /= sums[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>

namespace slipway::cpu {
namespace {

// The sum is taken in order: LiteRT's results depend on it.
template <class T, class Round>
void QuantizedRowOf(const SoftmaxQuant& softmax, const T* x, int64_t count, int64_t step, T* y,
                    const Round& round) {
  int32_t largest = x[0];
  for (int64_t k = 1; k < count; ++k) largest = std::max<int32_t>(largest, x[k * step]);
  float sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += softmax.table[largest - x[k * step]];
  const float inverse = 1.0F / (sum * softmax.out_scale);
  for (int64_t k = 0; k < count; ++k) {
    const int64_t value = round(softmax.table[largest - x[k * step]] * inverse);
    y[k * step] = static_cast<T>(
        std::clamp<int64_t>(value, std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()));
  }
}

}  // namespace

HWY_EXPORT(Row);
HWY_EXPORT(ShortRows);
HWY_EXPORT(Columns);

void SoftmaxRow(const float* x, int64_t count, float beta, float* y) {
  HWY_DYNAMIC_DISPATCH(Row)(x, count, beta, y);
}
void SoftmaxShortRows(const float* x, int64_t rows, int64_t count, float beta, float* y) {
  HWY_DYNAMIC_DISPATCH(ShortRows)(x, rows, count, beta, y);
}
void SoftmaxColumns(const float* x, int64_t length, int64_t width, int64_t stride, float beta, float* scratch,
                    float* y) {
  HWY_DYNAMIC_DISPATCH(Columns)(x, length, width, stride, beta, scratch, y);
}
void SoftmaxRowI8(const SoftmaxQuant& softmax, const int8_t* x, int64_t count, int64_t step, int8_t* y) {
  QuantizedRowOf(softmax, x, count, step, y,
                 [&](float v) { return static_cast<int64_t>(std::round(v)) + softmax.out_zero; });
}
void SoftmaxRowU8(const SoftmaxQuant& softmax, const uint8_t* x, int64_t count, int64_t step, uint8_t* y) {
  QuantizedRowOf(softmax, x, count, step, y, [](float v) { return static_cast<int64_t>(v + 0.5F); });
}

}  // namespace slipway::cpu
#endif
