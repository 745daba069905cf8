// Every record of the element-wise, logic and reduction groups: its documentation is complete, its cases run
// and give what inference said.
#include <random>

#include "ops/testing.h"

namespace slipway {
namespace {

bool IsOurs(const OpDef& op) { return op.group == "math" || op.group == "logic" || op.group == "reduce"; }

std::vector<const OpDef*> Ours() {
  std::vector<const OpDef*> ops;
  for (const OpDef& op : AllOps()) {
    if (IsOurs(op)) ops.push_back(&op);
  }
  return ops;
}

TestValue Sample(const TestInput& input, std::mt19937& random) {
  TestValue value{input.dtype, input.dims, input.values, input.quant, input.is_absent};
  if (!input.values.empty() || input.is_absent) return value;
  std::uniform_real_distribution<double> distribution(input.low, input.high);
  for (int64_t i = 0; i < CountOf(input.dims); ++i) value.values.push_back(distribution(random));
  return value;
}

class ElementwiseRecord : public testing::TestWithParam<const OpDef*> {};

TEST_P(ElementwiseRecord, IsDocumented) {
  const OpDef& op = *GetParam();
  EXPECT_TRUE(op.summary.ends_with('.')) << op.summary;
  for (const Port& port : op.inputs) EXPECT_FALSE(port.doc.empty() || port.name.empty()) << port.name;
  for (const Port& port : op.outputs) EXPECT_FALSE(port.doc.empty() || port.name.empty()) << port.name;
  for (const AttrDef& attr : op.attrs) EXPECT_FALSE(attr.doc.empty()) << attr.name;
  EXPECT_FALSE(op.foreign.empty()) << "no model can contain it";
}

TEST_P(ElementwiseRecord, CasesRun) {
  const OpDef& op = *GetParam();
  ASSERT_NE(op.cases, nullptr);
  const std::vector<TestCase> cases = op.cases();
  EXPECT_FALSE(cases.empty());
  std::mt19937 random(11);
  for (const TestCase& test : cases) {
    std::vector<TestValue> inputs;
    for (const TestInput& input : test.inputs) inputs.push_back(Sample(input, random));
    std::vector<std::optional<Quant>> outputs = test.outputs_quant;
    outputs.resize(static_cast<size_t>(test.num_outputs));
    const auto result = RunOp(op.name, inputs, test.attrs, outputs);
    EXPECT_TRUE(result.ok()) << test.label << ": " << result.status().ToString();
  }
}

INSTANTIATE_TEST_SUITE_P(All, ElementwiseRecord, testing::ValuesIn(Ours()),
                         [](const auto& info) { return info.param->name; });

}  // namespace
}  // namespace slipway
