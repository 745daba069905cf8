#include <gmock/gmock.h>

#include "ops/testing.h"

namespace slipway {
namespace {

using testing::HasSubstr;

TestValue Ints64(Dims dims, std::vector<double> values) {
  return {DType::kI64, std::move(dims), std::move(values)};
}

std::string Dense(const TestValue& shape, const TestValue& values, const std::vector<TestValue>& partitions,
                  const Strings& kinds, double fill = -1) {
  std::vector<TestValue> inputs = {shape, values, {values.dtype, {}, {fill}}};
  inputs.insert(inputs.end(), partitions.begin(), partitions.end());
  return RunAndShow("RaggedToDense", inputs, {{"row_partition_types", kinds}});
}

const TestValue kAny = Ints64({}, {-1});
const TestValue kFive = Ints64({5}, {1, 2, 3, 4, 5});

TEST(RaggedToDense, FillsRowsUp) {
  EXPECT_EQ(Dense(kAny, kFive, {Ints64({4}, {0, 2, 2, 5})}, {"ROW_SPLITS"}),
            "i64[3,3]: 1 2 -1 -1 -1 -1 3 4 5");
}

TEST(RaggedToDense, TakesTheRowOfEachElement) {
  EXPECT_EQ(
      Dense(kAny, kFive, {Ints64({}, {4}), Ints64({5}, {1, 1, 2, 2, 2})}, {"FIRST_DIM_SIZE", "VALUE_ROWIDS"}),
      "i64[4,3]: -1 -1 -1 1 2 -1 3 4 5 -1 -1 -1");
}

TEST(RaggedToDense, CutsOffWhatHasNoRoom) {
  EXPECT_EQ(Dense(Ints64({2}, {2, 1}), kFive, {Ints64({4}, {0, 2, 2, 5})}, {"ROW_SPLITS"}), "i64[2,1]: 1 -1");
  EXPECT_EQ(Dense(Ints64({2}, {-1, 4}), kFive, {Ints64({2}, {0, 5})}, {"ROW_SPLITS"}), "i64[1,4]: 1 2 3 4");
}

TEST(RaggedToDense, NestsAxesAndKeepsTheElementsOwn) {
  EXPECT_EQ(Dense(kAny, {DType::kF32, {3, 2}, {1, 2, 3, 4, 5, 6}},
                  {Ints64({3}, {0, 1, 3}), Ints64({4}, {0, 0, 1, 3})}, {"ROW_SPLITS", "ROW_SPLITS"}, 0),
            "f32[2,2,2,2]: 0 0 0 0 0 0 0 0 1 2 0 0 3 4 5 6");
}

TEST(RaggedToDense, OfNothingIsEmpty) {
  EXPECT_EQ(Dense(kAny, Ints64({0}, {}), {Ints64({1}, {0})}, {"ROW_SPLITS"}), "i64[0,0]:");
}

TEST(RaggedToDense, NamesWhatIsWrong) {
  EXPECT_THAT(Dense(kAny, kFive, {Ints64({3}, {0, 2, 6})}, {"ROW_SPLITS"}),
              HasSubstr("row splits must go up from 0 to 5"));
  EXPECT_THAT(Dense(kAny, kFive, {Ints64({4}, {0, 3, 2, 5})}, {"ROW_SPLITS"}),
              HasSubstr("row splits must go up"));
  EXPECT_THAT(Dense(kAny, kFive, {Ints64({0}, {})}, {"ROW_SPLITS"}), HasSubstr("row splits must go up"));
  EXPECT_THAT(
      Dense(kAny, kFive, {Ints64({}, {2}), Ints64({5}, {0, 1, 2, 2, 2})}, {"FIRST_DIM_SIZE", "VALUE_ROWIDS"}),
      HasSubstr("row 2 of element 2 is not in order, or not one of 2"));
  EXPECT_THAT(Dense(kAny, kFive, {Ints64({5}, {0, 0, 0, 0, 0})}, {"VALUE_ROWIDS"}),
              HasSubstr("needs FIRST_DIM_SIZE before it"));
  EXPECT_THAT(Dense(kAny, kFive, {Ints64({2}, {0, 5})}, {"ROW_LENGTHS"}), HasSubstr("not ROW_LENGTHS"));
  EXPECT_THAT(Dense(Ints64({3}, {1, 1, 1}), kFive, {Ints64({2}, {0, 5})}, {"ROW_SPLITS"}),
              HasSubstr("shape has 3 extents, the result 2"));
}

}  // namespace
}  // namespace slipway
