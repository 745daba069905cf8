// The vectors of f32 that kernels work on: 16 lanes, or as many as the instruction set has. Included once per
// Highway target.
#if defined(SLIPWAY_CPU_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_VECTORS_INL_H_
#undef SLIPWAY_CPU_VECTORS_INL_H_
#else
#define SLIPWAY_CPU_VECTORS_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(DF()));

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_VECTORS_INL_H_
