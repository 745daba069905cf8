// Model-local functions: their bodies go into the caller's graph.
#include "formats/onnx/importer.h"
#include "formats/onnx/order.h"

namespace slipway::onnx {

const FunctionProto* ModelImporter::FindFunction(const NodeProto& node) const {
  for (const FunctionProto& function : model_.functions) {
    if (function.name == node.op_type && function.domain == node.domain && function.overload == node.overload)
      return &function;
  }
  return nullptr;
}

Status ModelImporter::ImportCall(Scope& caller, const NodeProto& node, const FunctionProto& function) {
  if (caller.depth >= kMaxDepth) {
    return Status(Code::kInvalidModel,
                  "functions call each other more than 32 deep, at " + DescribeNode(node));
  }
  if (node.inputs.size() > function.inputs.size() || node.outputs.size() > function.outputs.size()) {
    return Status(Code::kInvalidModel, DescribeNode(node) + ": has " + std::to_string(node.inputs.size()) +
                                           " inputs and " + std::to_string(node.outputs.size()) +
                                           " outputs; the function takes " +
                                           std::to_string(function.inputs.size()) + " and gives " +
                                           std::to_string(function.outputs.size()));
  }
  AttributeMap arguments;
  for (const AttributeProto& attribute : function.default_attributes) arguments[attribute.name] = &attribute;
  for (const AttributeProto& attribute : node.attributes) {
    if (const AttributeProto* actual = Deref(caller, attribute)) arguments[attribute.name] = actual;
  }
  Scope scope;
  scope.state = caller.state;
  scope.arguments = &arguments;
  scope.opsets = function.opsets.empty() ? caller.opsets : &function.opsets;
  scope.prefix = NodeName(caller, node) + "/";
  scope.depth = caller.depth + 1;
  for (const ValueInfoProto& info : function.value_infos) scope.declared[info.name] = &info.type;
  std::set<std::string_view> given;
  for (size_t i = 0; i < function.inputs.size(); ++i) {
    const bool is_absent = i >= node.inputs.size() || node.inputs[i].empty();
    given.insert(function.inputs[i]);
    ValueId id = kNoValue;
    if (!is_absent) {
      SLIPWAY_ASSIGN_OR_RETURN(id, Resolve(caller, node.inputs[i]));
    }
    SLIPWAY_RETURN_IF_ERROR(Define(scope, function.inputs[i], id));
  }
  std::vector<std::string_view> wanted;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i].empty()) wanted.push_back(function.outputs[i]);
  }
  SLIPWAY_RETURN_IF_ERROR(ImportNodes(scope, function.nodes, wanted, given));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    auto result = Resolve(scope, function.outputs[i]);
    if (!result.ok()) return result.status().WithContext("function of " + DescribeNode(node));
    SLIPWAY_RETURN_IF_ERROR(Define(caller, node.outputs[i], *result));
  }
  return Status::Ok();
}

}  // namespace slipway::onnx
