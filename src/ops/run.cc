#include "ops/run.h"

#include "ops/dynamic_ops.h"
#include "ops/infer.h"

namespace slipway {

Tensor& RunContext::AllocateOutput(size_t i, Dims dims) const {
  Datum& datum = *outputs_[i].datum;
  const DType dtype = outputs_[i].type->dtype;
  if (datum.tensor.dtype() != dtype || datum.tensor.dims() != dims)
    datum.tensor = Tensor(dtype, std::move(dims));
  return datum.tensor;
}

Result<std::vector<Datum>> RunContext::RunGraph(const Graph& graph, std::span<const Datum> inputs) const {
  if (runner_ == nullptr) return Error("sub-graphs cannot run here");
  return runner_->Run(graph, inputs);
}

Status RunContext::Error(std::string message, std::string hint) const {
  return Status(Code::kInvalidInput, node_.op + " '" + node_.name + "': " + std::move(message),
                std::move(hint));
}

namespace {

Type TypeOf(const Datum& datum) {
  if (datum.kind == TypeKind::kTensor) return Type::Of(datum.tensor.dtype(), ToDimList(datum.tensor.dims()));
  Type type;
  type.kind = datum.kind;
  if (datum.sequence && !datum.sequence->empty()) type.dtype = datum.sequence->front().dtype();
  if (datum.kind == TypeKind::kOptionalTensor && datum.has_value) {
    type.dtype = datum.tensor.dtype();
    type.shape = ToDimList(datum.tensor.dims());
  }
  return type;
}

class Interpreter : public GraphRunner {
 public:
  using Observer = std::function<void(ValueId, const Datum&)>;

  explicit Interpreter(const Observer* observe) : observe_(observe) {}

  Result<std::vector<Datum>> Run(const Graph& graph, std::span<const Datum> inputs) override {
    constexpr int kMaxDepth = 64;
    if (depth_ >= kMaxDepth) return Status(Code::kInvalidModel, "sub-graphs are nested more than 64 deep");
    if (inputs.size() != graph.inputs.size()) {
      return Status(Code::kInvalidInput, "graph '" + graph.name + "' takes " +
                                             std::to_string(graph.inputs.size()) + " inputs, got " +
                                             std::to_string(inputs.size()));
    }
    ++depth_;
    auto result = RunNodes(graph, inputs);
    --depth_;
    return result;
  }

 private:
  Result<std::vector<Datum>> RunNodes(const Graph& graph, std::span<const Datum> inputs) {
    std::vector<Datum> values(graph.values.size());
    for (size_t i = 0; i < graph.values.size(); ++i) {
      if (graph.values[i].IsConstant()) values[i] = Datum::Of(graph.values[i].data);
    }
    for (size_t i = 0; i < inputs.size(); ++i) values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
    std::vector<int> uses = graph.UseCounts();
    std::vector<const Datum*> operands;
    for (const Node& node : graph.nodes) {
      operands.clear();
      for (ValueId id : node.inputs)
        operands.push_back(id == kNoValue ? nullptr : &values[static_cast<size_t>(id)]);
      SLIPWAY_ASSIGN_OR_RETURN(std::vector<Datum> results, RunReference(graph, node, operands, this));
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] == kNoValue) continue;
        if (observe_ != nullptr && depth_ == 1) (*observe_)(node.outputs[i], results[i]);
        values[static_cast<size_t>(node.outputs[i])] = std::move(results[i]);
      }
      for (ValueId id : node.inputs) {
        if (id != kNoValue && --uses[static_cast<size_t>(id)] == 0) values[static_cast<size_t>(id)] = Datum();
      }
    }
    std::vector<Datum> outputs;
    for (ValueId id : graph.outputs) outputs.push_back(values[static_cast<size_t>(id)]);
    return outputs;
  }

  const Observer* observe_;
  int depth_ = 0;
};

}  // namespace

Result<std::vector<Datum>> RunReference(const Graph& graph, const Node& node,
                                        std::span<const Datum* const> inputs, GraphRunner* runner) {
  const OpDef* op = FindOp(node.op);
  if (op == nullptr) return UnknownOp(node);
  if (op->reference == nullptr) {
    return Status(Code::kUnsupported, "node '" + node.name + "': operator '" + node.op + "' cannot run");
  }
  std::vector<InferContext::Input> infer_inputs(inputs.size());
  std::vector<RunContext::Operand> operands(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr) continue;
    const Value& value = graph.value(node.inputs[i]);
    infer_inputs[i].type = TypeOf(*inputs[i]);
    if (infer_inputs[i].type.dtype == DType::kNone) infer_inputs[i].type.dtype = value.type.dtype;
    infer_inputs[i].constant = inputs[i]->kind == TypeKind::kTensor ? &inputs[i]->tensor : nullptr;
    infer_inputs[i].quant = value.quant ? &*value.quant : nullptr;
    operands[i] = {const_cast<Datum*>(inputs[i]), infer_inputs[i].quant};
  }
  std::vector<InferContext::Output> infer_outputs(node.outputs.size());
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    const Value& value = graph.value(node.outputs[i]);
    infer_outputs[i].quant = value.quant ? &*value.quant : nullptr;
  }
  InferContext infer(*op, node, std::move(infer_inputs), infer_outputs);
  SLIPWAY_RETURN_IF_ERROR(InferNode(infer));

  std::vector<Datum> results(node.outputs.size());
  std::vector<Type> types(node.outputs.size());
  std::vector<RunContext::Operand> outputs(node.outputs.size());
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Type& type = types[i];
    type = infer.output(i).type;
    if (type.dtype == DType::kNone) type.dtype = graph.value(node.outputs[i]).type.dtype;
    results[i].kind = type.kind;
    if (type.kind == TypeKind::kTensor && type.IsStatic())
      results[i].tensor = Tensor(type.dtype, KnownDims(*type.shape));
    outputs[i] = {&results[i], infer_outputs[i].quant, &type};
  }
  RunContext run(node, operands, outputs, runner);
  SLIPWAY_RETURN_IF_ERROR(op->reference(run));
  return results;
}

Result<std::vector<Datum>> Interpret(const Graph& graph, std::span<const Datum> inputs) {
  return Interpreter(nullptr).Run(graph, inputs);
}

Result<std::vector<Datum>> Interpret(const Graph& graph, std::span<const Datum> inputs,
                                     const std::function<void(ValueId, const Datum&)>& observe) {
  return Interpreter(&observe).Run(graph, inputs);
}

}  // namespace slipway
