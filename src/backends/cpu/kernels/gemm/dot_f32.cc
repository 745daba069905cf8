#include "backends/cpu/kernels/gemm/dot_f32.h"

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/gemm/dot_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/simd/math-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr int kRows = 4;  // share the loads of B

// Sums of kRows rows from `row` on by one column, to sums[row].
template <int kCount>
HWY_INLINE void DotRows(const GemmF32& gemm, int64_t row, const float* b, float* sums) {
  const DF d;
  VF sum[kCount];
#pragma GCC unroll 4
  for (int i = 0; i < kCount; ++i) sum[i] = hn::Zero(d);
  for (int64_t r = 0; r < gemm.num_runs; ++r, b += gemm.run_length) {
    const float* a = gemm.a[r] + gemm.a_offset + row * gemm.a_step;
    int64_t k = 0;
    for (; k + kLanes <= gemm.run_length; k += kLanes) {
      const VF weight = hn::LoadU(d, b + k);
#pragma GCC unroll 4
      for (int i = 0; i < kCount; ++i)
        sum[i] = hn::MulAdd(hn::LoadU(d, a + i * gemm.a_step + k), weight, sum[i]);
    }
    if (k == gemm.run_length) continue;
    const auto rest = static_cast<size_t>(gemm.run_length - k);
    const VF weight = LoadFirst(d, b + k, rest);
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i)
      sum[i] = hn::MulAdd(LoadFirst(d, a + i * gemm.a_step + k, rest), weight, sum[i]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kCount; ++i) sums[i * kDotColumns] = hn::GetLane(hn::SumOfLanes(d, sum[i]));
}

// Bias, residual and activation of one row's sums.
HWY_INLINE void StoreSums(const GemmF32& gemm, int64_t row, const float* sums) {
  const hn::CappedTag<float, 4> d;
  static_assert(kDotColumns == 4);
  const auto columns = static_cast<size_t>(gemm.columns);
  const Epilogue& epilogue = gemm.epilogue;
  HWY_ALIGN float values[kDotColumns] = {};
  for (size_t n = 0; n < columns; ++n) {
    values[n] = sums[n] + (epilogue.bias == nullptr ? 0 : epilogue.bias[n]);
    if (epilogue.residual != nullptr && !epilogue.is_residual_last)
      values[n] += epilogue.residual.floats()[row * epilogue.residual_step + static_cast<int64_t>(n)];
  }
  WithActivation(d, epilogue.activation, [&](auto f) HWY_ATTR {
    for (size_t n = 0; n < columns; n += hn::Lanes(d)) hn::StoreU(f(hn::LoadU(d, values + n)), d, values + n);
  });
  float* c = gemm.c.floats() + row * gemm.c_step;
  for (size_t n = 0; n < columns; ++n) {
    const bool is_added = epilogue.residual != nullptr && epilogue.is_residual_last;
    c[n] =
        values[n] +
        (is_added ? epilogue.residual.floats()[row * epilogue.residual_step + static_cast<int64_t>(n)] : 0);
  }
}

}  // namespace

void RunDot(const GemmF32& gemm, int64_t rows) {
  HWY_ALIGN float sums[kRows * kDotColumns] = {};
  for (int64_t row = 0; row < rows;) {
    const bool is_whole = row + kRows <= rows;
    for (int64_t n = 0; n < gemm.columns; ++n) {
      const float* b = gemm.b + n * gemm.depth();
      if (is_whole)
        DotRows<kRows>(gemm, row, b, sums + n);
      else
        DotRows<1>(gemm, row, b, sums + n);
    }
    const int64_t count = is_whole ? kRows : 1;
    for (int64_t i = 0; i < count; ++i, ++row) StoreSums(gemm, row, sums + i * kDotColumns);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {
HWY_EXPORT(RunDot);
void RunDotF32(const GemmF32& gemm, int64_t rows) { HWY_DYNAMIC_DISPATCH(RunDot)(gemm, rows); }
}  // namespace slipway::cpu
#endif
