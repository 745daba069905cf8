// Every test case of every record infers, runs and gives what inference said.
#include <random>

#include "ops/testing.h"

namespace slipway {
namespace {

TestValue Sample(const TestInput& input, std::mt19937& random) {
  TestValue value{input.dtype, input.dims, input.values, input.quant, input.is_absent};
  if (!input.values.empty() || input.is_absent || input.dtype == DType::kString) return value;
  std::uniform_real_distribution<double> real(input.low, input.high);
  std::uniform_int_distribution<int64_t> integer(static_cast<int64_t>(input.low),
                                                 static_cast<int64_t>(input.high));
  const int64_t count = CountOf(input.dims);
  for (int64_t i = 0; i < count; ++i) {
    value.values.push_back(IsFloat(input.dtype) ? real(random) : static_cast<double>(integer(random)));
  }
  return value;
}

class RecordCases : public testing::TestWithParam<const OpDef*> {};

TEST_P(RecordCases, Run) {
  const OpDef& op = *GetParam();
  std::mt19937 random(7);
  for (const TestCase& test : op.cases()) {
    std::vector<TestValue> inputs;
    for (const TestInput& input : test.inputs) inputs.push_back(Sample(input, random));
    std::vector<std::optional<Quant>> outputs = test.outputs_quant;
    outputs.resize(static_cast<size_t>(test.num_outputs));
    const auto result = RunOp(op.name, inputs, test.attrs, outputs);
    EXPECT_TRUE(result.ok()) << op.name << " " << test.label << ": " << result.status().ToString();
  }
}

std::vector<const OpDef*> WithCases() {
  std::vector<const OpDef*> ops;
  for (const OpDef& op : AllOps()) {
    if (op.cases != nullptr) ops.push_back(&op);
  }
  return ops;
}

INSTANTIATE_TEST_SUITE_P(All, RecordCases, testing::ValuesIn(WithCases()),
                         [](const auto& info) { return info.param->name; });

}  // namespace
}  // namespace slipway
