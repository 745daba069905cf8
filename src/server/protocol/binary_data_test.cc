#include "server/protocol/binary_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/http/message.h"

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Tensor> Read(const Body& body, DType dtype, Dims dims) {
  return TensorFromBinary(body.bytes(), dtype, std::move(dims), body.owner());
}

std::string ErrorOf(std::string_view bytes, DType dtype, Dims dims) {
  return Read(Body::Of(bytes), dtype, std::move(dims)).status().message();
}

// Text with its zeros.
template <size_t kSize>
std::string Bytes(const char (&text)[kSize]) {
  return {text, kSize - 1};
}

TEST(BinaryDataTest, AlignedBytesAreUsedInPlace) {
  const Body body = Body::Of(Bytes("\1\0\0\0\377\377\377\377"));
  const auto tensor = Read(body, DType::kI32, {2});
  ASSERT_TRUE(tensor.ok());
  EXPECT_EQ(tensor->data(), body.data());
  EXPECT_THAT(tensor->values<int32_t>(), ElementsAre(1, -1));
}

TEST(BinaryDataTest, TheTensorKeepsTheBytes) {
  Tensor tensor;
  {
    const Body body = Body::Of(Bytes("\0\0\200\77"));
    tensor = *Read(body, DType::kF32, {1, 1});
  }
  EXPECT_THAT(tensor.values<float>(), ElementsAre(1.0F));
}

TEST(BinaryDataTest, OtherBytesAreCopiedToWhereTheyAreAligned) {
  const Body body = Body::Of(Bytes("x\0\0\200\77"));
  const auto tensor = TensorFromBinary(body.bytes().subspan(1), DType::kF32, {1}, body.owner());
  ASSERT_TRUE(tensor.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor->data()) % alignof(float), 0u);
  EXPECT_THAT(tensor->values<float>(), ElementsAre(1.0F));
}

TEST(BinaryDataTest, SizesMustAgree) {
  EXPECT_EQ(ErrorOf("1234567", DType::kF32, {2}), "FP32[2] takes 8 bytes, binary data has 7");
  EXPECT_EQ(ErrorOf("123456789", DType::kF16, {2, 2}), "FP16[2,2] takes 8 bytes, binary data has 9");
  EXPECT_THAT(ErrorOf("", DType::kI64, {INT64_MAX, 4}), HasSubstr("too large"));
  EXPECT_THAT(ErrorOf("", DType::kI64, {-1}), HasSubstr("negative"));
}

TEST(BinaryDataTest, EmptyTensors) {
  const auto tensor = Read(Body(), DType::kF32, {0, 4});
  ASSERT_TRUE(tensor.ok());
  EXPECT_EQ(tensor->dims(), (Dims{0, 4}));
  EXPECT_TRUE(Read(Body(), DType::kString, {0}).ok());
}

TEST(BinaryDataTest, BoolsAreZeroOrOne) {
  EXPECT_THAT(Read(Body::Of(Bytes("\0\1")), DType::kBool, {2})->values<bool>(), ElementsAre(false, true));
  EXPECT_EQ(ErrorOf(Bytes("\0\2"), DType::kBool, {2}), "element 1 of BOOL is 2, not 0 or 1");
}

TEST(BinaryDataTest, StringsHaveTheirLengthInFront) {
  const Body body = Body::Of(Bytes("\2\0\0\0\377\0\0\0\0\0\1\0\0\0b"));
  const auto tensor = Read(body, DType::kString, {3});
  ASSERT_TRUE(tensor.ok()) << tensor.status().ToString();
  EXPECT_THAT(tensor->values<std::string>(), ElementsAre(Bytes("\377\0"), "", "b"));
}

TEST(BinaryDataTest, StringsStayWithinTheBytes) {
  EXPECT_EQ(ErrorOf(Bytes("\5\0\0\0abcd"), DType::kString, {1}),
            "element 0 has 5 bytes, 4 are left of the binary data");
  EXPECT_THAT(ErrorOf(Bytes("\377\377\377\377abcd"), DType::kString, {2}), HasSubstr("4294967295 bytes"));
  EXPECT_EQ(ErrorOf(Bytes("\4\0\0\0abcd"), DType::kString, {2}), "binary data ends before element 1 of 2");
  EXPECT_EQ(ErrorOf(Bytes("\1\0\0\0abcd"), DType::kString, {1}), "3 bytes are left behind the last element");
  EXPECT_THAT(ErrorOf(Bytes("\0\0\0\0"), DType::kString, {int64_t{1} << 40}), HasSubstr("at least"));
}

TEST(BinaryDataTest, WhatIsWrittenReadsBack) {
  Tensor strings(DType::kString, {2});
  strings.as<std::string>()[1] = Bytes("a\0");
  std::string bytes;
  AppendBinary(strings, bytes);
  EXPECT_EQ(*BinarySizeOf(strings), bytes.size());
  EXPECT_EQ(bytes, Bytes("\0\0\0\0\2\0\0\0a\0"));

  const float values[] = {1.0F, -0.5F};
  const Tensor floats = Tensor::From<float>(DType::kF32, {2}, values);
  std::string more;
  AppendBinary(floats, more);
  EXPECT_EQ(*BinarySizeOf(floats), 8u);
  EXPECT_THAT(Read(Body::Of(more), DType::kF32, {2})->values<float>(), ElementsAre(1.0F, -0.5F));
}

}  // namespace
}  // namespace slipway::server
