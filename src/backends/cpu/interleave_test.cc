// Planes to pixels, on every instruction set that the machine has.
#include "backends/cpu/kernels/move/interleave.h"

#include <gtest/gtest.h>

#include "backends/cpu/test_targets.h"

namespace slipway::cpu {
namespace {

class Interleave : public OnTarget {};

TEST_P(Interleave, PutsPlanesSideBySide) {
  constexpr float kUntouched = -1;
  for (int64_t planes = 1; planes <= kMaxPlanes; ++planes) {
    for (const int64_t pixels : {0, 1, 3, 4, 15, 16, 17, 100}) {
      const int64_t plane_step = pixels + 7;
      std::vector<float> x(static_cast<size_t>(planes * plane_step));
      for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
      std::vector<float> y(static_cast<size_t>(planes * pixels + 1), kUntouched);
      InterleavePlanes(x.data(), plane_step, planes, pixels, y.data());
      for (int64_t i = 0; i < pixels; ++i) {
        for (int64_t p = 0; p < planes; ++p)
          ASSERT_EQ(y[static_cast<size_t>(i * planes + p)], x[static_cast<size_t>(p * plane_step + i)])
              << planes << " planes, pixel " << i << " of " << pixels;
      }
      EXPECT_EQ(y.back(), kUntouched);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, Interleave, ::testing::ValuesIn(TargetsToTest()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace slipway::cpu
