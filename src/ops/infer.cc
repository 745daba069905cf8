#include "ops/infer.h"

#include <algorithm>

#include "base/scalar.h"
#include "ops/dynamic_ops.h"
#include "ops/infer_node.h"
#include "ops/quantized_form.h"
#include "ops/run.h"

namespace slipway {
namespace {

std::optional<Content> ContentOf(const Tensor& tensor) {
  if (tensor.rank() > 1 || !(IsInteger(tensor.dtype()) || tensor.dtype() == DType::kBool))
    return std::nullopt;
  if (tensor.count() > kMaxContentElements) return std::nullopt;
  Content content;
  for (int64_t i = 0; i < tensor.count(); ++i)
    content.emplace_back(LoadInt(tensor.dtype(), tensor.data(), i));
  return content;
}

std::string PortName(const Port& port, size_t index) {
  return IsVariadic(port.arity) ? port.name + "[" + std::to_string(index) + "]" : port.name;
}

const Port* PortOf(const std::vector<Port>& ports, size_t i) {
  if (i < ports.size()) return &ports[i];
  return !ports.empty() && IsVariadic(ports.back().arity) ? &ports.back() : nullptr;
}

Status CheckInputs(const InferContext& context) {
  const OpDef& op = context.op();
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    const Port* port = PortOf(op.inputs, i);
    if (port == nullptr) {
      return context.Error("has " + std::to_string(context.num_inputs()) + " inputs; " + op.name +
                           " takes at most " + std::to_string(op.inputs.size()));
    }
    if (!context.HasInput(i)) {
      if (port->arity == Arity::kRequired) return context.Error("input '" + port->name + "' is missing");
      continue;
    }
    const DType dtype = context.dtype(i);
    if (dtype == DType::kNone || port->dtypes.Has(dtype)) continue;
    return context.Error("input '" + PortName(*port, i) + "' is " + std::string(DTypeName(dtype)) + "; " +
                         op.name + " takes " + port->dtypes.ToString());
  }
  for (size_t i = context.num_inputs(); i < op.inputs.size(); ++i) {
    if (op.inputs[i].arity == Arity::kRequired)
      return context.Error("input '" + op.inputs[i].name + "' is missing");
    if (op.inputs[i].arity == Arity::kOneOrMore) return context.Error("has no inputs; it takes one or more");
  }
  return Status::Ok();
}

// References write what is required: a node that leaves it out has no memory for it.
Status CheckOutputs(const InferContext& context) {
  const OpDef& op = context.op();
  const size_t count = context.num_outputs();
  if (count > op.outputs.size() && (op.outputs.empty() || !IsVariadic(op.outputs.back().arity))) {
    return context.Error("has " + std::to_string(count) + " outputs; " + op.name + " gives at most " +
                         std::to_string(op.outputs.size()));
  }
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (op.outputs[i].arity == Arity::kRequired && !context.HasOutput(i))
      return context.Error("output '" + op.outputs[i].name + "' is left out; " + op.name +
                           " always gives it");
  }
  return Status::Ok();
}

// Fills unknown parts of an inferred type from a declared one.
Type MergeTypes(Type inferred, const Type& declared) {
  if (inferred.dtype == DType::kNone) inferred.dtype = declared.dtype;
  if (!inferred.shape) {
    inferred.shape = declared.shape;
    return inferred;
  }
  if (!declared.shape || declared.shape->size() != inferred.shape->size()) return inferred;
  for (size_t i = 0; i < inferred.shape->size(); ++i) {
    Dim& dim = (*inferred.shape)[i];
    if (!dim.IsKnown() && !dim.IsNamed()) dim = (*declared.shape)[i];
  }
  return inferred;
}

}  // namespace

std::optional<Content> InferContext::content(size_t i) const {
  if (!HasInput(i)) return std::nullopt;
  if (inputs_[i].content) return inputs_[i].content;
  if (inputs_[i].constant != nullptr) return ContentOf(*inputs_[i].constant);
  return std::nullopt;
}

std::optional<Ints> InferContext::ints(size_t i) const {
  const auto elements = content(i);
  if (!elements || !AllKnown(*elements)) return std::nullopt;
  return KnownDims(*elements);
}

