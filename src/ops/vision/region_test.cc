// Regions of interest, worked out by hand.
#include "ops/testing.h"

namespace slipway {
namespace {

// Two parts an axis over 2 x 2 pixels: each part is one pixel, of its own channel.
TEST(PsRoiPool, EveryPartHasItsChannel) {
  const TestValue x{DType::kF32, {1, 4, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  const TestValue rois{DType::kF32, {2, 5}, {0, 0, 0, 1, 1, 0, 9, 9, 9, 9}};
  const Attrs attrs = {{"output_dim", int64_t{1}}, {"group_size", int64_t{2}}};
  EXPECT_EQ(RunAndShow("PsRoiPool", {x, rois}, attrs), "f32[2,1,2,2]: 1 6 11 16 0 0 0 0");
}

TEST(PsRoiPool, RefusesOtherChannels) {
  const TestValue x{DType::kF32, {1, 3, 1, 1}, {1, 2, 3}};
  const TestValue rois{DType::kF32, {1, 5}, {0, 0, 0, 1, 1}};
  EXPECT_EQ(RunAndShow("PsRoiPool", {x, rois}, {{"output_dim", int64_t{1}}, {"group_size", int64_t{2}}}),
            "PsRoiPool 'node': x [1,3,1,1] must have output_dim * group_size^2 channels: 1 * 2^2");
}

const TestValue kInfo{DType::kF32, {1, 3}, {16, 32, 1}};
const Attrs kOneAnchor = {{"ratios", Floats{1}}, {"scales", Floats{1}}, {"min_size", int64_t{9}}};

// Two cells with an anchor of 16 x 16 each. The second one's box moves onto the first's but for one column
// (IoU 15 / 17), and scores less.
TEST(RpnProposal, DropsNearDuplicates) {
  const TestValue scores{DType::kF32, {1, 2, 1, 2}, {0, 0, 0.9, 0.8}};
  const TestValue deltas{DType::kF32, {1, 4, 1, 2}, {0, -0.9375, 0, 0, 0, 0, 0, 0}};
  Attrs attrs = kOneAnchor;
  EXPECT_EQ(RunAndShow("RpnProposal", {scores, deltas, kInfo}, attrs), "f32[1,5]: 0 0 0 16 15");
  attrs.Set("nms_threshold", 0.9F);
  EXPECT_EQ(RunAndShow("RpnProposal", {scores, deltas, kInfo}, attrs), "f32[2,5]: 0 0 0 16 15 0 1 0 17 15");
}

// Sides shrink to exp(-1): 16 / e is less than 9.
TEST(RpnProposal, DropsSmallBoxes) {
  const TestValue scores{DType::kF32, {1, 2, 1, 1}, {0, 1}};
  const TestValue deltas{DType::kF32, {1, 4, 1, 1}, {0, 0, -1, -1}};
  EXPECT_EQ(RunAndShow("RpnProposal", {scores, deltas, kInfo}, kOneAnchor), "f32[0,5]:");
}

TEST(RpnProposal, RefusesOtherAnchors) {
  const TestValue scores{DType::kF32, {1, 2, 1, 1}, {0, 1}};
  const TestValue deltas{DType::kF32, {1, 4, 1, 1}, {0, 0, 0, 0}};
  EXPECT_EQ(RunAndShow("RpnProposal", {scores, deltas, kInfo}),
            "RpnProposal 'node': scores are [1,2,1,1]; for 9 anchors they must be [1,18,H,W]");
}

const TestValue kPriors{DType::kF32, {1, 2, 8}, {0, 0, 1, 1, 0, 0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1}};

// The second prior box, which overlaps the first by half, is kept beside it where more than that is allowed.
TEST(SsdDetection, DropsOverlapsOfAClass) {
  const TestValue loc{DType::kF32, {1, 8}, {0, 0, 0, 0, 0, 0, 0, 0}};
  const TestValue conf{DType::kF32, {1, 4}, {0.1, 0.6, 0.2, 0.9}};
  Attrs attrs = {{"num_classes", int64_t{2}}, {"nms_threshold", 0.6F}};
  EXPECT_EQ(RunAndShow("SsdDetection", {loc, conf, kPriors}, attrs),
            "f32[1,1,2,7]: 0 1 0.9 0 0 0.5 1 0 1 0.6 0 0 1 1");
  attrs.Set("nms_threshold", 0.4F);
  EXPECT_EQ(RunAndShow("SsdDetection", {loc, conf, kPriors}, attrs), "f32[1,1,1,7]: 0 1 0.9 0 0 0.5 1");
  attrs.Set("confidence_threshold", 0.95F);
  EXPECT_EQ(RunAndShow("SsdDetection", {loc, conf, kPriors}, attrs), "f32[1,1,1,7]: 0 -1 -1 -1 -1 -1 -1");
}

TEST(SsdDetection, RefusesOtherCounts) {
  const TestValue loc{DType::kF32, {1, 4}, {0, 0, 0, 0}};
  const TestValue conf{DType::kF32, {1, 4}, {0, 0, 0, 0}};
  EXPECT_EQ(RunAndShow("SsdDetection", {loc, conf, kPriors}, {{"num_classes", int64_t{2}}}),
            "SsdDetection 'node': loc [1,4] must have 4 numbers for each of 2 prior boxes");
}

}  // namespace
}  // namespace slipway
