#include "backends/cpu/kernels/resize/resize.h"

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/resize/resize.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using D = hn::CappedTag<float, 16>;

// One output pixel of `inner` elements from four pixels.
template <class DTag>
HWY_INLINE void Blend(DTag d, const float* const* corners, const float* weights, int64_t i, float* to) {
  auto sum = hn::Mul(hn::LoadU(d, corners[0] + i), hn::Set(d, weights[0]));
  for (int k = 1; k < 4; ++k) sum = hn::MulAdd(hn::LoadU(d, corners[k] + i), hn::Set(d, weights[k]), sum);
  hn::StoreU(sum, d, to + i);
}

}  // namespace

void BilinearRows(const BilinearPlan& plan, const float* x, int64_t begin, int64_t end, float* y) {
  const D d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto out_h = static_cast<int64_t>(plan.rows.size());
  const auto out_w = static_cast<int64_t>(plan.columns.size());
  const int64_t inner = plan.inner;
  for (int64_t row = begin; row < end; ++row) {
    const LinearTap& ty = plan.rows[static_cast<size_t>(row % out_h)];
    const float* image = x + row / out_h * plan.in_h * plan.in_w * inner;
    const float* low = image + ty.low * plan.in_w * inner;
    const float* high = image + ty.high * plan.in_w * inner;
    float* to = y + row * out_w * inner;
    if (inner == 1) {
      for (int64_t ox = 0; ox < out_w; ++ox) {
        const LinearTap& tx = plan.columns[static_cast<size_t>(ox)];
        to[ox] = ty.weight_low * (tx.weight_low * low[tx.low] + tx.weight_high * low[tx.high]) +
                 ty.weight_high * (tx.weight_low * high[tx.low] + tx.weight_high * high[tx.high]);
      }
      continue;
    }
    for (int64_t ox = 0; ox < out_w; ++ox) {
      const LinearTap& tx = plan.columns[static_cast<size_t>(ox)];
      const float* const corners[4] = {low + tx.low * inner, low + tx.high * inner, high + tx.low * inner,
                                       high + tx.high * inner};
      const float weights[4] = {ty.weight_low * tx.weight_low, ty.weight_low * tx.weight_high,
                                ty.weight_high * tx.weight_low, ty.weight_high * tx.weight_high};
      int64_t i = 0;
      for (; i + lanes <= inner; i += lanes) Blend(d, corners, weights, i, to + ox * inner);
      for (; i < inner; ++i) Blend(one, corners, weights, i, to + ox * inner);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(BilinearRows);

void ResizeBilinearRows(const BilinearPlan& plan, const float* x, int64_t begin, int64_t end, float* y) {
  HWY_DYNAMIC_DISPATCH(BilinearRows)(plan, x, begin, end, y);
}

}  // namespace slipway::cpu
#endif
