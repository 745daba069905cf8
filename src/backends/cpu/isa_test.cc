// That an instruction set which was taken away stays away, whoever asks what there is.
#include <gtest/gtest.h>

#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/kernels/gemm/gemm_f32.h"
#include "backends/cpu/kernels/quantized/conv_q8.h"
#include "backends/cpu/kernels/simd/supported_targets.h"
#include "backends/cpu/kernels/simd/targets.h"
#include "hwy/targets.h"

namespace slipway::cpu {
namespace {

#if defined(__x86_64__) && !defined(HWY_COMPILE_ONLY_SCALAR)

TEST(InstructionSets, StayAwayOnceTheyAreTakenAway) {
  constexpr int64_t kRowsOfSse4 = 2;
  const int64_t rows = GemmF32TileRows();
  hwy::DisableTargets(HWY_SSE4 - 1);  // better ones are lower bits
  EXPECT_EQ(GemmF32TileRows(), kRowsOfSse4);
  EXPECT_TRUE(WhyNoBf16());
  EXPECT_EQ(BestDotForm(), DotForm::kWiden);
  EXPECT_EQ(SupportedTargets() & (HWY_SSE4 - 1), 0);
  EXPECT_EQ(GemmF32TileRows(), kRowsOfSse4);
  hwy::DisableTargets(0);
  EXPECT_EQ(GemmF32TileRows(), rows);
}

#endif

}  // namespace
}  // namespace slipway::cpu
