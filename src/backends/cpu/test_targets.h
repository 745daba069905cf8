// The instruction sets that tests hold the kernels to, one after the other.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "backends/cpu/kernels/simd/targets.h"
#include "hwy/targets.h"

namespace slipway::cpu {

// Those that the kernels are compiled for and this machine has. Where one alone is compiled it needs no
// choice, and Highway's library need not know it: Debian's for ARMv7 is built without NEON.
inline std::vector<int64_t> TargetsToTest() {
  std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  if (targets.empty()) targets.push_back(HWY_STATIC_TARGET);
  return targets;
}

// A test that runs once for each of them.
class OnTarget : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

}  // namespace slipway::cpu
