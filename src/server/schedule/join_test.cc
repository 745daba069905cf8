#include "server/schedule/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace slipway::server {
namespace {

using ::testing::ElementsAre;

// first, first + 1, ...
Tensor Counting(Dims dims, float first) {
  Tensor tensor(DType::kF32, std::move(dims));
  std::iota(tensor.as<float>(), tensor.as<float>() + tensor.count(), first);
  return tensor;
}

Tensor Strings(const std::vector<std::string>& texts) {
  Tensor tensor(DType::kString, {static_cast<int64_t>(texts.size())});
  std::ranges::copy(texts, tensor.as<std::string>());
  return tensor;
}

std::vector<float> Floats(const Tensor& tensor) {
  return {tensor.as<float>(), tensor.as<float>() + tensor.count()};
}

std::vector<std::string> Texts(const Tensor& tensor) {
  return {tensor.as<std::string>(), tensor.as<std::string>() + tensor.count()};
}

TEST(Join, RowsAreTheFirstDimension) {
  EXPECT_EQ(RowsOf({Counting({3, 2}, 0), Counting({5}, 0)}), 3);
  EXPECT_EQ(RowsOf({Counting({}, 0)}), 1);
  EXPECT_EQ(RowsOf({}), 1);
}

TEST(Join, OnlyTheFirstDimensionMayDiffer) {
  const std::vector<Tensor> one = {Counting({1, 2}, 0)};
  EXPECT_TRUE(CanJoin(one, {Counting({4, 2}, 0)}));
  EXPECT_FALSE(CanJoin(one, {Counting({1, 3}, 0)}));
  EXPECT_FALSE(CanJoin(one, {Counting({1, 2, 1}, 0)}));
  EXPECT_FALSE(CanJoin(one, {Tensor(DType::kI32, {1, 2})}));
  EXPECT_FALSE(CanJoin(one, {Counting({1, 2}, 0), Counting({1, 2}, 0)}));
  EXPECT_FALSE(CanJoin({Counting({}, 0)}, {Counting({}, 0)}));
}

TEST(Join, PutsRowsBehindEachOther) {
  const std::vector<Tensor> a = {Counting({1, 2}, 0), Strings({"a"})};
  const std::vector<Tensor> b = {Counting({2, 2}, 10), Strings({"b", "c"})};
  const std::vector<Tensor>* both[] = {&a, &b};
  const std::vector<Tensor> joined = Join(both);
  EXPECT_THAT(joined[0].dims(), ElementsAre(3, 2));
  EXPECT_THAT(Floats(joined[0]), ElementsAre(0, 1, 10, 11, 12, 13));
  EXPECT_THAT(Texts(joined[1]), ElementsAre("a", "b", "c"));
}

TEST(Join, OneAloneIsNotCopied) {
  const std::vector<Tensor> a = {Counting({1, 2}, 0)};
  const std::vector<Tensor>* alone[] = {&a};
  EXPECT_EQ(Join(alone)[0].data(), a[0].data());
}

TEST(Join, RowsAreCutWhereTheyLie) {
  const std::vector<Tensor> outputs = {Counting({3, 2}, 0), Strings({"a", "b", "c"})};
  const auto cut = Rows(outputs, 1, 2, 3);
  ASSERT_TRUE(cut.ok()) << cut.status().ToString();
  EXPECT_THAT(Floats((*cut)[0]), ElementsAre(2, 3, 4, 5));
  EXPECT_EQ((*cut)[0].as<float>(), outputs[0].as<float>() + 2);
  EXPECT_THAT(Texts((*cut)[1]), ElementsAre("b", "c"));
}

TEST(Join, AnOutputWithoutTheBatchIsAnError) {
  for (const Dims& dims : {Dims{2, 2}, Dims{}}) {
    const std::vector<Tensor> outputs = {Counting(dims, 0)};
    const auto cut = Rows(outputs, 0, 1, 3);
    ASSERT_FALSE(cut.ok());
    EXPECT_THAT(cut.status().message(), ::testing::HasSubstr("output 0 is f32"));
  }
}

}  // namespace
}  // namespace slipway::server
