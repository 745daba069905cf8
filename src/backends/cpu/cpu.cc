// The `cpu` backend's list of tactics: vectorised kernels, chosen by what fits and what the cost model says.
//
// SLIPWAY_ISA=scalar|sse4|avx2|avx512, on ARM neon|dotprod, holds the kernels to an instruction set at most
// (the default: the best).
#include <cstdlib>
#include <string_view>

#include "backends/cpu/kernels/gemm/f16.h"
#include "backends/cpu/kernels/simd/arm_extensions.h"
#include "backends/cpu/kernels/simd/supported_targets.h"
#include "backends/cpu/kernels/simd/targets.h"
#include "backends/cpu/tactics.h"
#include "hwy/targets.h"

namespace slipway {
namespace {

// The only place that narrows Highway's choice. Better instruction sets are lower bits.
void HonourIsa() {
  const char* isa = std::getenv("SLIPWAY_ISA");
  if (isa == nullptr) return;
  const std::string_view name = isa;
  int64_t best = 0;
  if (name == "scalar") best = HWY_TARGETS & (HWY_EMU128 | HWY_SCALAR);
  if (name == "sse4") best = HWY_SSE4;
  if (name == "avx2") best = HWY_AVX2;
  if (name == "avx512") best = HWY_AVX3;
  if (best != 0) hwy::DisableTargets(best - 1);
  if (name == "neon") cpu::HoldArmTo({});
  if (name == "dotprod") cpu::HoldArmTo({.dot_products = true});
}

}  // namespace

Backend MakeCpuBackend() {
  HonourIsa();
  Backend backend{"cpu", "vectorised kernels for the host's processor", {}};
  // Better ones are lower bits. Where one alone is compiled it is taken unasked.
  const int64_t known = cpu::SupportedTargets();
  const int64_t targets = HWY_TARGETS == HWY_STATIC_TARGET ? HWY_STATIC_TARGET : known;
  backend.target = hwy::TargetName(targets & -targets);
  const cpu::ArmExtensions arm = cpu::FindArmExtensions();
  if (arm.dot_products) backend.target += "+dotprod";
  if (arm.f16_products) backend.target += "+fhm";
  if (arm.bf16) backend.target += "+bf16";
  backend.why_no_bf16 = cpu::WhyNoBf16();
  backend.why_no_f16 = cpu::WhyNoF16();
  for (auto list : {cpu::ConvTactics,
                    cpu::ConvTransposeTactics,
                    cpu::DepthwiseTactics,
                    cpu::WinogradTactics,
                    cpu::MatMulTactics,
                    cpu::BatchedMatMulTactics,
                    cpu::QuantizedConvTactics,
                    cpu::QuantizedMatMulTactics,
                    cpu::ElementwiseTactics,
                    cpu::ZipTactics,
                    cpu::WhereTactics,
                    cpu::GatherTactics,
                    cpu::CastTactics,
                    cpu::PoolTactics,
                    cpu::ReshapeTactics,
                    cpu::TransposeTactics,
                    cpu::CopyTactics,
                    cpu::ConcatTactics,
                    cpu::SplitTactics,
                    cpu::TableTactics,
                    cpu::QuantizedElementwiseTactics,
                    cpu::SoftmaxTactics,
                    cpu::ConvertTactics,
                    cpu::ReduceTactics,
                    cpu::NormalizeTactics,
                    cpu::LayerNormTactics,
                    cpu::AttentionTactics,
                    cpu::ResizeTactics,
                    cpu::ResizeNearestTactics}) {
    for (const Tactic* tactic : list()) backend.tactics.push_back(tactic);
  }
  return backend;
}

}  // namespace slipway
