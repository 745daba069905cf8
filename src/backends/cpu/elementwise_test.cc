// Element-wise tactics, Gather and Cast beside the reference: every type they take, every way of
// broadcasting, on every instruction set that the machine has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backends/cpu/kernels/simd/targets.h"
#include "backends/cpu/test_targets.h"
#include "build/testing.h"
#include "hwy/highway.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261129;
constexpr double kInf = std::numeric_limits<double>::infinity();

class Elementwise : public cpu::OnTarget {
 protected:
  static std::vector<std::string> Check(const char* op, const TestCase& test) {
    return CheckTactics(*FindBackend("cpu"), *FindOp(op), test, kSeed);
  }
};

// Both dense, either side a scalar, a short or long row, a column, an axis in the middle, the outer product.
const std::pair<Dims, Dims> kShapes[] = {{{3, 41}, {3, 41}},
                                         {{}, {5}},
                                         {{7, 19}, {}},
                                         {{65, 3}, {3}},
                                         {{3}, {333, 3}},
                                         {{5, 700}, {700}},
                                         {{6, 5}, {6, 1}},
                                         {{2, 3, 4, 5}, {3, 1, 5}},
                                         {{9, 1}, {1, 23}},
                                         {{0, 3}, {3}},
                                         {{1, 200, 3}, {1, 1, 3}},
                                         {{2, 9, 9, 3}, {3}}};

TEST_P(Elementwise, NumbersUnderBroadcasting) {
  const auto both = [](const std::pair<Dims, Dims>& shapes, DType dtype, double low, double high) {
    return std::vector<TestInput>{{.dtype = dtype, .dims = shapes.first, .low = low, .high = high},
                                  {.dtype = dtype, .dims = shapes.second, .low = low, .high = high}};
  };
  for (const auto& shapes : kShapes) {
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min", "FloorDiv"}) {
      for (DType dtype : {DType::kI32, DType::kI64}) {
        const TestCase test{std::string(DTypeName(dtype)), both(shapes, dtype, -5, 5), {}};
        EXPECT_THAT(Check(op, test), testing::ElementsAre("cpu/binary_int")) << op;
      }
    }
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Pow", "SquaredDifference"}) {
      const double low = std::string_view(op) == "Pow" || std::string_view(op) == "Div" ? 0.5 : -4;
      EXPECT_THAT(Check(op, {"f32", both(shapes, DType::kF32, low, 4), {}}),
                  testing::ElementsAre("cpu/binary_f32"))
          << op;
    }
    for (const char* op : {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "NotEqual"}) {
      for (DType dtype : {DType::kF32, DType::kI32, DType::kI64}) {
        auto inputs = both(shapes, dtype, -2, 2);
        if (dtype == DType::kF32) inputs[0].values.assign(static_cast<size_t>(CountOf(shapes.first)), 1);
        EXPECT_THAT(Check(op, {std::string(DTypeName(dtype)), inputs, {}}),
                    testing::ElementsAre("cpu/compare"))
            << op;
      }
    }
    for (const char* op : {"And", "Or", "Xor"}) {
      EXPECT_THAT(Check(op, {"bool", both(shapes, DType::kBool, 0, 1.99), {}}),
                  testing::ElementsAre("cpu/logic"))
          << op;
    }
  }
}

TEST_P(Elementwise, ManyOperands) {
  for (const char* op : {"Max", "Min", "Sum"}) {
    const TestCase floats{"three", {{.dims = {3}}, {.dims = {7, 1}}, {.dims = {2, 7, 3}}}, {}};
    EXPECT_THAT(Check(op, floats), testing::ElementsAre("cpu/binary_f32")) << op;
  }
}

TEST_P(Elementwise, WholeNumbersWrapAround) {
  const std::vector<double> ends = {-2147483648.0, 2147483647, -1, 0, 1, 7, -7, 2};
  std::vector<double> a, b;
  for (double x : ends) {
    for (double y : ends) a.push_back(x), b.push_back(y);
  }
  for (const char* op : {"Add", "Sub", "Mul", "Div", "FloorDiv"}) {
    const Dims dims = {static_cast<int64_t>(a.size())};
    const TestCase test{"ends",
                        {{.dtype = DType::kI32, .dims = dims, .values = a},
                         {.dtype = DType::kI32, .dims = dims, .values = b}},
                        {}};
    EXPECT_EQ(Check(op, test).size(), 1u) << op;
  }
}

TEST_P(Elementwise, ChoicesOfEverySize) {
  const Dims conditions[] = {{3, 17}, {3, 1}, {17}, {}, {1}};
  for (DType dtype : {DType::kF32, DType::kI64, DType::kF16, DType::kU8, DType::kBool, DType::kF64}) {
    for (const Dims& condition : conditions) {
      for (const Dims& y : {Dims{3, 17}, Dims{17}, Dims{}, Dims{2, 1, 17}}) {
        const TestCase test{std::string(DTypeName(dtype)),
                            {{.dtype = DType::kBool, .dims = condition, .low = 0, .high = 1.99},
                             {.dtype = dtype, .dims = {3, 17}, .low = 0, .high = 1.99},
                             {.dtype = dtype, .dims = y, .low = 0, .high = 1.99}},
                            {}};
        EXPECT_THAT(Check("Where", test), testing::ElementsAre("cpu/where"));
      }
    }
  }
}

