// One node after another: constants, calls of functions, operators.
#include "formats/onnx/importer.h"
#include "formats/onnx/order.h"
#include "ops/dynamic_ops.h"

namespace slipway::onnx {

Status ModelImporter::ImportNodes(Scope& scope, const std::vector<NodeProto>& nodes,
                                  const std::vector<std::string_view>& outputs,
                                  const std::set<std::string_view>& given) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<const NodeProto*> ordered, OrderNodes(nodes, outputs, given));
  for (const NodeProto* node : ordered) SLIPWAY_RETURN_IF_ERROR(ImportOne(scope, *node));
  return Status::Ok();
}

bool ModelImporter::IsPlugins(const Scope& scope, const NodeProto& node) const {
  const int64_t version = OpsetOf(scope, node.domain);
  return FindDynamicForeign(Format::kOnnx, node.domain, node.op_type, version).op != nullptr;
}

Status ModelImporter::ImportOne(Scope& scope, const NodeProto& node) {
  // Functions that call each other can ask for any number of nodes; no real network comes near.
  constexpr int64_t kMaxNodes = 2'000'000;
  if (++num_nodes_ > kMaxNodes) {
    return Status(Code::kInvalidModel, "the model expands to more than 2000000 nodes");
  }
  // Where a plugin claims the operator, it needs no body.
  const FunctionProto* function = FindFunction(node);
  if (function != nullptr && !IsPlugins(scope, node)) return ImportCall(scope, node, *function);
  if (node.domain.empty() && node.op_type == "Constant") return ImportConstant(scope, node);
  unsupported_.CountNode();
  return ImportForeign(scope, node);
}

namespace {

template <class T>
Tensor ListTensor(DType dtype, const std::vector<T>& values) {
  return Tensor::From<T>(dtype, {static_cast<int64_t>(values.size())}, values);
}

Tensor StringTensor(Dims dims, const Strings& values) {
  Tensor tensor(DType::kString, std::move(dims));
  for (size_t i = 0; i < values.size(); ++i) tensor.as<std::string>()[i] = values[i];
  return tensor;
}

// The tensor that a Constant node's attribute stands for; none for attributes that are no values.
Tensor TensorOfConstant(const std::string& name, const Attr& attr) {
  if (const auto* tensor = std::get_if<Tensor>(&attr)) return *tensor;
  if (name == "value_int" && std::holds_alternative<int64_t>(attr)) {
    return Tensor::From<int64_t>(DType::kI64, {}, std::vector{std::get<int64_t>(attr)});
  }
  if (name == "value_float" && std::holds_alternative<float>(attr)) {
    return Tensor::From<float>(DType::kF32, {}, std::vector{std::get<float>(attr)});
  }
  if (const auto* values = std::get_if<Ints>(&attr)) return ListTensor(DType::kI64, *values);
  if (const auto* values = std::get_if<Floats>(&attr)) return ListTensor(DType::kF32, *values);
  if (const auto* text = std::get_if<std::string>(&attr)) return StringTensor({}, {*text});
  if (const auto* texts = std::get_if<Strings>(&attr)) {
    return StringTensor({static_cast<int64_t>(texts->size())}, *texts);
  }
  return {};
}

}  // namespace

Status ModelImporter::ImportConstant(Scope& scope, const NodeProto& node) {
  for (const AttributeProto& attribute : node.attributes) {
    const AttributeProto* actual = Deref(scope, attribute);
    if (actual == nullptr) continue;
    auto attr = ConvertAttribute(*actual);
    if (!attr.ok()) return attr.status().WithContext(DescribeNode(node));
    Tensor tensor = TensorOfConstant(std::string(attribute.name), *attr);
    if (tensor.IsNone() || node.outputs.empty()) continue;
    const std::string name = scope.prefix + std::string(node.outputs[0]);
    return Define(scope, node.outputs[0], scope.state->builder.Constant(name, std::move(tensor)));
  }
  return Status(Code::kInvalidModel, DescribeNode(node) + " has no value");
}

