#include "server/protocol/classification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
Tensor Of(DType dtype, Dims dims, std::vector<T> values) {
  return Tensor::From<T>(dtype, std::move(dims), values);
}

TEST(ClassificationTest, TheBestOfEveryRow) {
  const Tensor scores = Of<float>(DType::kF32, {2, 3}, {0.1F, 3.3F, 2.4F, 7, -1, 7});
  const auto best = BestClasses(scores, 2, {});
  ASSERT_TRUE(best.ok());
  EXPECT_EQ(best->dims(), (Dims{2, 2}));
  EXPECT_THAT(best->values<std::string>(), ElementsAre("3.3:1", "2.4:2", "7:0", "7:2"));
}

TEST(ClassificationTest, LabelsWhereThereAreSome) {
  const std::vector<std::string> labels = {"cat", ""};
  const auto best = BestClasses(Of<int8_t>(DType::kI8, {3}, {-5, 1, -128}), 9, labels);
  ASSERT_TRUE(best.ok());
  EXPECT_EQ(best->dims(), (Dims{3}));
  EXPECT_THAT(best->values<std::string>(), ElementsAre("1:1", "-5:0:cat", "-128:2"));
}

TEST(ClassificationTest, ClassesAreAllButTheBatch) {
  const auto best = BestClasses(Of<uint16_t>(DType::kF16, {1, 2, 1, 1}, {0x3C00, 0x4000}), 1, {});
  ASSERT_TRUE(best.ok());
  EXPECT_EQ(best->dims(), (Dims{1, 1}));
  EXPECT_THAT(best->values<std::string>(), ElementsAre("2:1"));
}

TEST(ClassificationTest, NanComesLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float low = -std::numeric_limits<float>::infinity();
  const auto best = BestClasses(Of<float>(DType::kF32, {5}, {nan, low, nan, 1, 2}), 5, {});
  ASSERT_TRUE(best.ok());
  EXPECT_THAT(best->values<std::string>(),
              ElementsAre("2:4", "1:3", "-inf:1", HasSubstr(":0"), HasSubstr(":2")));
}

TEST(ClassificationTest, NothingToChooseFrom) {
  EXPECT_EQ(BestClasses(Tensor(DType::kF32, {0, 4}), 3, {})->dims(), (Dims{0, 0}));
  EXPECT_EQ(BestClasses(Tensor(DType::kF32, {2, 0}), 3, {})->dims(), (Dims{2, 0}));
  EXPECT_EQ(BestClasses(Tensor(DType::kF32, {}), 3, {})->dims(), (Dims{1}));
  EXPECT_EQ(BestClasses(Tensor(DType::kString, {2}), 3, {}).status().code(), Code::kInvalidInput);
}

}  // namespace
}  // namespace slipway::server
