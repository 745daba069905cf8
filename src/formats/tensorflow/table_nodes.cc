// Nodes that read look-up tables. A handle is a constant, the number of its table, so that it passes through
// functions.
#include "base/scalar.h"
#include "formats/tensorflow/handlers.h"

namespace slipway::tensorflow {
namespace {

using Inputs = const std::vector<ValueId>&;

Status Refuse(const TfNode& node, const std::string& what) {
  return Status(Code::kUnsupported, node.op + " '" + node.name + "' (tensorflow): " + what);
}

Status Handle(Scope& scope, const TfNode& node, Inputs) {
  ImportState& state = scope.state();
  const TfTable* table = nullptr;
  for (const std::string& name : {node.name, node.attrs.String("shared_name")}) {
    if (table != nullptr || state.tables == nullptr) break;
    const auto found = state.tables->find(name);
    if (found != state.tables->end()) table = &found->second;
  }
  if (table == nullptr) return Refuse(node, "nothing in the file fills the table");
  if (!table->broken.ok())
    return Status(
        Code::kUnsupported,
        node.op + " '" + node.name + "' (tensorflow): the table is not filled: " + table->broken.message(),
        table->broken.hint());
  scope.Bind(node.name, 0,
             scope.builder().Scalar(DType::kI32, static_cast<double>(state.tables_read.size())));
  state.tables_read.push_back(table);
  return Status::Ok();
}

Result<const TfTable*> TableIn(Scope& scope, const TfNode& node, Inputs inputs, size_t num_inputs) {
  if (inputs.size() < num_inputs)
    return Status(Code::kInvalidModel, node.op + " '" + node.name + "' has " + std::to_string(inputs.size()) +
                                           " operands, it takes " + std::to_string(num_inputs));
  const std::vector<const TfTable*>& tables = scope.state().tables_read;
  const Tensor* handle = scope.builder().constant(inputs[0]);
  const bool is_handle = handle != nullptr && handle->dtype() == DType::kI32 && handle->count() == 1;
  const int32_t number = is_handle ? *handle->as<int32_t>() : -1;
  if (number < 0 || number >= static_cast<int32_t>(tables.size()))
    return Refuse(node, "which table it reads is not known when the graph is imported");
  return tables[static_cast<size_t>(number)];
}

Status Find(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const TfTable* table, TableIn(scope, node, inputs, 3));
  const ValueId keys = scope.builder().Constant(node.name + "/keys", table->keys);
  const ValueId values = scope.builder().Constant(node.name + "/values", table->values);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId found,
                           scope.Add(node, "TableLookup", {inputs[1], inputs[2], keys, values}));
  scope.Bind(node.name, 0, found);
  return Status::Ok();
}

Status Size(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const TfTable* table, TableIn(scope, node, inputs, 1));
  scope.Bind(node.name, 0, scope.builder().Scalar(DType::kI64, static_cast<double>(table->keys.count())));
  return Status::Ok();
}

Status Export(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const TfTable* table, TableIn(scope, node, inputs, 1));
  scope.Bind(node.name, 0, scope.builder().Constant(node.name, table->keys));
  scope.Bind(node.name, 1, scope.builder().Constant(node.name + "/values", table->values));
  return Status::Ok();
}

}  // namespace

NodeHandler TableHandlerOf(const std::string& op) {
  static const std::map<std::string, NodeHandler> kHandlers = {
      {"HashTable", Handle},          {"HashTableV2", Handle},     {"MutableHashTable", Handle},
      {"MutableHashTableV2", Handle}, {"LookupTableFind", Find},   {"LookupTableFindV2", Find},
      {"LookupTableSize", Size},      {"LookupTableSizeV2", Size}, {"LookupTableExport", Export},
      {"LookupTableExportV2", Export}};
  const auto found = kHandlers.find(op);
  return found == kHandlers.end() ? nullptr : found->second;
}

}  // namespace slipway::tensorflow
