// Optical flow's operators, worked out by hand.
#include "ops/testing.h"

namespace slipway {
namespace {

const TestValue kRow{DType::kF32, {1, 1, 1, 3}, {1, 2, 3}};
const TestValue kOther{DType::kF32, {1, 1, 1, 3}, {10, 20, 30}};

// Displacements -1, 0, 1; beyond the ends lie zeros.
TEST(Correlation, MultipliesWithEveryDisplacement) {
  const Attrs attrs = {{"max_displacement", Ints{0, 1}}, {"pads", Ints{0, 1}}};
  EXPECT_EQ(RunAndShow("Correlation", {kRow, kOther}, attrs), "f32[1,3,1,3]: 0 20 60 10 40 90 20 60 0");
}

// Without pads only the middle pixel has both neighbours.
TEST(Correlation, TakesPlacesWhereEveryDisplacementFits) {
  const Attrs attrs = {{"max_displacement", Ints{0, 1}}, {"mode", std::string("subtract")}};
  EXPECT_EQ(RunAndShow("Correlation", {kRow, kOther}, attrs), "f32[1,3,1,1]: 8 18 28");
}

TEST(Correlation, RefusesWhatDoesNotFit) {
  EXPECT_EQ(RunAndShow("Correlation", {kRow, kOther}, {{"max_displacement", Ints{1, 1}}}),
            "Correlation 'node': kernel and displacements do not fit into [1,1,1,3]");
  EXPECT_EQ(RunAndShow("Correlation", {kRow, kOther}, {{"max_displacement", Ints{1}}}),
            "Correlation 'node': max_displacement is [1]; it must be [rows,columns], at most 65535");
  EXPECT_EQ(RunAndShow("Correlation", {kRow, kOther},
                       {{"max_displacement", Ints{0, 1}}, {"kernel_size", int64_t{2}}}),
            "Correlation 'node': kernel_size is 2; it must be odd, at most 255");
}

// Half a pixel to the right, within the last pixel's cell, and outside.
TEST(FlowWarp, SamplesBetweenPixels) {
  const TestValue flow{DType::kF32, {1, 2, 1, 3}, {0.5, 1.75, -2.5, 0, 0, 0}};
  EXPECT_EQ(RunAndShow("FlowWarp", {kRow, flow}), "f32[1,1,1,3]: 1.5 3 0");
  EXPECT_EQ(RunAndShow("FlowWarp", {kRow, flow}, {{"fill", std::string("nan")}}), "f32[1,1,1,3]: 1.5 3 nan");
}

TEST(FlowWarp, RefusesAFlowOfAnotherSize) {
  EXPECT_EQ(RunAndShow("FlowWarp", {kRow, kOther}),
            "FlowWarp 'node': flow is [1,1,1,3]; for x [1,1,1,3] it must be [N,2,H,W]");
}

}  // namespace
}  // namespace slipway
