// Every record: its documentation is complete, and its test cases run and give what inference said.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/case_scene.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261124;

class Record : public testing::TestWithParam<const OpDef*> {};

TEST_P(Record, IsDocumented) {
  const OpDef& op = *GetParam();
  EXPECT_FALSE(op.group.empty()) << "the folder it stands in";
  EXPECT_TRUE(op.summary.ends_with('.')) << op.summary;
  for (const Port& port : op.inputs) EXPECT_FALSE(port.doc.empty() || port.name.empty()) << port.name;
  for (const Port& port : op.outputs) EXPECT_FALSE(port.doc.empty() || port.name.empty()) << port.name;
  for (const AttrDef& attr : op.attrs) EXPECT_FALSE(attr.doc.empty()) << attr.name;
  // TensorFlow's lists are read over several nodes, by the importer itself.
  const bool is_made_by_importers = op.name == "SequenceSet" || op.name == "ResampleMatrix";
  EXPECT_EQ(op.foreign.empty(), is_made_by_importers) << "no model can contain it";
  EXPECT_NE(op.infer, nullptr);
  EXPECT_NE(op.reference, nullptr);
}

class RecordCases : public Record {};

TEST_P(RecordCases, Run) {
  const OpDef& op = *GetParam();
  const std::vector<TestCase> cases = op.cases();
  EXPECT_FALSE(cases.empty());
  for (const TestCase& test : cases) {
    SCOPED_TRACE(test.label);
    const auto scene = MakeCaseScene(op, test, kSeed);
    ASSERT_TRUE(scene.ok()) << scene.status().ToString();
    const auto result = RunReference(scene->graph, scene->node(), scene->operands(), nullptr);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    for (size_t i = 0; i < result->size(); ++i) {
      if ((*result)[i].kind != TypeKind::kTensor) continue;
      const Type& inferred = scene->graph.value(scene->node().outputs[i]).type;
      const Tensor& got = (*result)[i].tensor;
      EXPECT_EQ(got.dtype(), inferred.dtype);
      if (!inferred.IsStatic()) continue;
      EXPECT_EQ(got.dims(), KnownDims(*inferred.shape));
    }
  }
}

// The activation that a pass puts into an operator is heeded: tanh changes nearly every number.
TEST_P(RecordCases, ApplyTheirActivation) {
  const OpDef& op = *GetParam();
  const bool has_one = std::any_of(op.attrs.begin(), op.attrs.end(), [](const AttrDef& attr) {
    return attr.name == "activation" && std::count(attr.choices.begin(), attr.choices.end(), "tanh") > 0;
  });
  if (!has_one || op.group == "rnn") return;  // theirs stands within the recurrence
  for (const TestCase& test : op.cases()) {
    SCOPED_TRACE(test.label);
    auto scene = MakeCaseScene(op, test, kSeed);
    ASSERT_TRUE(scene.ok()) << scene.status().ToString();
    Node node = scene->node();
    const Value& output = scene->graph.value(node.outputs[0]);
    const bool is_quantized = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      return id != kNoValue && scene->graph.value(id).quant;
    });
    if (output.type.dtype != DType::kF32 || is_quantized || node.attrs.String("activation") != "none")
      continue;
    // Its activation is not the last thing that happens: nn_test has the numbers.
    if (node.attrs.String("residual_order") == "after_activation") continue;
    const auto plain = RunReference(scene->graph, node, scene->operands(), nullptr);
    node.attrs.Set("activation", std::string("tanh"));
    const auto bent = RunReference(scene->graph, node, scene->operands(), nullptr);
    ASSERT_TRUE(plain.ok() && bent.ok()) << bent.status().ToString();
    const auto x = (*plain)[0].tensor.values<float>();
    const auto y = (*bent)[0].tensor.values<float>();
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i], std::tanh(x[i]), 1e-5) << "element " << i;
  }
}

// A plan gives kernels memory that others have used: what a reference does not write is not zero there.
TEST_P(RecordCases, WriteEveryElement) {
  const OpDef& op = *GetParam();
  if (!op.is_deterministic) return;
  for (const TestCase& test : op.cases()) {
    SCOPED_TRACE(test.label);
    auto scene = MakeCaseScene(op, test, kSeed);
    ASSERT_TRUE(scene.ok()) << scene.status().ToString();
    const auto want = RunReference(scene->graph, scene->node(), scene->operands(), nullptr);
    ASSERT_TRUE(want.ok()) << want.status().ToString();
    const auto quant_of = [&](ValueId id) {
      const Value& value = scene->graph.value(id);
      return value.quant ? &*value.quant : nullptr;
    };
    std::vector<RunContext::Operand> inputs, outputs;
    for (size_t i = 0; i < scene->inputs.size(); ++i) {
      const ValueId id = scene->node().inputs[i];
      inputs.push_back({id == kNoValue ? nullptr : &scene->inputs[i], quant_of(id)});
    }
    std::vector<Datum> used;
    std::vector<Type> types;
    for (const Datum& datum : *want) {
      Datum each = datum;
      types.emplace_back();
      types.back().dtype = scene->graph.value(scene->node().outputs[types.size() - 1]).type.dtype;
      if (datum.kind == TypeKind::kTensor && !datum.tensor.IsNone()) {
        types.back() = Type::Of(datum.tensor.dtype(), ToDimList(datum.tensor.dims()));
        each.tensor = Tensor(datum.tensor.dtype(), datum.tensor.dims());
        const int rubbish = datum.tensor.dtype() == DType::kBool ? 1 : 0x5b;
        if (datum.tensor.dtype() != DType::kString)
          std::memset(each.tensor.data(), rubbish, static_cast<size_t>(each.tensor.size_bytes()));
      }
      used.push_back(std::move(each));
    }
    for (size_t i = 0; i < used.size(); ++i)
      outputs.push_back({&used[i], quant_of(scene->node().outputs[i]), &types[i]});
    RunContext context(scene->node(), inputs, outputs, nullptr);
    ASSERT_TRUE(op.reference(context).ok());
    for (size_t i = 0; i < used.size(); ++i) {
      const Tensor& got = used[i].tensor;
      if (got.IsNone() || got.dtype() == DType::kString || got.size_bytes() == 0) continue;
      const auto size = static_cast<size_t>(got.size_bytes());
      EXPECT_EQ(std::memcmp(got.data(), (*want)[i].tensor.data(), size), 0) << "output " << i;
    }
  }
}

using Ops = std::vector<const OpDef*>;

Ops Records() {
  Ops ops;
  for (const OpDef& op : AllOps()) ops.push_back(&op);
  return ops;
}

Ops WithCases() {
  Ops ops = Records();
  std::erase_if(ops, [](const OpDef* op) { return op->cases == nullptr; });
  return ops;
}

std::string NameOf(const testing::TestParamInfo<const OpDef*>& info) { return info.param->name; }

INSTANTIATE_TEST_SUITE_P(All, Record, testing::ValuesIn(Records()), NameOf);
INSTANTIATE_TEST_SUITE_P(All, RecordCases, testing::ValuesIn(WithCases()), NameOf);

}  // namespace
}  // namespace slipway
