#include "ops/case_scene.h"

#include <cmath>
#include <random>

#include "base/scalar.h"
#include "ops/infer.h"

namespace slipway {
namespace {

Tensor RandomTensor(const TestInput& input, std::mt19937& random) {
  Tensor tensor(input.dtype, input.dims);
  std::uniform_real_distribution<double> real(input.low, input.high);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = input.values.empty() ? real(random) : input.values[static_cast<size_t>(i)];
    if (IsFloat(input.dtype)) {
      StoreReal(input.dtype, tensor.data(), i, value);
    } else if (input.dtype != DType::kString) {
      StoreInt(input.dtype, tensor.data(), i, static_cast<int64_t>(std::floor(value)));
    }
  }
  return tensor;
}

}  // namespace

std::vector<const Datum*> CaseScene::operands() const {
  std::vector<const Datum*> operands;
  for (size_t i = 0; i < inputs.size(); ++i)
    operands.push_back(node().inputs[i] == kNoValue ? nullptr : &inputs[i]);
  return operands;
}

Result<CaseScene> MakeCaseScene(const OpDef& op, const TestCase& test, uint32_t seed) {
  CaseScene scene;
  std::mt19937 random(seed);
  Node node;
  node.op = op.name;
  node.name = test.label;
  node.attrs = test.attrs;
  for (const TestInput& input : test.inputs) {
    scene.inputs.push_back(input.is_absent ? Datum() : Datum::Of(RandomTensor(input, random)));
    if (input.is_absent) {
      node.inputs.push_back(kNoValue);
      continue;
    }
    Value value;
    value.name = "in" + std::to_string(node.inputs.size());
    value.type = Type::Of(input.dtype, ToDimList(input.dims));
    value.quant = input.quant;
    if (input.is_constant) value.data = scene.inputs.back().tensor;
    node.inputs.push_back(scene.graph.AddValue(std::move(value)));
    if (!input.is_constant) scene.graph.inputs.push_back(node.inputs.back());
  }
  for (int i = 0; i < test.num_outputs; ++i) {
    Value value;
    value.name = "out" + std::to_string(i);
    if (static_cast<size_t>(i) < test.outputs_quant.size())
      value.quant = test.outputs_quant[static_cast<size_t>(i)];
    node.outputs.push_back(scene.graph.AddValue(std::move(value)));
    scene.graph.outputs.push_back(node.outputs.back());
  }
  SLIPWAY_RETURN_IF_ERROR(CompleteAttrs(op, node));
  scene.graph.nodes.push_back(std::move(node));
  SLIPWAY_RETURN_IF_ERROR(InferGraph(scene.graph));
  return scene;
}

}  // namespace slipway
