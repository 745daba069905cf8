// The end of an element (Epilogue), on vectors. Included once per Highway target.
#if defined(SLIPWAY_CPU_GEMM_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLIPWAY_CPU_GEMM_EPILOGUE_INL_H_
#undef SLIPWAY_CPU_GEMM_EPILOGUE_INL_H_
#else
#define SLIPWAY_CPU_GEMM_EPILOGUE_INL_H_
#endif

#include "backends/cpu/kernels/gemm/bf16-inl.h"
#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {

// The first `count` elements, zeros behind.
HWY_INLINE VF LoadElements(ConstElements from, size_t count) {
#if SLIPWAY_CPU_HAS_BF16
  if (from.is_bf16()) return LoadBf16(from.bf16(), count);
#endif
  return LoadFirst(DF(), from.floats(), count);
}

HWY_INLINE void StoreElements(VF x, Elements to, size_t count) {
#if SLIPWAY_CPU_HAS_BF16
  if (to.is_bf16()) return StoreBf16(x, to.bf16(), count);
#endif
  StoreFirst(x, DF(), to.floats(), count);
}

// The activation f of a sum that has its bias, with the first `count` lanes of the residual on its side of f;
// `residual` null: none.
template <class F>
HWY_INLINE VF WithResidual(const Epilogue& epilogue, const F& f, VF sum, ConstElements residual,
                           size_t count) {
  const bool has_residual = residual != nullptr;
  VF added = hn::Zero(DF());
  if (has_residual) added = LoadElements(residual, count);
  if (has_residual && !epilogue.is_residual_last) sum = hn::Add(sum, added);
  const VF y = f(sum);
  return has_residual && epilogue.is_residual_last ? hn::Add(y, added) : y;
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#endif  // SLIPWAY_CPU_GEMM_EPILOGUE_INL_H_