void InferContext::SetOutput(size_t i, Type type) {
  if (i < outputs_.size()) outputs_[i].type = std::move(type);
}

void InferContext::SetContent(size_t i, Content content) {
  if (i < outputs_.size()) outputs_[i].content = std::move(content);
}

namespace {
double KnownCount(const Type& type) {
  if (!type.shape) return 0;
  double count = 1;
  for (const Dim& dim : *type.shape) count *= dim.IsKnown() ? static_cast<double>(dim.value()) : 0;
  return count;
}
}  // namespace

double InferContext::CountOfInput(size_t i) const {
  return i < inputs_.size() ? KnownCount(inputs_[i].type) : 0;
}
double InferContext::CountOfOutput(size_t i) const {
  return i < outputs_.size() ? KnownCount(outputs_[i].type) : 0;
}

Status InferContext::Error(std::string message, std::string hint) const {
  return Status(Code::kInvalidModel, node_.op + " '" + node_.name + "': " + std::move(message),
                std::move(hint));
}

Status InferContext::Unsupported(std::string message, std::string hint) const {
  return Status(Code::kUnsupported, node_.op + " '" + node_.name + "': " + std::move(message),
                std::move(hint));
}

Status InferNode(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckInputs(context));
  SLIPWAY_RETURN_IF_ERROR(CheckOutputs(context));
  SLIPWAY_RETURN_IF_ERROR(context.op().infer(context));
  SLIPWAY_RETURN_IF_ERROR(CheckQuantizedOperands(context));
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    const Type& type = context.output(i).type;
    if (!type.IsStatic()) continue;
    if (auto count = ElementCount(KnownDims(*type.shape)); !count.ok()) {
      return context.Error("output " + std::to_string(i) + ": " + count.status().message());
    }
  }
  return Status::Ok();
}

namespace {

// The reference's result on inputs that are all small and known, as content; nullopt where it can't be had.
void FoldContent(const Graph& graph, const Node& node, std::vector<std::optional<Content>>& contents,
                 const InferContext& context) {
  const OpDef& op = context.op();
  if (op.reference == nullptr || !op.is_deterministic || node.inputs.empty()) return;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const Type& type = context.output(i).type;
    const bool is_small = type.kind == TypeKind::kTensor && type.IsStatic() && type.rank() <= 1 &&
                          CountOf(KnownDims(*type.shape)) <= kMaxContentElements;
    if (!is_small || !(IsInteger(type.dtype) || type.dtype == DType::kBool)) return;
  }
  std::vector<Datum> data(node.inputs.size());
  std::vector<const Datum*> inputs(node.inputs.size(), nullptr);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const Value& value = graph.value(node.inputs[i]);
    if (const Tensor* constant = context.constant(i); constant && constant->count() <= kMaxContentElements) {
      data[i] = Datum::Of(*constant);
    } else {
      const auto known = context.ints(i);
      if (!known || !value.type.IsStatic() || value.type.rank() > 1) return;
      if (CountOf(KnownDims(*value.type.shape)) != static_cast<int64_t>(known->size())) return;
      Tensor tensor(value.type.dtype, KnownDims(*value.type.shape));
      for (size_t k = 0; k < known->size(); ++k) {
        StoreInt(tensor.dtype(), tensor.data(), static_cast<int64_t>(k), (*known)[k]);
      }
      data[i] = Datum::Of(std::move(tensor));
    }
    inputs[i] = &data[i];
  }
  auto results = RunReference(graph, node, inputs, nullptr);
  if (!results.ok()) return;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    contents[static_cast<size_t>(node.outputs[i])] = ContentOf((*results)[i].tensor);
  }
}

}  // namespace

