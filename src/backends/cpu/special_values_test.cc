// Infinities, NaN, zeros of both signs and numbers at the ends of f32's range: every tactic of the backend
// gives what the record's reference gives, on every instruction set that the machine has.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backends/cpu/kernels/simd/targets.h"
#include "backends/cpu/test_targets.h"
#include "build/testing.h"
#include "hwy/highway.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261128;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Whole vectors and a tail. Denormal numbers are not among them: they may count as zero.
const std::vector<double> kSpecial = {kInf,  -kInf, kNan,  0.0,  -0.0,  1,     -1,     0.5,  -0.5, 3,
                                      -3,    6,     -6,    1e-7, -1e-7, 1e-20, -1e-20, 20,   -20,  87,
                                      -87,   88.5,  -88.5, 89,   -89,   100,   -100,   1e4,  -1e4, 1e10,
                                      -1e10, 1e20,  -1e20, 3e38, -3e38, 2e-38, -2e-38, 0.625};

TestInput Vector(std::vector<double> values) {
  const auto count = static_cast<int64_t>(values.size());
  return {.dims = {count}, .values = std::move(values)};
}

// Every pair of special values.
std::vector<TestInput> Pairs() {
  std::vector<double> left, right;
  for (double a : kSpecial) {
    for (double b : kSpecial) {
      left.push_back(a);
      right.push_back(b);
    }
  }
  return {Vector(left), Vector(right)};
}

bool TakesF32(const OpDef& op, size_t inputs) {
  if (op.group != "math" && op.group != "logic") return false;
  if (op.inputs.size() != inputs || op.outputs.size() != 1) return false;
  for (const auto& input : op.inputs) {
    if (!input.dtypes.Has(DType::kF32) || input.arity == Arity::kOptional) return false;
  }
  return true;
}

class SpecialValues : public cpu::OnTarget {
 protected:
  // How many tactics fit.
  static int Check(const char* op, const TestCase& test) {
    return static_cast<int>(CheckTactics(*FindBackend("cpu"), *FindOp(op), test, kSeed).size());
  }
};

// What cpu/unary_f32 computes, but for Clip, whose bounds are operands.
const std::vector<const char*> kUnary = {"Sigmoid",
                                         "Tanh",
                                         "Relu",
                                         "HardSwish",
                                         "LeakyRelu",
                                         "Swish",
                                         "Gelu",
                                         "Exp",
                                         "Expm1",
                                         "Log",
                                         "Log1p",
                                         "Erf",
                                         "Sin",
                                         "Cos",
                                         "Neg",
                                         "Abs",
                                         "Sign",
                                         "Floor",
                                         "Ceil",
                                         "Round",
                                         "Sqrt",
                                         "Rsqrt",
                                         "Square",
                                         "Reciprocal",
                                         "Elu",
                                         "Selu",
                                         "Celu",
                                         "Softplus",
                                         "Softsign",
                                         "HardSigmoid",
                                         "ThresholdedRelu",
                                         "Mish"};

TEST_P(SpecialValues, GoThroughFunctionsOfOneNumber) {
  for (const char* op : kUnary) EXPECT_EQ(Check(op, {"special", {Vector(kSpecial)}, {}}), 1) << op;
  for (const OpDef& op : AllOps()) {
    if (TakesF32(op, 1)) Check(op.name.c_str(), {"special", {Vector(kSpecial)}, {}});
  }
  EXPECT_EQ(Check("Gelu", {"tanh", {Vector(kSpecial)}, {{"approximate", std::string("tanh")}}}), 1);
}

// A zero's sign becomes that of an infinity in the next Reciprocal. The definitions of Relu, Gelu and Celu
// leave it open.
TEST_P(SpecialValues, ZerosHaveTheReferencesSign) {
  for (const std::string op : kUnary) {
    if (op == "Relu" || op == "Gelu" || op == "Celu") continue;
    SCOPED_TRACE(op);
    const TestCase test{"zeros", {Vector({0.0, -0.0, -0.25, 0.25})}, {}};
    const auto trial = MakeTrial(*FindOp(op), test, kSeed, Precision::kF32);
    ASSERT_TRUE(trial != nullptr && trial->ExpectReference());
    for (const Tactic* tactic : FindBackend("cpu")->tactics) {
      if (tactic->WhyNot(trial->step)) continue;
      const auto results = RunTactic(*tactic, trial->step, trial->scene, trial->want);
      ASSERT_TRUE(results.ok());
      const auto *got = (*results)[0].tensor.as<float>(), *want = trial->want[0].tensor.as<float>();
      for (int i = 0; i < 4; ++i) {
        if (want[i] == 0) {
          EXPECT_EQ(std::signbit(got[i]), std::signbit(want[i])) << i;
        }
      }
    }
  }
}

