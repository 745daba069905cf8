// Element-wise operators and reductions on numbers worked out by hand.
#include <cmath>
#include <limits>

#include "ops/testing.h"

namespace slipway {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

struct Example {
  const char* label;
  const char* op;
  std::vector<TestValue> inputs;
  Attrs attrs;
  DType dtype;
  Dims dims;
  std::vector<double> want;
};

TestValue F32(Dims dims, std::vector<double> values) {
  return {DType::kF32, std::move(dims), std::move(values)};
}
TestValue Typed(DType dtype, Dims dims, std::vector<double> values) {
  return {dtype, std::move(dims), std::move(values)};
}
TestValue Axes(std::vector<double> values) {
  const auto n = static_cast<int64_t>(values.size());
  return {DType::kI64, {n}, std::move(values)};
}

const Example kExamples[] = {
    {"row_and_column",
     "Add",
     {F32({2, 1}, {1, 2}), F32({3}, {10, 20, 30})},
     {},
     DType::kF32,
     {2, 3},
     {11, 21, 31, 12, 22, 32}},
    {"i8_wraps",
     "Add",
     {Typed(DType::kI8, {1}, {127}), Typed(DType::kI8, {1}, {1})},
     {},
     DType::kI8,
     {1},
     {-128}},
    {"u8_wraps",
     "Sub",
     {Typed(DType::kU8, {1}, {0}), Typed(DType::kU8, {1}, {1})},
     {},
     DType::kU8,
     {1},
     {255}},
    {"fused_relu6",
     "Mul",
     {F32({3}, {-1, 2, 4}), F32({}, {2})},
     {{"activation", std::string("relu6")}},
     DType::kF32,
     {3},
     {0, 4, 6}},
    {"integers_truncate",
     "Div",
     {Typed(DType::kI32, {2}, {-7, 7}), Typed(DType::kI32, {}, {2})},
     {},
     DType::kI32,
     {2},
     {-3, 3}},
    {"python_sign",
     "Mod",
     {Typed(DType::kI32, {2}, {-7, 7}), Typed(DType::kI32, {2}, {3, -3})},
     {},
     DType::kI32,
     {2},
     {2, -2}},
    {"c_sign",
     "Mod",
     {Typed(DType::kI32, {2}, {-7, 7}), Typed(DType::kI32, {2}, {3, -3})},
     {{"fmod", int64_t{1}}},
     DType::kI32,
     {2},
     {-1, 1}},
    {"toward_minus_infinity",
     "FloorDiv",
     {Typed(DType::kI32, {2}, {-7, 7}), Typed(DType::kI32, {}, {2})},
     {},
     DType::kI32,
     {2},
     {-4, 3}},
    {"ties_to_even", "Round", {F32({4}, {0.5, 1.5, 2.5, -1.5})}, {}, DType::kF32, {4}, {0, 2, 2, -2}},
    {"both_bounds",
     "Clip",
     {F32({3}, {-2, 0.5, 9}), F32({}, {-1}), F32({}, {1})},
     {},
     DType::kF32,
     {3},
     {-1, 0.5, 1}},
    {"slope_per_channel",
     "PRelu",
     {F32({2, 2}, {-1, -1, 1, -2}), F32({2}, {0.5, 2})},
     {},
     DType::kF32,
     {2, 2},
     {-0.5, -2, 1, -4}},
    {"truncates",
     "Cast",
     {F32({3}, {1.9, -1.9, 300})},
     {{"to", DType::kI32}},
     DType::kI32,
     {3},
     {1, -1, 300}},
    {"to_bool", "Cast", {F32({3}, {0, -0.25, 2})}, {{"to", DType::kBool}}, DType::kBool, {3}, {0, 1, 1}},
    {"nan_wins", "Max", {F32({2}, {NAN, 1}), F32({2}, {3, 2})}, {}, DType::kF32, {2}, {NAN, 2}},
    {"unsigned_order",
     "Greater",
     {Typed(DType::kU8, {1}, {200}), Typed(DType::kU8, {1}, {100})},
     {},
     DType::kBool,
     {1},
     {1}},
    {"chooses",
     "Where",
     {Typed(DType::kBool, {2}, {1, 0}), F32({2}, {1, 2}), F32({}, {9})},
     {},
     DType::kF32,
     {2},
     {1, 9}},
    {"middle_axis",
     "ReduceSum",
     {F32({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), Axes({1})},
     {{"keepdims", int64_t{0}}},
     DType::kF32,
     {2, 2},
     {4, 6, 12, 14}},
    {"two_axes",
     "ReduceMean",
     {F32({2, 1, 2}, {1, 2, 3, 6}), Axes({0, -1})},
     {},
     DType::kF32,
     {1, 1, 1},
     {3}},
    {"every_element",
     "ReduceSumSquare",
     {F32({3}, {1, 2, 3})},
     {{"noop_with_empty_axes", int64_t{1}}},
     DType::kF32,
     {3},
     {1, 4, 9}},
    {"of_nothing",
     "ReduceMax",
     {F32({2, 0}, {}), Axes({1})},
     {{"keepdims", int64_t{0}}},
     DType::kF32,
     {2},
     {-kInf, -kInf}},
    {"of_nothing",
     "ReduceProd",
     {F32({0, 2}, {}), Axes({0})},
     {{"keepdims", int64_t{0}}},
     DType::kF32,
     {2},
     {1, 1}},
    {"no_overflow",
     "ReduceLogSumExp",
     {F32({2}, {1000, 1000})},
     {{"keepdims", int64_t{0}}},
     DType::kF32,
     {},
     {1000.693147}},
    {"first_of_equals",
     "ArgMax",
     {F32({2, 3}, {1, 5, 5, 7, 2, 7})},
     {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}},
     DType::kI64,
     {2},
     {1, 0}},
    {"last_of_equals",
     "ArgMax",
     {F32({2, 3}, {1, 5, 5, 7, 2, 7})},
     {{"axis", int64_t{-1}}, {"keepdims", int64_t{0}}, {"select_last_index", int64_t{1}}},
     DType::kI64,
     {2},
     {2, 2}},
    {"exclusive_reverse",
     "CumSum",
     {F32({3}, {1, 2, 3}), Axes({0})},
     {{"exclusive", int64_t{1}}, {"reverse", int64_t{1}}},
     DType::kF32,
     {3},
     {5, 3, 0}},
};

class MathExample : public testing::TestWithParam<Example> {};

TEST_P(MathExample, GivesTheseNumbers) {
  const Example& example = GetParam();
  const auto result = RunOp(example.op, example.inputs, example.attrs);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const Tensor& y = (*result)[0].tensor;
  ASSERT_EQ(Describe(y), Describe(Tensor(example.dtype, example.dims)));
  for (size_t i = 0; i < example.want.size(); ++i) {
    const double got = LoadReal(y.dtype(), y.data(), static_cast<int64_t>(i));
    if (std::isnan(example.want[i])) {
      EXPECT_TRUE(std::isnan(got)) << got;
    } else {
      EXPECT_FLOAT_EQ(static_cast<float>(got), static_cast<float>(example.want[i])) << "element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ByHand, MathExample, testing::ValuesIn(kExamples), [](const auto& info) {
  return std::string(info.param.op) + "_" + info.param.label;
});

struct BadCall {
  const char* op;
  std::vector<TestValue> inputs;
  Attrs attrs;
  const char* message;
};

const BadCall kBadCalls[] = {
    {"Add", {F32({2}, {1, 2}), F32({3}, {1, 2, 3})}, {}, "do not broadcast"},
    {"Add", {F32({1}, {1}), Typed(DType::kI32, {1}, {1})}, {}, "of one type"},
    {"ReduceSum", {F32({2}, {1, 2}), Axes({1})}, {}, "axis 1 is outside [-1, 0] of rank 1"},
    {"ArgMin", {F32({2}, {1, 2})}, {{"axis", int64_t{-2}}}, "axis -2 is outside"},
    {"CumSum", {F32({2}, {1, 2}), Axes({3})}, {}, "axis 3 is outside rank 1"},
};

TEST(MathErrors, NameTheCulprit) {
  for (const BadCall& call : kBadCalls) {
    const auto result = RunOp(call.op, call.inputs, call.attrs);
    ASSERT_FALSE(result.ok()) << call.op;
    EXPECT_NE(result.status().message().find(call.message), std::string::npos) << result.status().message();
  }
}

// real(q) = scale * (q - zero): 4 * 2 + 6 * 1 = 14 = 0.5 * (29 - 1).
TEST(QuantizedMath, AddsWhatTheIntegersStandFor) {
  const Quant two{{2}, {1}}, one{{1}, {0}}, half{{0.5}, {1}};
  const auto sum = RunOp("Add", {{DType::kI8, {1}, {5}, two}, {DType::kI8, {1}, {6}, one}}, {}, {half});
  ASSERT_TRUE(sum.ok()) << sum.status().ToString();
  EXPECT_EQ((*sum)[0].tensor.as<int8_t>()[0], 29);
}

TEST(QuantizedMath, MeanKeepsTheOutputsScale) {
  const Quant in{{0.5}, {-2}}, out{{0.25}, {3}};
  // Reals 1.5, 2.5, 3.5 -> 2.5 = 0.25 * (13 - 3).
  const auto mean =
      RunOp("ReduceMean", {{DType::kI8, {3}, {1, 3, 5}, in}}, {{"keepdims", int64_t{0}}}, {out});
  ASSERT_TRUE(mean.ok()) << mean.status().ToString();
  EXPECT_EQ((*mean)[0].tensor.as<int8_t>()[0], 13);
}

// Halved sums and differences of 1, 2, 3, 4.
TEST(HadamardRotation, OfFourNumbers) {
  const TestValue x{DType::kF32, {1, 8}, {1, 2, 3, 4, 2, 0, 0, 0}};
  EXPECT_EQ(RunAndShow("HadamardRotation", {x}, {{"hadamard_size", int64_t{4}}}),
            "f32[1,8]: 5 -1 -2 0 1 1 1 1");
  EXPECT_EQ(RunAndShow("HadamardRotation", {x}, {{"hadamard_size", int64_t{3}}}),
            "HadamardRotation 'node': hadamard_size is 3; it must be a power of two");
}

TEST(Cast, ClampsWhereItIsAskedTo) {
  const TestValue x{DType::kF32, {5}, {-1.5, 255.9, 300, -1e20, NAN}};
  EXPECT_EQ(RunAndShow("Cast", {x}, {{"to", DType::kU8}, {"out_of_range", std::string("clamp")}}),
            "u8[5]: 0 255 255 0 255");
  EXPECT_EQ(RunAndShow("Cast", {x}, {{"to", DType::kI8}, {"out_of_range", std::string("clamp")}}),
            "i8[5]: -1 127 127 -128 127");
}

// 1.0 is 0x3F800000.
TEST(BitCast, SplitsAndJoinsElements) {
  const TestValue one{DType::kF32, {1}, {1}};
  EXPECT_EQ(RunAndShow("BitCast", {one}, {{"to", DType::kU8}}), "u8[1,4]: 0 0 128 63");
  const TestValue bytes{DType::kU8, {2, 4}, {0, 0, 128, 63, 0, 0, 0, 64}};
  EXPECT_EQ(RunAndShow("BitCast", {bytes}, {{"to", DType::kF32}}), "f32[2]: 1 2");
  EXPECT_EQ(RunAndShow("BitCast", {bytes}, {{"to", DType::kF64}}),
            "BitCast 'node': cannot read the bits of u8[2,4] as f64: the last axis must have 8 elements");
}

}  // namespace
}  // namespace slipway