// Infers one node of `graph`; contents are read and extended. Shared with GraphBuilder.
Status InferNodeInGraph(Graph& graph, const Node& node, std::vector<std::optional<Content>>& contents) {
  const OpDef* op = FindOp(node.op);
  if (op == nullptr) return UnknownOp(node);
  std::vector<InferContext::Input> inputs(node.inputs.size());
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const Value& value = graph.value(node.inputs[i]);
    inputs[i].type = value.type;
    inputs[i].constant = value.IsConstant() ? &value.data : nullptr;
    inputs[i].content = contents[static_cast<size_t>(node.inputs[i])];
    inputs[i].quant = value.quant ? &*value.quant : nullptr;
  }
  std::vector<InferContext::Output> outputs(node.outputs.size());
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    const Value& value = graph.value(node.outputs[i]);
    outputs[i].quant = value.quant ? &*value.quant : nullptr;
  }
  InferContext context(*op, node, std::move(inputs), std::move(outputs));
  SLIPWAY_RETURN_IF_ERROR(InferNode(context));
  bool has_content = false;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Value& value = graph.value(node.outputs[i]);
    value.type = MergeTypes(context.output(i).type, value.type);
    if (!value.quant) value.quant = KeptQuant(context, i);
    contents[static_cast<size_t>(node.outputs[i])] = context.output(i).content;
    has_content |= context.output(i).content.has_value();
  }
  if (!has_content) FoldContent(graph, node, contents, context);
  return Status::Ok();
}

Status InferGraph(Graph& graph, GraphFacts* facts) {
  facts->contents.assign(graph.values.size(), std::nullopt);
  for (const Node& node : graph.nodes) {
    SLIPWAY_RETURN_IF_ERROR(InferNodeInGraph(graph, node, facts->contents));
  }
  return Status::Ok();
}

Status InferGraph(Graph& graph) {
  GraphFacts facts;
  return InferGraph(graph, &facts);
}

Result<DimList> BroadcastShapes(const InferContext& context, const std::vector<const DimList*>& shapes) {
  size_t rank = 0;
  for (const DimList* shape : shapes) rank = std::max(rank, shape->size());
  DimList result(rank, Dim(1));
  for (const DimList* shape : shapes) {
    const size_t offset = rank - shape->size();
    for (size_t i = 0; i < shape->size(); ++i) {
      const Dim& dim = (*shape)[i];
      Dim& merged = result[offset + i];
      if (dim.IsKnown() && dim.value() == 1) continue;
      if (merged.IsKnown() && merged.value() == 1) {
        merged = dim;
      } else if (merged.IsKnown() && dim.IsKnown() && merged.value() != dim.value()) {
        std::string listed;
        for (const DimList* each : shapes) listed += (listed.empty() ? "" : " and ") + ToString(*each);
        return context.Error("shapes " + listed + " do not broadcast: " + merged.ToString() + " against " +
                             dim.ToString());
      } else if (dim.IsKnown()) {
        merged = dim;  // an unknown that must be 1 or this
      } else if (!merged.IsKnown() && !merged.SurelyEquals(dim)) {
        merged = Dim();
      }
    }
  }
  return result;
}

Result<int> NormalizeAxis(const InferContext& context, int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return context.Error("axis " + std::to_string(axis) + " is outside [" + std::to_string(-rank) + ", " +
                         std::to_string(rank - 1) + "] of rank " + std::to_string(rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Status InferSameAsInput(InferContext& context) {
  context.SetOutput(0, context.input(0));
  return Status::Ok();
}

namespace {

Status InferBroadcastAs(InferContext& context, DType dtype) {
  std::vector<const DimList*> shapes;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    if (!context.HasInput(i)) continue;
    if (!context.shape(i)) {
      context.SetOutput(0, Type::OfUnknownShape(dtype));
      return Status::Ok();
    }
    shapes.push_back(&*context.shape(i));
  }
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, BroadcastShapes(context, shapes));
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

}  // namespace

Status InferBroadcast(InferContext& context) {
  for (size_t i = 1; i < context.num_inputs(); ++i) {
    const bool is_mixed = context.HasInput(i) && context.dtype(i) != context.dtype(0);
    if (is_mixed && context.dtype(i) != DType::kNone && context.dtype(0) != DType::kNone) {
      return context.Error("inputs are " + std::string(DTypeName(context.dtype(0))) + " and " +
                           std::string(DTypeName(context.dtype(i))) + "; they must be of one type");
    }
  }
  return InferBroadcastAs(context, context.dtype(0));
}

Status InferBroadcastBool(InferContext& context) { return InferBroadcastAs(context, DType::kBool); }

}  // namespace slipway