TEST_P(SpecialValues, GoThroughFunctionsOfTwoNumbers) {
  int count = 0;
  for (const OpDef& op : AllOps()) {
    if (TakesF32(op, 2)) count += Check(op.name.c_str(), {"special", Pairs(), {}});
  }
  EXPECT_GE(count, 6);
  for (const char* op : {"Max", "Min"}) EXPECT_EQ(Check(op, {"special", Pairs(), {}}), 1) << op;
}

TEST_P(SpecialValues, GoThroughFusedActivations) {
  const TestInput zeros = Vector(std::vector<double>(kSpecial.size(), 0.0));
  const OpDef& add = *FindOp("Add");
  for (const AttrDef& attr : add.attrs) {
    if (attr.name != "activation") continue;
    for (const std::string& name : attr.choices) {
      const TestCase test{name,
                          {Vector(kSpecial), zeros},
                          {{"activation", name}, {"activation_alpha", 0.25F}, {"activation_beta", 4.0F}}};
      EXPECT_EQ(Check("Add", test), 1) << name;
    }
  }
}

TEST_P(SpecialValues, AreNormalised) {
  // Rows whose squares leave f32's range at either end, and rows that hold what is no number.
  const std::vector<std::vector<double>> ends = {{1e20, -3e20}, {3e38, -3e38}, {1e-21, 3e-21}, {0, 0},
                                                 {1, kInf},     {-kInf, 2},    {kNan, 1},      {1e18, 7}};
  constexpr int64_t kLength = 37;
  std::vector<double> x;
  for (const auto& row : ends) {
    for (int64_t i = 0; i < kLength; ++i) x.push_back(row[i % 3 == 0 ? 0 : 1] * (i % 5 == 0 ? 0.25 : 1));
  }
  const Dims dims = {static_cast<int64_t>(ends.size()), kLength};
  const TestInput parameter{.dims = {kLength}, .low = -1, .high = 1, .is_constant = true};
  for (const float epsilon : {1e-5F, 1e-12F}) {
    const Attrs attrs = {{"epsilon", epsilon}};
    EXPECT_EQ(
        Check("LayerNormalization", {"ends", {{.dims = dims, .values = x}, parameter, parameter}, attrs}), 1);
    EXPECT_EQ(Check("RMSNormalization", {"ends", {{.dims = dims, .values = x}, parameter}, attrs}), 1);
  }
}

// A key that is not seen may hold anything: padding of a batch is often left as it was.
TEST_P(SpecialValues, OfHiddenKeysDoNotCount) {
  constexpr int64_t kKeys = 21, kSize = 20, kHidden = 5;
  const auto rows = [&](double bad) {
    std::vector<double> values;
    for (int64_t i = 0; i < 2 * kKeys * kSize; ++i) {
      const bool is_hidden = i / kSize % kKeys >= kKeys - kHidden;
      values.push_back(is_hidden && i % 3 == 0 ? bad : static_cast<double>(i * 7 % 11) / 11 - 0.4);
    }
    return TestInput{.dims = {1, 2, kKeys, kSize}, .values = values};
  };
  std::vector<double> seen, added;
  for (int64_t j = 0; j < kKeys; ++j) {
    seen.push_back(j < kKeys - kHidden ? 1 : 0);
    added.push_back(j < kKeys - kHidden ? 0 : -kInf);
  }
  const TestInput query{.dims = {1, 2, kKeys, kSize}, .low = -1, .high = 1};
  const TestInput short_query{.dims = {1, 2, 3, kSize}, .low = -1, .high = 1};
  for (double bad : {kNan, kInf, -kInf}) {
    const TestInput seen_mask{.dtype = DType::kBool, .dims = {1, 1, 1, kKeys}, .values = seen};
    const TestInput added_mask{.dims = {kKeys}, .values = added};
    const TestInput short_mask{.dims = {kKeys - kHidden}, .low = -1, .high = 1};
    for (const TestInput& mask : {seen_mask, added_mask, short_mask})
      EXPECT_GT(Check("Attention", {"hidden", {short_query, rows(bad), rows(bad), mask}, {}}), 0);
    // The last queries see them, the others do not.
    EXPECT_GT(Check("Attention", {"causal", {query, rows(0), rows(bad)}, {{"is_causal", int64_t{1}}}}), 0);
  }
}

// Their mean is within f32, their sum is not.
TEST_P(SpecialValues, OfLargeRowsAreWeighed) {
  const TestInput operand{.dims = {1, 1, 19, 5}, .low = -1, .high = 1};
  std::vector<double> large;
  for (int64_t i = 0; i < 19 * 5; ++i) large.push_back(i % 4 == 0 ? -2e38 : 3e38);
  EXPECT_GT(Check("Attention", {"large", {operand, operand, {.dims = operand.dims, .values = large}}, {}}),
            0);
}

}  // namespace
INSTANTIATE_TEST_SUITE_P(EveryTarget, SpecialValues, ::testing::ValuesIn(cpu::TargetsToTest()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });
}  // namespace slipway
