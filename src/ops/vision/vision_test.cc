// Regions and landmarks worked out by hand.
#include "ops/testing.h"

namespace slipway {
namespace {

const TestValue kMatrix{DType::kF32, {1, 4, 4}, {2, 0, 0, 1, 0, 3, 0, -1, 0, 0, 1, 0, 0, 0, 0, 1}};

// x' = 2x + 1, y' = 3y - 1.
TEST(TransformLandmarks, MovesTwoOfThreeNumbers) {
  const TestValue landmarks{DType::kF32, {1, 2, 3}, {1, 2, 7, 0, 0, 8}};
  EXPECT_EQ(RunAndShow("TransformLandmarks", {landmarks, kMatrix}), "f32[1,2,3]: 3 5 7 1 -1 8");
}

// A crop of the same size as the box around the landmarks: nothing moves.
TEST(LandmarksToMatrix, OfACropThatFits) {
  const TestValue box{DType::kF32, {1, 4, 3}, {0, 0, 0, 4, 0, 0, 4, 2, 0, 0, 2, 0}};
  const Attrs attrs = {
      {"subset", Ints{0, 1, 2, 3}}, {"right_rotation_idx", int64_t{1}}, {"output_hw", Ints{2, 4}}};
  EXPECT_EQ(RunAndShow("LandmarksToMatrix", {box}, attrs), "f32[1,4,4]: 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1");
}

TEST(LandmarksToMatrix, RefusesLandmarksThatAreNotThere) {
  const TestValue box{DType::kF32, {1, 2, 3}, {0, 0, 0, 4, 0, 0}};
  const Attrs attrs = {{"subset", Ints{0, 5}}, {"output_hw", Ints{2, 4}}};
  EXPECT_EQ(RunAndShow("LandmarksToMatrix", {box}, attrs),
            "LandmarksToMatrix 'node': landmark 5 is outside f32[1,2,3]");
}

// Pixels at 1 and 3 of the row, whose centres lie at 1.5 and 3.5: halfway between those of x.
TEST(TransformImage, SamplesBetweenPixels) {
  const TestValue x{DType::kF32, {1, 1, 4, 1}, {0, 10, 20, 30}};
  const TestValue shift{DType::kF32, {1, 4, 4}, {2, 0, 0, 0.5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}};
  EXPECT_EQ(RunAndShow("TransformImage", {x, shift}, {{"output_size", Ints{1, 2}}}), "f32[1,1,2,1]: 10 30");
}

// Columns 1 to 2 and rows 0 to 1, in one part each; the last region lies outside.
TEST(MaxRoiPool, BothEndsAreIncluded) {
  const TestValue x{DType::kF32, {1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const TestValue rois{DType::kF32, {2, 5}, {0, 1, 0, 2, 1, 0, 5, 5, 6, 6}};
  EXPECT_EQ(RunAndShow("MaxRoiPool", {x, rois}, {{"pooled_shape", Ints{1, 1}}}), "f32[2,1,1,1]: 6 0");
}

TEST(GridSample, TakesOneGridForEveryImage) {
  const TestValue x{DType::kF32, {2, 1, 1, 1}, {3, 4}};
  const TestValue grid{DType::kF32, {1, 1, 1, 2}, {0, 0}};
  EXPECT_EQ(RunAndShow("GridSample", {x, grid}),
            "GridSample 'node': x [2,1,1,1] and grid [1,1,1,2] have different batches");
}

TEST(ResampleMatrix, RowsAreWhatPixelsWeigh) {
  const auto matrix = [](double from, double to, const char* kernel, int64_t antialias = 0) {
    return RunAndShow("ResampleMatrix", {{DType::kI64, {}, {from}}, {DType::kI64, {}, {to}}},
                      {{"kernel", std::string(kernel)}, {"antialias", antialias}});
  };
  EXPECT_EQ(matrix(3, 2, "area"), "f32[2,3]: 0.666667 0.333333 0 0 0.333333 0.666667");
  EXPECT_EQ(matrix(2, 4, "triangle"), "f32[4,2]: 1 0 0.75 0.25 0.25 0.75 0 1");
  // Widened to two pixels: 1/4, 3/4, 3/4, 1/4 of 2.
  EXPECT_EQ(matrix(4, 2, "triangle", 1),
            "f32[2,4]: 0.428571 0.428571 0.142857 0 0 0.142857 0.428571 0.428571");
  // Half between two pixels: -1/16, 9/16; what lies outside is left out, and the rest makes 1.
  EXPECT_EQ(matrix(4, 2, "bicubic_centered"),
            "f32[2,4]: 0.529412 0.529412 -0.0588235 0 0 -0.0588235 0.529412 0.529412");
  EXPECT_EQ(matrix(0, 2, "area"), "ResampleMatrix 'node': resizes from 0 pixels");
}

}  // namespace
}  // namespace slipway
