#include "ops/builder.h"

#include "base/scalar.h"
#include "ops/infer_node.h"

namespace slipway {

const Tensor* GraphBuilder::constant(ValueId id) const {
  const Value& value = graph_.value(id);
  return value.IsConstant() ? &value.data : nullptr;
}

ValueId GraphBuilder::Input(std::string name, Type type, std::optional<Quant> quant) {
  const ValueId id = graph_.AddValue({std::move(name), std::move(type), std::move(quant), {}});
  graph_.inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::Constant(std::string name, Tensor data, std::optional<Quant> quant) {
  return graph_.AddConstant(std::move(name), std::move(data), std::move(quant));
}

ValueId GraphBuilder::Ints(const std::vector<int64_t>& values) {
  return Constant("ints", Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(values.size())}, values));
}

ValueId GraphBuilder::Scalar(DType dtype, double value) {
  Tensor tensor(dtype, {});
  StoreReal(dtype, tensor.data(), 0, value);
  return Constant("scalar", std::move(tensor));
}

namespace {

// A record computes all of its required outputs, also those that nobody has a use for.
void GiveRequiredOutputs(const OpDef& op, const Node& node, std::vector<GraphBuilder::Output>& outputs) {
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    const Port& port = op.outputs[i];
    if (port.arity != Arity::kRequired) continue;
    if (i >= outputs.size())
      outputs.resize(i + 1, {.name = {}, .quant = {}, .declared = {}, .is_left_out = true});
    if (outputs[i].is_left_out)
      outputs[i] = {.name = node.name + "/" + port.name, .quant = {}, .declared = {}, .is_left_out = false};
  }
}

}  // namespace

Result<std::vector<ValueId>> GraphBuilder::Add(Node node, std::vector<Output> outputs) {
  const OpDef* op = FindOp(node.op);
  if (op == nullptr) return Status(Code::kInternal, "no operator is called '" + node.op + "'");
  if (node.sources.empty()) node.sources = sources_;
  GiveRequiredOutputs(*op, node, outputs);
  SLIPWAY_RETURN_IF_ERROR(CompleteAttrs(*op, node));
  const size_t first_new = graph_.values.size();
  node.outputs.clear();
  for (Output& output : outputs) {
    if (output.is_left_out) {
      node.outputs.push_back(kNoValue);
      continue;
    }
    node.outputs.push_back(
        graph_.AddValue({std::move(output.name), std::move(output.declared), std::move(output.quant), {}}));
  }
  contents_.resize(graph_.values.size());
  if (Status status = InferNodeInGraph(graph_, node, contents_); !status.ok()) {
    graph_.values.resize(first_new);
    contents_.resize(first_new);
    return status;
  }
  graph_.nodes.push_back(node);
  return graph_.nodes.back().outputs;
}

Result<ValueId> GraphBuilder::Add(std::string op, std::vector<ValueId> inputs, Attrs attrs,
                                  std::string name) {
  Node node;
  if (name.empty()) name = op;
  node.op = std::move(op);
  node.name = name;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<ValueId> ids,
                           Add(std::move(node), {Output{std::move(name), {}, {}, false}}));
  return ids[0];
}

}  // namespace slipway
