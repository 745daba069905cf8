#include "backends/cpu/sample.h"

namespace slipway::cpu {

bool AreOthersConstant(const Step& step) {
  for (size_t i = 1; i < step.inputs.size(); ++i) {
    if (step.inputs[i] != nullptr && !step.inputs[i]->IsConstant()) return false;
  }
  return true;
}

Result<std::vector<Datum>> RunOnSample(const Step& step, std::vector<StandIn> stand_ins, SampleQuant quant) {
  Graph graph;
  Node node;
  node.op = step.op->name;
  node.name = step.node->name;
  node.attrs = step.attrs();
  std::vector<Datum> data(step.inputs.size());
  std::vector<const Datum*> operands(step.inputs.size());
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (step.inputs[i] != nullptr) data[i] = Datum::Of(step.inputs[i]->data);
  }
  for (StandIn& each : stand_ins) data[each.input] = Datum::Of(std::move(each.tensor));
  const auto add = [&](const Value* original, Type type) {
    Value value;
    value.type = std::move(type);
    if (quant == SampleQuant::kKept) value.quant = original->quant;
    return graph.AddValue(std::move(value));
  };
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (step.inputs[i] == nullptr) {
      node.inputs.push_back(kNoValue);
      continue;
    }
    const Tensor& tensor = data[i].tensor;
    node.inputs.push_back(add(step.inputs[i], Type::Of(tensor.dtype(), ToDimList(tensor.dims()))));
    operands[i] = &data[i];
  }
  for (const Value* output : step.outputs) {
    node.outputs.push_back(output == nullptr ? kNoValue
                                             : add(output, Type::OfUnknownShape(output->type.dtype)));
  }
  return RunReference(graph, node, operands, nullptr);
}

}  // namespace slipway::cpu
