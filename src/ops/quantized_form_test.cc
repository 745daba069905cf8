// No operator computes on the bare steps of quantised integers: each reads the scales, keeps the steps under
// one scale, or refuses.
#include "ops/quantized_form.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "ops/testing.h"

namespace slipway {
namespace {

constexpr DType kStepTypes[] = {DType::kU8, DType::kI8, DType::kI16};

bool IsScaled(const TestInput& input) { return input.quant.has_value() && !input.is_absent; }

bool HasQuantizedCase(const OpDef& op) {
  if (op.cases == nullptr) return false;
  for (const TestCase& test : op.cases()) {
    for (const TestInput& input : test.inputs) {
      if (IsScaled(input)) return true;
    }
    for (const auto& quant : test.outputs_quant) {
      if (quant) return true;
    }
  }
  return false;
}

const Port& PortAt(const std::vector<Port>& ports, size_t i) {
  return i < ports.size() ? ports[i] : ports.back();
}

enum class Scales { kDiffer, kAgree };

Quant QuantAt(size_t place, Scales scales) {
  const size_t k = scales == Scales::kAgree ? 0 : place;
  return Quant{{0.03F + 0.01F * static_cast<float>(k)}, {static_cast<int64_t>(3 + k)}, -1};
}

// The case's operands as quantised integers wherever it has floats and the record takes `dtype`; nullopt when
// that is nowhere.
std::optional<std::vector<TestValue>> AsQuantized(const OpDef& op, const TestCase& test, DType dtype,
                                                  Scales scales) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> steps(0, 100);
  std::vector<TestValue> values;
  bool has_any = false;
  for (size_t i = 0; i < test.inputs.size(); ++i) {
    const TestInput& input = test.inputs[i];
    TestValue value{input.dtype, input.dims, input.values, std::nullopt, input.is_absent};
    const bool becomes = !input.is_absent && IsFloat(input.dtype) && PortAt(op.inputs, i).dtypes.Has(dtype);
    if (becomes) {
      has_any = true;
      value.dtype = dtype;
      value.quant = QuantAt(i, scales);
    }
    if (value.values.empty() && !input.is_absent) {
      const int64_t count = CountOf(input.dims);
      for (int64_t k = 0; k < count; ++k) value.values.push_back(becomes ? steps(random) : 1);
    }
    values.push_back(std::move(value));
  }
  if (!has_any) return std::nullopt;
  return values;
}

Result<std::vector<Datum>> RunQuantized(const OpDef& op, const TestCase& test,
                                        const std::vector<TestValue>& inputs, Scales scales) {
  std::vector<std::optional<Quant>> outputs;
  for (int i = 0; i < test.num_outputs; ++i) outputs.emplace_back(QuantAt(inputs.size(), scales));
  return RunOp(op.name, inputs, test.attrs, outputs);
}

class QuantizedOperands : public testing::TestWithParam<const OpDef*> {};

TEST_P(QuantizedOperands, AreComputedOnByTheirScalesOrRefused) {
  const OpDef& op = *GetParam();
  const QuantizedForm form = QuantizedFormOf(op.name);
  if (form == QuantizedForm::kComputes) {
    EXPECT_TRUE(HasQuantizedCase(op)) << "it computes on quantised integers; no case of the record shows it";
    return;
  }
  if (form == QuantizedForm::kIgnoresScale || op.cases == nullptr) return;
  for (const TestCase& test : op.cases()) {
    for (DType dtype : kStepTypes) {
      auto inputs = AsQuantized(op, test, dtype, Scales::kDiffer);
      if (!inputs) continue;
      const auto result = RunQuantized(op, test, *inputs, Scales::kDiffer);
      const bool has_steps =
          result.ok() && BitsOf((*result)[0].tensor.dtype()) <= 16 && IsInteger((*result)[0].tensor.dtype());
      // Positions of one operand's steps (ArgMax) are those of its reals.
      const bool is_position = result.ok() && !has_steps && form == QuantizedForm::kKeepsSteps;
      EXPECT_TRUE(!result.ok() || is_position)
          << test.label << " in " << DTypeName(dtype) << " computed on bare steps";
    }
  }
}

TEST_P(QuantizedOperands, UnderOneScaleAreKept) {
  const OpDef& op = *GetParam();
  if (QuantizedFormOf(op.name) != QuantizedForm::kKeepsSteps) return;
  ASSERT_NE(op.cases, nullptr);
  int num_ran = 0;
  for (const TestCase& test : op.cases()) {
    for (DType dtype : kStepTypes) {
      auto inputs = AsQuantized(op, test, dtype, Scales::kAgree);
      if (!inputs) continue;
      const auto result = RunQuantized(op, test, *inputs, Scales::kAgree);
      EXPECT_TRUE(result.ok()) << test.label << ": " << result.status().ToString();
      ++num_ran;
    }
  }
  EXPECT_GT(num_ran, 0) << "no case takes 8 or 16-bit integers";
}

double RealOf(const Quant& quant, int64_t steps) {
  return static_cast<double>(quant.scales[0]) * static_cast<double>(steps - quant.zero_points[0]);
}

// Random steps for the case's quantised operands, and the reals that they stand for.
void Sample(const TestCase& test, std::vector<TestValue>& steps, std::vector<TestValue>& reals) {
  std::mt19937 random(5);
  for (const TestInput& input : test.inputs) {
    TestValue value{input.dtype, input.dims, input.values, input.quant, input.is_absent};
    std::uniform_int_distribution<int64_t> any(static_cast<int64_t>(input.low),
                                               static_cast<int64_t>(input.high));
    if (IsScaled(input)) {
      for (int64_t i = 0; i < CountOf(input.dims); ++i)
        value.values.push_back(static_cast<double>(any(random)));
    }
    steps.push_back(value);
    if (IsScaled(input)) {
      value.dtype = DType::kF32;
      value.quant.reset();
      for (double& each : value.values) each = RealOf(*input.quant, static_cast<int64_t>(each));
    }
    reals.push_back(std::move(value));
  }
}

// The largest distance of y's steps from the reals that the output can hold, in steps.
double WorstStep(const Tensor& y, const Quant& quant, const Tensor& want) {
  double worst = 0;
  for (int64_t i = 0; i < y.count(); ++i) {
    const double ideal = LoadReal(want.dtype(), want.data(), i) / static_cast<double>(quant.scales[0]) +
                         static_cast<double>(quant.zero_points[0]);
    const double held = std::clamp(ideal, static_cast<double>(MinOfInteger(y.dtype())),
                                   static_cast<double>(MaxOfInteger(y.dtype())));
    worst = std::max(worst, std::abs(static_cast<double>(LoadInt(y.dtype(), y.data(), i)) - held));
  }
  return worst;
}

// The quantised form differs from the float form in method; both must tell the same numbers.
TEST_P(QuantizedOperands, ResembleTheReals) {
  const OpDef& op = *GetParam();
  const bool is_elementwise = op.group == "math" || op.group == "reduce" || op.group == "shape";
  if (QuantizedFormOf(op.name) != QuantizedForm::kComputes || !is_elementwise) return;
  for (const TestCase& test : op.cases()) {
    if (test.outputs_quant.empty() || !test.outputs_quant[0]) continue;
    std::vector<TestValue> steps, reals;
    Sample(test, steps, reals);
    const auto got = RunOp(op.name, steps, test.attrs, test.outputs_quant);
    const auto want = RunOp(op.name, reals, test.attrs);
    ASSERT_TRUE(got.ok() && want.ok())
        << test.label << ": " << got.status().ToString() << want.status().ToString();
    const Tensor& y = (*got)[0].tensor;
    // 16-bit functions are tables with 512 entries and lines in between.
    const double most = BitsOf(y.dtype()) == 8 ? 2.5 : 60;
    EXPECT_LT(WorstStep(y, *test.outputs_quant[0], (*want)[0].tensor), most) << test.label;
  }
}

std::vector<const OpDef*> Everything() {
  std::vector<const OpDef*> ops;
  for (const OpDef& op : AllOps()) ops.push_back(&op);
  return ops;
}

INSTANTIATE_TEST_SUITE_P(All, QuantizedOperands, testing::ValuesIn(Everything()),
                         [](const auto& info) { return info.param->name; });

const Quant kFine{{0.5F}, {0}, -1};
const Quant kCoarse{{2.0F}, {0}, -1};

TEST(QuantizedForm, WithoutOneTheOperatorIsNamed) {
  EXPECT_EQ(RunAndShow("Neg", {{DType::kI8, {1}, {3}, kFine}}, {}, {kFine}),
            "Neg 'node': has no meaning on quantised integers");
}

TEST(QuantizedForm, ScalesThatDifferAreShown) {
  EXPECT_EQ(RunAndShow("Max", {{DType::kU8, {1}, {3}, kFine}, {DType::kU8, {1}, {4}, kCoarse}}, {}, {kFine}),
            "Max 'node': keeps quantised values as they are, but input 0 has scale 0.500000, zero point 0 "
            "and input 1 "
            "has scale 2.000000, zero point 0");
}

TEST(QuantizedForm, AMissingScaleIsNamed) {
  EXPECT_EQ(RunAndShow("Add", {{DType::kI8, {1}, {3}, kFine}, {DType::kI8, {1}, {4}}}, {}, {kFine}),
            "Add 'node': input 1 has no scale; beside quantised integers it needs one");
}

TEST(QuantizedForm, IntermediateResultsInheritTheScale) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kI8, {Dim(2), Dim(3)}), kFine);
  const auto moved = builder.Add("Transpose", {x}, {}, "moved");
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(graph.value(*moved).quant, kFine);
}

}  // namespace
}  // namespace slipway
