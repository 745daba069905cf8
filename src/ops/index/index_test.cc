// Picking and placing by index with hand-checked numbers.
#include "ops/testing.h"

namespace slipway {
namespace {

const TestValue kGrid{DType::kF32, {2, 3}, {0, 1, 2, 3, 4, 5}};

TEST(Gather, PicksPerBatch) {
  const TestValue picks{DType::kI32, {2, 1}, {2, -3}};
  EXPECT_EQ(RunAndShow("Gather", {kGrid, picks}, {{"axis", int64_t{1}}, {"batch_dims", int64_t{1}}}),
            "f32[2,1]: 2 3");
  EXPECT_EQ(RunAndShow("Gather", {kGrid, {DType::kI32, {1}, {2}}}),
            "Gather 'node': index 2 is outside an axis of 2");
}

TEST(GatherND, NamesTheBatchThatDiffers) {
  EXPECT_EQ(RunAndShow("GatherND", {kGrid, {DType::kI64, {1, 1}, {0}}}, {{"batch_dims", int64_t{1}}}),
            "GatherND 'node': batch axis 0 differs: x is [2,3], indices are [1,1]");
}

TEST(ScatterND, AddsUpEqualPlaces) {
  const TestValue x{DType::kI32, {3}, {10, 20, 30}};
  EXPECT_EQ(RunAndShow("ScatterND", {x, {DType::kI64, {3, 1}, {1, 1, 0}}, {DType::kI32, {3}, {1, 2, 3}}},
                       {{"reduction", std::string("add")}}),
            "i32[3]: 13 23 30");
}

TEST(TopK, TakesTheFirstOfEquals) {
  const auto result = RunOp("TopK", {{DType::kF32, {5}, {1, 3, 2, 3, 0}}, {DType::kI64, {1}, {3}}}, {},
                            {std::nullopt, std::nullopt});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(Show((*result)[0].tensor), "f32[3]: 3 3 2");
  EXPECT_EQ(Show((*result)[1].tensor), "i64[3]: 1 3 2");
}

TEST(OneHot, CountsNegativesFromTheEndUnlessTold) {
  const std::vector<TestValue> inputs = {
      {DType::kI64, {2}, {1, -1}}, {DType::kI64, {}, {3}}, {DType::kF32, {2}, {0, 5}}};
  EXPECT_EQ(RunAndShow("OneHot", inputs), "f32[2,3]: 0 5 0 0 0 5");
  EXPECT_EQ(RunAndShow("OneHot", inputs, {{"from_end", int64_t{0}}}), "f32[2,3]: 0 5 0 0 0 0");
}

// Boxes 0 and 1 overlap by 0.9 / 1.1; box 2 is alone.
const TestValue kBoxes{DType::kF32, {3, 4}, {0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11}};

TEST(SoftNonMaxSuppression, LeavesOutOrSoftens) {
  const TestValue scores{DType::kF32, {3}, {0.9, 0.75, 0.6}};
  const TestValue most{DType::kI32, {}, {3}};
  const TestValue overlap{DType::kF32, {}, {0.5}};
  EXPECT_EQ(RunAndShow("SoftNonMaxSuppression", {kBoxes, scores, most, overlap}), "i32[2]: 0 2");
  // 0.75 * exp(-0.818182^2 / (2 * 0.5)) = 0.384004
  const auto soft =
      RunOp("SoftNonMaxSuppression",
            {kBoxes, scores, most, {DType::kF32, {}, {1}}, {DType::kF32, {}, {0}}, {DType::kF32, {}, {0.5}}},
            {}, {std::nullopt, std::nullopt, std::nullopt});
  ASSERT_TRUE(soft.ok()) << soft.status().ToString();
  EXPECT_EQ(Show((*soft)[0].tensor), "i32[3]: 0 2 1");
  EXPECT_EQ(Show((*soft)[1].tensor), "f32[3]: 0.9 0.6 0.384004");
  EXPECT_EQ(Show((*soft)[2].tensor), "i32[]: 3");
}

// With a sigma TensorFlow does not look at the threshold.
TEST(SoftNonMaxSuppression, MaySoftenOnly) {
  const TestValue scores{DType::kF32, {3}, {0.9, 0.75, 0.6}};
  const std::vector<TestValue> inputs = {kBoxes,
                                         scores,
                                         {DType::kI32, {}, {3}},
                                         {DType::kF32, {}, {0.5}},
                                         {DType::kF32, {}, {0}},
                                         {DType::kF32, {}, {0.5}}};
  EXPECT_EQ(RunAndShow("SoftNonMaxSuppression", inputs), "i32[2]: 0 2");
  EXPECT_EQ(RunAndShow("SoftNonMaxSuppression", inputs, {{"soft_only", int64_t{1}}}), "i32[3]: 0 2 1");
}

// Box 1 is covered by box 0 in class 0; in class 1 only box 1 is above the threshold. Of three the best two
// stay.
TEST(CombinedNonMaxSuppression, KeepsTheBestOfAllClasses) {
  TestValue boxes = kBoxes;
  boxes.dims = {1, 3, 1, 4};
  const std::vector<TestValue> inputs = {boxes,
                                         {DType::kF32, {1, 3, 2}, {0.9, 0.1, 0.75, 0.5, 0.4, 0.2}},
                                         {DType::kI32, {}, {2}},
                                         {DType::kI32, {}, {2}},
                                         {DType::kF32, {}, {0.5}},
                                         {DType::kF32, {}, {0.3}}};
  const auto kept = RunOp("CombinedNonMaxSuppression", inputs, {},
                          {std::nullopt, std::nullopt, std::nullopt, std::nullopt});
  ASSERT_TRUE(kept.ok()) << kept.status().ToString();
  EXPECT_EQ(Show((*kept)[0].tensor), "f32[1,2,4]: 0 0 1 1 0 0.1 1 1");
  EXPECT_EQ(Show((*kept)[1].tensor), "f32[1,2]: 0.9 0.5");
  EXPECT_EQ(Show((*kept)[2].tensor), "f32[1,2]: 0 1");
  EXPECT_EQ(Show((*kept)[3].tensor), "i32[1]: 2");
  // Alone, too.
  EXPECT_EQ(RunAndShow("CombinedNonMaxSuppression", inputs), "f32[1,2,4]: 0 0 1 1 0 0.1 1 1");
}

TEST(CropAndResize, MeetsTheCornersAndExtrapolates) {
  const TestValue image{DType::kF32, {1, 2, 2, 1}, {1, 2, 3, 4}};
  const TestValue boxes{DType::kF32, {2, 4}, {0, 0, 1, 1, 0, 0, 2, 1}};
  EXPECT_EQ(
      RunAndShow("CropAndResize", {image, boxes, {DType::kI32, {2}, {0, 0}}, {DType::kI32, {2}, {3, 1}}},
                 {{"extrapolation_value", -1.0f}}),
      "f32[2,3,1,1]: 1.5 2.5 3.5 1.5 3.5 -1");
}

}  // namespace
}  // namespace slipway