TEST_P(Elementwise, CastsBetweenAllTypes) {
  const std::vector<double> reals = {0,      -0.0,  0.5,   -0.5,  1.5,  -1.5,    2.5,   127.9, 128.5,
                                     -129.5, 255.5, 256.5, 1e6,   -1e6, 2.147e9, 4.3e9, -3e9,  9e18,
                                     1e19,   -1e19, 1e30,  -1e30, kInf, -kInf,   NAN,   1e-3,  65504,
                                     65520,  1e5,   6e-5,  1e-7,  3e-8, -2e-6};
  const std::vector<double> whole = {0, 1, -1, 2, 100, -100, 127, -128};
  const DType types[] = {DType::kF32, DType::kI64, DType::kI32, DType::kU8, DType::kI8, DType::kBool};
  for (DType from : types) {
    for (DType to : types) {
      for (const char* range : {"wrap", "clamp"}) {
        TestCase test{std::string(DTypeName(from)) + "_" + std::string(DTypeName(to)),
                      {{.dtype = from, .dims = {8}, .values = whole}},
                      {{"to", to}, {"out_of_range", std::string(range)}}};
        if (from == DType::kF32) test.inputs = {{.dims = {33}, .values = reals}};
        if (from == DType::kBool) test.inputs[0].values = {0, 1, 1, 0, 1, 0, 0, 1};
        if (from == DType::kU8) test.inputs[0].values = {0, 1, 2, 3, 127, 128, 200, 255};
        EXPECT_THAT(Check("Cast", test), testing::Contains("cpu/cast"));
      }
    }
  }
  const TestCase half{"f16", {{.dims = {33}, .values = reals}}, {{"to", DType::kF16}}};
  EXPECT_THAT(Check("Cast", half), testing::ElementsAre("cpu/cast"));
}

TEST_P(Elementwise, GathersByComputedIndices) {
  for (DType indices : {DType::kI64, DType::kI32}) {
    for (DType dtype : {DType::kF32, DType::kI64, DType::kU8, DType::kF16}) {
      for (int64_t axis : {0, 1, 2, -1}) {
        const TestCase test{"computed",
                            {{.dtype = dtype, .dims = {4, 5, 3}, .low = 0, .high = 9},
                             {.dtype = indices, .dims = {2, 3}, .values = {0, 2, -1, 1, -3, 0}}},
                            {{"axis", axis}}};
        EXPECT_THAT(Check("Gather", test), testing::Contains("cpu/gather"));
      }
      const TestCase batched{"batched",
                             {{.dtype = dtype, .dims = {2, 3, 5, 4}, .low = 0, .high = 9},
                              {.dtype = indices, .dims = {2, 2}, .values = {4, -5, 0, 3}}},
                             {{"axis", int64_t{2}}, {"batch_dims", int64_t{1}}}};
      EXPECT_THAT(Check("Gather", batched), testing::Contains("cpu/gather"));
    }
  }
}

TEST(Gather, NamesAnIndexThatIsOutside) {
  auto scene = MakeCaseScene(
      *FindOp("Gather"),
      {"outside", {{.dims = {4, 2}}, {.dtype = DType::kI64, .dims = {2}, .values = {1, 3}}}, {}}, kSeed);
  ASSERT_TRUE(scene.ok());
  const auto step = MakeStep(scene->graph, scene->node());
  scene->inputs[1].tensor.as<int64_t>()[1] = -5;
  const Tactic* tactic = FindTactic("cpu/gather");
  const auto got = RunTactic(*tactic, *step, *scene, {Datum::Of(Tensor(DType::kF32, {2, 2}))});
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.status().message(), testing::HasSubstr("index -5 is outside an axis of 4"));
}

TEST_P(Elementwise, AnglesFarFromZero) {
  std::vector<double> angles;
  for (int i = -200; i <= 200; ++i) angles.push_back(i * 0.785398 + 1e-3 * i * i);
  for (double x : {8191.5, 8192.5, -8193.25, 1e5, 1e7, -3e8}) angles.push_back(static_cast<float>(x));
  const auto count = static_cast<int64_t>(angles.size());
  for (const char* op : {"Sin", "Cos"})
    EXPECT_EQ(Check(op, {"far", {{.dims = {count}, .values = angles}}, {}}).size(), 1u) << op;
}

// The bounds of a Clip may be left out; in the wrong order they are left to the reference.
TEST_P(Elementwise, ClipsBetweenConstants) {
  const auto bound = [](double value, bool is_absent) {
    return TestInput{.dims = {}, .values = {value}, .is_constant = true, .is_absent = is_absent};
  };
  const TestInput x{.dims = {3, 37}};
  EXPECT_EQ(Check("Clip", {"both", {x, bound(-1, false), bound(2, false)}, {}}).size(), 1u);
  EXPECT_EQ(Check("Clip", {"below", {x, bound(-1, false)}, {}}).size(), 1u);
  EXPECT_EQ(Check("Clip", {"above", {x, bound(0, true), bound(2, false)}, {}}).size(), 1u);
  EXPECT_EQ(Check("Clip", {"crossed", {x, bound(2, false), bound(-1, false)}, {}}).size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, Elementwise, ::testing::ValuesIn(cpu::TargetsToTest()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace slipway
