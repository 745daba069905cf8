#include "server/protocol/json_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
std::vector<T> Read(std::string_view array, DType dtype, Dims dims) {
  const auto tensor = TensorFromJson(array, dtype, std::move(dims));
  EXPECT_TRUE(tensor.ok()) << tensor.status().ToString();
  if (!tensor.ok()) return {};
  const auto values = tensor->values<T>();
  return {values.begin(), values.end()};
}

std::string ErrorOf(std::string_view array, DType dtype, Dims dims) {
  return TensorFromJson(array, dtype, std::move(dims)).status().message();
}

TEST(JsonDataTest, FlatAndNestedAreTheSame) {
  EXPECT_THAT(Read<float>("[1,-2.5,3e2,0]", DType::kF32, {2, 2}), ElementsAre(1, -2.5, 300, 0));
  EXPECT_THAT(Read<float>(" [ [1 ,\n-2.5] , [ 3e2,0 ] ]\n", DType::kF32, {2, 2}),
              ElementsAre(1, -2.5, 300, 0));
  EXPECT_THAT(Read<float>("[[[1]],[2,[3,[]]],4]", DType::kF32, {4}), ElementsAre(1, 2, 3, 4));
}

TEST(JsonDataTest, EmptyTensors) {
  EXPECT_THAT(Read<float>("[]", DType::kF32, {0, 3}), ElementsAre());
  EXPECT_THAT(Read<std::string>("[[],[]]", DType::kString, {2, 0}), ElementsAre());
  EXPECT_THAT(Read<int8_t>("[[7]]", DType::kI8, {}), ElementsAre(7));
}

TEST(JsonDataTest, IntegersEndWhereTheirTypeDoes) {
  EXPECT_THAT(Read<int8_t>("[-128,127]", DType::kI8, {2}), ElementsAre(-128, 127));
  EXPECT_THAT(Read<uint64_t>("[18446744073709551615]", DType::kU64, {1}), ElementsAre(UINT64_MAX));
  EXPECT_THAT(Read<int64_t>("[-9223372036854775808]", DType::kI64, {1}), ElementsAre(INT64_MIN));
  EXPECT_EQ(ErrorOf("[1,128]", DType::kI8, {2}), "data[1] is '128', which is no INT8");
  for (const char* text :
       {"[-1]", "[256]", "[1.0]", "[1e2]", "[01]", "[+1]", "[true]", "[\"1\"]", "[NaN]", "[0x1]"})
    EXPECT_THAT(ErrorOf(text, DType::kU8, {1}), HasSubstr("data")) << text;
}

TEST(JsonDataTest, RealsRoundOnce) {
  // Half way between two floats but for the last digit: through a double it would go down.
  EXPECT_THAT(Read<float>("[1.00000005960464477540]", DType::kF32, {1}),
              ElementsAre(std::nextafter(1.0F, 2.0F)));
  EXPECT_THAT(Read<float>("[1e-60,-1e-60,1e-45]", DType::kF32, {3}),
              ElementsAre(0, 0, std::numeric_limits<float>::denorm_min()));
  EXPECT_THAT(Read<double>("[1.7976931348623157e308]", DType::kF64, {1}),
              ElementsAre(std::numeric_limits<double>::max()));
  EXPECT_EQ(ErrorOf("[1e39]", DType::kF32, {1}), "data[0] is '1e39', which is no FP32");
  EXPECT_THAT(ErrorOf("[1e400]", DType::kF32, {1}), HasSubstr("no FP32"));
  EXPECT_THAT(ErrorOf("[-1e309]", DType::kF64, {1}), HasSubstr("no FP64"));
}

TEST(JsonDataTest, WhatIsNoNumberIsReadAsTritonDoes) {
  const auto values = Read<float>("[NaN,Infinity,-Infinity]", DType::kF32, {3});
  ASSERT_EQ(values.size(), 3u);
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[1], std::numeric_limits<float>::infinity());
  EXPECT_EQ(values[2], -std::numeric_limits<float>::infinity());
}

TEST(JsonDataTest, RefusesWhatIsNoReal) {
  for (const char* text :
       {"[1.]", "[.5]", "[01.5]", "[1.5x]", "[-]", "[e5]", "[inf]", "[nan]", "[null]", "[-NaN]"})
    EXPECT_THAT(ErrorOf(text, DType::kF32, {1}), HasSubstr("data")) << text;
}

TEST(JsonDataTest, BoolsAndStrings) {
  EXPECT_THAT(Read<bool>("[true,[false]]", DType::kBool, {2}), ElementsAre(true, false));
  EXPECT_EQ(ErrorOf("[1]", DType::kBool, {1}), "data[0] is '1', which is no BOOL");
  EXPECT_THAT(Read<std::string>(R"(["a,]\"",["\u00e9"]])", DType::kString, {2, 1}),
              ElementsAre("a,]\"", "\u00e9"));
  EXPECT_THAT(ErrorOf(R"([1])", DType::kString, {1}), HasSubstr("no BYTES"));
  EXPECT_THAT(ErrorOf(R"(["\ud800"])", DType::kString, {1}), HasSubstr("no BYTES"));
}

TEST(JsonDataTest, CountsElements) {
  EXPECT_EQ(ErrorOf("[1,2,3]", DType::kI32, {2}), "shape [2] holds 2 elements, data has more");
  EXPECT_EQ(ErrorOf("[1,2, 3]", DType::kI32, {2, 2}), "shape [2,2] holds 4 elements, data has 3");
  EXPECT_EQ(ErrorOf("[]", DType::kI32, {}), "shape [] holds 1 elements, data has 0");
}

TEST(JsonDataTest, AllocatesNothingForElementsThatAreNotThere) {
  EXPECT_THAT(ErrorOf("[1]", DType::kString, {int64_t{1} << 50}), HasSubstr("data has fewer"));
  EXPECT_THAT(ErrorOf("[1]", DType::kI8, {INT64_MAX, INT64_MAX}), HasSubstr("too large"));
  EXPECT_THAT(ErrorOf("[1]", DType::kI8, {-1}), HasSubstr("negative"));
}

TEST(JsonDataTest, RefusesBrokenArrays) {
  for (const char* text : {"", " ", "1", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1],", "[[1]2]",
                           "[1[2]]", "[1}", "[1]x", "]", "{}"}) {
    EXPECT_FALSE(TensorFromJson(text, DType::kI32, {1}).ok()) << text;
  }
}

TEST(JsonDataTest, NestingIsLimited) {
  EXPECT_THAT(Read<int32_t>(std::string(64, '[') + "1" + std::string(64, ']'), DType::kI32, {1}),
              ElementsAre(1));
  EXPECT_THAT(ErrorOf(std::string(1 << 20, '['), DType::kI32, {1}), HasSubstr("more than 64 deep"));
}

TEST(JsonDataTest, HalfPrecisionHasNoJson) {
  const Status status = TensorFromJson("[1]", DType::kF16, {1}).status();
  EXPECT_EQ(status.message(), "FP16 has no form in JSON");
  EXPECT_EQ(status.hint(), "send it as binary data");
}

}  // namespace
}  // namespace slipway::server
