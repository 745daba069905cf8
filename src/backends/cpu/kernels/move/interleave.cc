#include "backends/cpu/kernels/move/interleave.h"

#include <algorithm>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/move/interleave.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using D = hn::CappedTag<float, 16>;

template <int kPlanes>
void Interleave(const float* x, int64_t plane_step, int64_t pixels, float* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= pixels; i += lanes) {
    const auto plane = [&](int p) HWY_ATTR { return hn::LoadU(d, x + p * plane_step + i); };
    float* to = y + i * kPlanes;
    if constexpr (kPlanes == 2) hn::StoreInterleaved2(plane(0), plane(1), d, to);
    if constexpr (kPlanes == 3) hn::StoreInterleaved3(plane(0), plane(1), plane(2), d, to);
    if constexpr (kPlanes == 4) hn::StoreInterleaved4(plane(0), plane(1), plane(2), plane(3), d, to);
  }
  for (; i < pixels; ++i)
    for (int p = 0; p < kPlanes; ++p) y[i * kPlanes + p] = x[p * plane_step + i];
}

void InterleaveTarget(const float* x, int64_t plane_step, int64_t planes, int64_t pixels, float* y) {
  if (planes == 2) return Interleave<2>(x, plane_step, pixels, y);
  if (planes == 3) return Interleave<3>(x, plane_step, pixels, y);
  if (planes == 4) return Interleave<4>(x, plane_step, pixels, y);
  std::copy_n(x, pixels, y);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(InterleaveTarget);

void InterleavePlanes(const float* x, int64_t plane_step, int64_t planes, int64_t pixels, float* y) {
  HWY_DYNAMIC_DISPATCH(InterleaveTarget)(x, plane_step, planes, pixels, y);
}

}  // namespace slipway::cpu
#endif
