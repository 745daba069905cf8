// Names to values: initialisers read on first use, captures from the scopes around.
#include "formats/onnx/importer.h"

namespace slipway::onnx {

Type ModelImporter::DeclaredType(const Type& type) const {
  Type declared = type;
  if (declared.shape) declared.shape = SubstituteDims(std::move(*declared.shape), options_.dims);
  return declared;
}

Status ModelImporter::Declare(Scope& scope, const GraphProto& graph) {
  for (const InitializerProto& initializer : graph.initializers) {
    if (initializer.name.empty()) continue;
    if (!scope.initializers.emplace(initializer.name, &initializer).second) {
      return Status(Code::kInvalidModel,
                    "two initializers are called '" + std::string(initializer.name) + "'");
    }
  }
  for (const ValueInfoProto& info : graph.value_infos) scope.declared[info.name] = &info.type;
  for (const ValueInfoProto& info : graph.outputs) scope.declared[info.name] = &info.type;
  return Status::Ok();
}

Status ModelImporter::Define(Scope& scope, std::string_view name, ValueId value) {
  if (!scope.initializers.count(name) && scope.names.emplace(name, value).second) return Status::Ok();
  return Status(Code::kInvalidModel, "value '" + std::string(name) + "' is defined twice",
                "names must be unique within a graph");
}

Result<Tensor> ModelImporter::ReadInitializer(const InitializerProto& initializer) {
  return initializer.is_sparse ? ReadSparseTensorProto(initializer.bytes, source_)
                               : ReadTensorProto(initializer.bytes, source_);
}

// The value called `name` as a value of the scope's own graph.
Result<ValueId> ModelImporter::Resolve(Scope& scope, std::string_view name) {
  if (const auto found = scope.names.find(name); found != scope.names.end()) return found->second;
  GraphState& state = *scope.state;
  if (const auto found = scope.initializers.find(name); found != scope.initializers.end()) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadInitializer(*found->second));
    const ValueId id = state.builder.Constant(scope.prefix + std::string(name), std::move(tensor));
    scope.names.emplace(name, id);
    return id;
  }
  if (scope.outer == nullptr) {
    return Status(Code::kInvalidModel, "value '" + std::string(name) + "' is read, but nothing makes it");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId outside, Resolve(*scope.outer, name));
  const GraphState& outer_state = *scope.outer->state;
  const Value& value = outer_state.graph.value(outside);
  ValueId inside = kNoValue;
  if (value.IsConstant()) {
    inside = state.builder.Constant(value.name, value.data, value.quant);
  } else {
    inside = state.graph.AddValue({value.name, value.type, value.quant, {}});
    scope.captures.push_back({outside, inside});
    if (outer_state.broken.count(outside)) state.broken.insert(inside);
  }
  scope.names.emplace(name, inside);
  return inside;
}

// The version of `domain` that the scope's nodes are written for; 1 where none is imported.
int64_t ModelImporter::OpsetOf(const Scope& scope, std::string_view domain) const {
  for (const OpsetProto& opset : *scope.opsets) {
    if (opset.domain == domain) return opset.version;
  }
  for (const OpsetProto& opset : model_.opsets) {
    if (opset.domain == domain) return opset.version;
  }
  return 1;
}

}  // namespace slipway::onnx
