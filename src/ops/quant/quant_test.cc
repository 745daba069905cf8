// Hand-checked numbers of the quantisation operators.
#include "ops/testing.h"

namespace slipway {
namespace {

TestValue F32(Dims dims, std::vector<double> values) {
  return {DType::kF32, std::move(dims), std::move(values)};
}

TEST(QuantizeLinearTest, RoundsHalfToEvenAndSaturates) {
  const TestValue scale = F32({}, {2});
  EXPECT_EQ(RunAndShow("QuantizeLinear", {F32({5}, {1, 3, -1, 1000, -1000}), scale, {DType::kU8, {}, {128}}}),
            "u8[5]: 128 130 128 255 0");
  EXPECT_EQ(RunAndShow("QuantizeLinear", {F32({1, 2}, {8, 8}), F32({2}, {2, 4}), {DType::kI8, {2}, {0, 1}}}),
            "i8[1,2]: 4 3");
  EXPECT_EQ(RunAndShow("QuantizeLinear", {F32({1, 4}, {8, 8, 8, 8}), F32({1, 2}, {2, 4})},
                       {{"block_size", int64_t{2}}}),
            "u8[1,4]: 4 4 2 2");
  EXPECT_EQ(RunAndShow("QuantizeLinear", {F32({1, 3}, {}), F32({2}, {1, 1})}),
            "QuantizeLinear 'node': scale is [2]; per tensor it is a scalar, along axis 1 [3]");
}

TEST(DequantizeLinearTest, SubtractsAndScales) {
  EXPECT_EQ(RunAndShow("DequantizeLinear",
                       {{DType::kU8, {3}, {0, 128, 255}}, F32({}, {0.5}), {DType::kU8, {}, {128}}}),
            "f32[3]: -64 0 63.5");
}

TEST(QuantizeTest, MovesBetweenScales) {
  const Quant to{{0.5F}, {1}, -1};
  EXPECT_EQ(RunAndShow("Quantize", {F32({3}, {0.25, -0.25, 100})}, {{"to", DType::kI8}}, {to}),
            "i8[3]: 2 0 127");
  const TestValue u8{DType::kU8, {2}, {130, 126}, Quant{{0.25F}, {128}, -1}};
  EXPECT_EQ(RunAndShow("Quantize", {u8}, {{"to", DType::kI8}}, {to}), "i8[2]: 2 0");
  EXPECT_EQ(RunAndShow("Dequantize", {u8}), "f32[2]: 0.5 -0.5");
}

TEST(DynamicQuantizeLinearTest, TakesTheRangeWithZero) {
  auto result =
      RunOp("DynamicQuantizeLinear", {F32({3}, {0, 255, 510})}, {}, std::vector<std::optional<Quant>>(3));
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(Show((*result)[0].tensor), "u8[3]: 0 128 255");
  EXPECT_EQ(Show((*result)[1].tensor), "f32[]: 2");
}

TEST(FakeQuantTest, NudgesZeroOntoAStep) {
  EXPECT_EQ(RunAndShow("FakeQuant", {F32({4}, {-5, 0, 0.4, 9}), F32({}, {-0.4}), F32({}, {2.6})},
                       {{"num_bits", int64_t{2}}}),
            "f32[4]: 0 0 0 3");
}

TEST(IntegerProductsTest, SubtractZeroPointsFirst) {
  const TestValue a{DType::kU8, {1, 2}, {3, 5}};
  const TestValue b{DType::kI8, {2, 1}, {10, -1}};
  const TestValue one{DType::kU8, {}, {1}};
  EXPECT_EQ(RunAndShow("MatMulInteger", {a, b, one}), "i32[1,1]: 16");
  const TestValue image{DType::kU8, {1, 1, 1, 2}, {3, 5}};
  const TestValue kernel{DType::kI8, {1, 1, 1, 2}, {10, -1}};
  EXPECT_EQ(RunAndShow("ConvInteger", {image, kernel, one}), "i32[1,1,1,1]: 16");
  // (16 - 1) * 0.5 * 0.5 / 0.5 = 7.5, to even; + 2.
  EXPECT_EQ(RunAndShow("QLinearConv", {image,
                                       F32({}, {0.5}),
                                       one,
                                       kernel,
                                       F32({}, {0.5}),
                                       {DType::kI8, {}, {0}},
                                       F32({}, {0.5}),
                                       {DType::kU8, {}, {2}},
                                       {DType::kI32, {1}, {-1}}}),
            "u8[1,1,1,1]: 10");
}

}  // namespace
}  // namespace slipway