// The node's own name; where it has none, its first output's.
std::string ModelImporter::NodeName(const Scope& scope, const NodeProto& node) {
  if (!node.name.empty()) return scope.prefix + std::string(node.name);
  for (std::string_view output : node.outputs) {
    if (!output.empty()) return scope.prefix + std::string(output);
  }
  return scope.prefix + std::string(node.op_type);
}

Status ModelImporter::ImportForeign(Scope& scope, const NodeProto& node) {
  GraphState& state = *scope.state;
  ForeignNode foreign;
  foreign.format = Format::kOnnx;
  foreign.op = std::string(node.op_type);
  foreign.domain = std::string(node.domain);
  foreign.version = OpsetOf(scope, node.domain);
  foreign.name = NodeName(scope, node);
  bool is_broken = false;
  for (std::string_view name : node.inputs) {
    ValueId id = kNoValue;
    if (!name.empty()) {
      auto resolved = Resolve(scope, name);
      if (!resolved.ok()) return resolved.status().WithContext(DescribeNode(node));
      id = *resolved;
      is_broken |= state.broken.count(id) > 0;
    }
    foreign.inputs.push_back(id);
  }
  for (std::string_view name : node.outputs) {
    Value value;
    if (!name.empty()) value.name = scope.prefix + std::string(name);
    if (const auto found = scope.declared.find(name); found != scope.declared.end()) {
      value.type = DeclaredType(*found->second);
      if (is_reshaped_) value.type.shape.reset();
    }
    foreign.outputs.push_back(std::move(value));
  }
  const bool has_row = FindForeign(Format::kOnnx, foreign.domain, foreign.op, foreign.version).op != nullptr;
  SLIPWAY_RETURN_IF_ERROR(CheckAttributes(node, foreign));
  SLIPWAY_RETURN_IF_ERROR(ConvertAttributes(scope, node, foreign));
  for (ValueId capture : foreign.captures) is_broken |= state.broken.count(capture) > 0;

  if (!has_row && IsZipMap(foreign)) {
    if (is_broken) return Misfit(scope, node, foreign, Status::Ok());
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, ImportZipMap(state, foreign));
    return BindOutputs(scope, node, foreign, {rows});
  }
  const bool is_kept = !has_row && options_.allow_custom;
  auto values = is_kept ? ImportCustom(foreign, state.builder) : ImportNode(foreign, state.builder);
  if (values.ok() && !is_broken) return BindOutputs(scope, node, foreign, *values);
  // What depends on an unsupported node may fail only because of it.
  if (has_row && is_broken) return Misfit(scope, node, foreign, Status::Ok());
  if (values.ok() || values.status().code() == Code::kUnsupported) {
    return Misfit(scope, node, foreign, values.status());
  }
  return values.status();
}

Status ModelImporter::BindOutputs(Scope& scope, const NodeProto& node, const ForeignNode& foreign,
                                  const std::vector<ValueId>& values) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    if (i >= values.size() || values[i] == kNoValue) {
      return Status(Code::kUnsupported, foreign.op + " '" + foreign.name + "': output " + std::to_string(i) +
                                            " is not available");
    }
    SLIPWAY_RETURN_IF_ERROR(Define(scope, node.outputs[i], values[i]));
  }
  return Status::Ok();
}

// Notes the node as unsupported (where `why` says so), and puts placeholders for its results, so that the
// rest of the model can be looked through.
Status ModelImporter::Misfit(Scope& scope, const NodeProto& node, const ForeignNode& foreign,
                             const Status& why) {
  GraphState& state = *scope.state;
  if (!why.ok()) unsupported_.Add(foreign, state.builder, why);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    const ValueId id = state.graph.AddValue(foreign.outputs[i]);
    state.broken.insert(id);
    SLIPWAY_RETURN_IF_ERROR(Define(scope, node.outputs[i], id));
  }
  return Status::Ok();
}

}  // namespace slipway::onnx
