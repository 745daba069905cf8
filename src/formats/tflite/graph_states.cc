// What outlives a run of a TFLite graph: variable tensors, variables behind handles, and hash tables.
//
// A variable that the main graph writes becomes a state of the graph; one that it only reads, a constant. A
// table is constant too: its content is an operand of each look-up. Left out: variables in control flow,
// whose bodies cannot hand them on, and tables that a run fills.
#include <algorithm>
#include <cstring>

#include "formats/tflite/dtypes.h"
#include "formats/tflite/graph_importer.h"
#include "formats/tflite/own_states.h"

namespace slipway::tflite {

Result<Tensor> GraphImporter::StartOfVariable(int index) {
  const fb::Tensor& source = tensor(index);
  SLIPWAY_ASSIGN_OR_RETURN(Dims dims, TfliteFile::ShapeOf(source));
  const DType dtype = DTypeOf(source.type());
  if (dtype == DType::kNone || dtype == DType::kString)
    return Invalid("variable '" + NameOf(index) + "' holds " + TypeName(source.type()));
  const int64_t bytes = BytesOf(dtype, CountOf(dims));
  int64_t& total = shared_.resources().variable_bytes;
  if (bytes > kMaxVariableBytes - total)
    return Invalid("variable '" + NameOf(index) + "' takes " + std::to_string(bytes) +
                   " bytes, those before it " + std::to_string(total) + "; all variables together may take " +
                   std::to_string(kMaxVariableBytes));
  total += bytes;
  return Tensor(dtype, std::move(dims));
}

// A variable of the main graph: what a run leaves in it the next one finds. It starts as LiteRT resets it: at
// the byte 0, int8 at its zero point.
Result<ValueId> GraphImporter::AddState(int index) {
  const fb::Tensor& source = tensor(index);
  SLIPWAY_ASSIGN_OR_RETURN(std::optional<Quant> quant, TfliteFile::QuantOf(source));
  SLIPWAY_ASSIGN_OR_RETURN(Tensor start, StartOfVariable(index));
  if (start.dtype() == DType::kI8 && quant && start.count() > 0)
    std::memset(start.data(), static_cast<int>(quant->zero_points[0]), static_cast<size_t>(start.count()));
  return AddState(std::move(start), std::move(quant), index, "");
}

ValueId GraphImporter::AddState(Tensor start, std::optional<Quant> quant, int index, std::string variable) {
  Type type = Type::Of(start.dtype(), ToDimList(start.dims()));
  const ValueId before =
      builder_.Input(index < 0 ? variable : NameOf(index), std::move(type), std::move(quant));
  states_.push_back({before, std::move(start), index, std::move(variable)});
  return before;
}

// Recurrent operators write the variables that they read. Here such an operator has a result more for each,
// in the order of its operands: what the variable holds afterwards. Gives the variables' tensors.
Result<std::vector<int>> GraphImporter::AddWrittenStates(const fb::Operator& op, ForeignNode& node) const {
  std::vector<int> written;
  constexpr std::string_view kWriters[] = {"BIDIRECTIONAL_SEQUENCE_LSTM",
                                           "BIDIRECTIONAL_SEQUENCE_RNN",
                                           "LSTM",
                                           "RNN",
                                           "SVDF",
                                           "UNIDIRECTIONAL_SEQUENCE_GRU",
                                           "UNIDIRECTIONAL_SEQUENCE_LSTM",
                                           "UNIDIRECTIONAL_SEQUENCE_RNN"};
  // The basic LSTM kernel's states are operands and results there, too.
  if (op.inputs() == nullptr || node.attrs.String("kernel_type") == "BASIC" ||
      std::find(std::begin(kWriters), std::end(kWriters), node.op) == std::end(kWriters))
    return written;
  for (int index : *op.inputs()) {
    if (index < 0 || !tensor(index).is_variable()) continue;
    SLIPWAY_ASSIGN_OR_RETURN(Value after, DeclaredOutput(index));
    after.name = node.name + "/" + after.name;
    node.outputs.push_back(std::move(after));
    written.push_back(index);
  }
  return written;
}

// What an operator keeps to itself (own_states.h) becomes an operand more and, where no result is it, a
// result more. Gives the states' names and which of the operator's results they will be.
Result<std::vector<GraphImporter::Kept>> GraphImporter::AddOwnStates(ForeignNode& node) {
  std::vector<Kept> kept;
  if (place_ != GraphPlace::kMain) {
    if (!NeedsOwnState(node.op)) return kept;
    return Status(Code::kUnsupported, node.op + " '" + node.name + "' stands in control flow");
  }
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<OwnState> states,
                           OwnStatesOf(node, builder_, shared_.resources().variable_bytes));
  for (OwnState& state : states) {
    const std::string name = node.name + "/" + state.name;
    Value after;
    after.name = name + " next";
    after.type = Type::Of(state.start.dtype(), ToDimList(state.start.dims()));
    if (!state.result) node.outputs.push_back(std::move(after));
    kept.push_back({name, state.result.value_or(node.outputs.size() - 1)});
    node.inputs.push_back(AddState(std::move(state.start), std::nullopt, -1, name));
  }
  return kept;
}

// `values`: one per written state. An operator that leaves a state alone gives none.
void GraphImporter::KeepStates(const std::vector<int>& written, std::span<const ValueId> values) {
  for (size_t i = 0; i < written.size() && i < values.size(); ++i) {
    if (values[i] != kNoValue) values_[static_cast<size_t>(written[i])] = values[i];
  }
}

void GraphImporter::FinishStates() {
  for (State& state : states_) {
    const ValueId after =
        state.index < 0 ? variables_[state.variable] : values_[static_cast<size_t>(state.index)];
    if (after != state.before) {
      graph_.outputs.push_back(after);
      graph_.states.push_back(std::move(state.start));
      continue;
    }
    graph_.value(state.before).data = std::move(state.start);
    graph_.inputs.erase(std::find(graph_.inputs.begin(), graph_.inputs.end(), state.before));
  }
}

// ---- Operators on handles ----

Result<int> GraphImporter::TensorOf(const flatbuffers::Vector<int32_t>* tensors, uint32_t i,
                                    const std::string& reader) const {
  const int index = tensors != nullptr && i < tensors->size() ? tensors->Get(i) : -1;
  if (index < 0 || index >= static_cast<int>(num_tensors()))
    return Invalid(reader + " lacks an operand or result");
  return index;
}

Status GraphImporter::AddResourceOperator(const fb::Operator& op, const std::string& name) {
  const Attrs options = OptionsOf(file_, op);
  if (name == "CALL_ONCE") {
    if (place_ != GraphPlace::kMain) return Invalid("CALL_ONCE stands outside the main graph");
    return shared_.RunOnce(options.Int("init_subgraph_index"));
  }
  if (name == "VAR_HANDLE" || name == "HASHTABLE") {
    SLIPWAY_ASSIGN_OR_RETURN(const int index, TensorOf(op.outputs(), 0, name));
    handles_[index] = HandleOf(name, options);
    return Status::Ok();
  }
  SLIPWAY_ASSIGN_OR_RETURN(const int index, TensorOf(op.inputs(), 0, name));
  const auto handle = handles_.find(index);
  if (handle == handles_.end())
    return Status(Code::kUnsupported, name + " reads a handle that another sub-graph made",
                  "inline the control flow around it before the model is exported");
  return AddHandleOperator(op, name, handle->second);
}

Status GraphImporter::AddHandleOperator(const fb::Operator& op, const std::string& name,
                                        const std::string& handle) {
  if (place_ == GraphPlace::kNested)
    return Status(Code::kUnsupported, name + " of " + handle + " stands in control flow",
                  "move it out of the loop or branch, and pass its value in");
  Resources& resources = shared_.resources();
  if (name == "ASSIGN_VARIABLE") return AssignVariable(op, handle);
  if (name == "READ_VARIABLE") return ReadVariable(op, handle);
  if (name == "HASHTABLE_IMPORT") {
    if (place_ != GraphPlace::kOnce)
      return Status(Code::kUnsupported, "HASHTABLE_IMPORT fills " + handle + " on each run");
    HashTable table;
    SLIPWAY_ASSIGN_OR_RETURN(table.keys, ConstantIn(op, 1, name));
    SLIPWAY_ASSIGN_OR_RETURN(table.values, ConstantIn(op, 2, name));
    resources.tables[handle] = std::move(table);
    return Status::Ok();
  }
  const auto table = resources.tables.find(handle);
  if (table == resources.tables.end()) return Invalid(name + " reads " + handle + ", which nothing fills");
  if (name == "HASHTABLE_FIND") return FindInTable(op, table->second);
  Tensor size(DType::kI64, {1});
  size.as<int64_t>()[0] = table->second.keys.count();
  return BindOutputs(op, {builder_.Constant(handle + " size", std::move(size))}, name);
}

// Of an operator that is read once.
Result<Tensor> GraphImporter::ConstantIn(const fb::Operator& op, uint32_t input, const std::string& reader) {
  SLIPWAY_ASSIGN_OR_RETURN(const int index, TensorOf(op.inputs(), input, reader));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, ReadTensor(index, reader));
  if (const Tensor* constant = builder_.constant(value)) return *constant;
  return Status(Code::kUnsupported,
                reader + " is given '" + NameOf(index) + "', which is computed when the model starts");
}

Status GraphImporter::AssignVariable(const fb::Operator& op, const std::string& variable) {
  if (place_ == GraphPlace::kOnce) {
    SLIPWAY_ASSIGN_OR_RETURN(shared_.resources().variables[variable], ConstantIn(op, 1, "ASSIGN_VARIABLE"));
    return Status::Ok();
  }
  SLIPWAY_ASSIGN_OR_RETURN(const int index, TensorOf(op.inputs(), 1, "ASSIGN_VARIABLE"));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, ReadTensor(index, "ASSIGN_VARIABLE"));
  variables_[variable] = value;
  return Status::Ok();
}

Status GraphImporter::ReadVariable(const fb::Operator& op, const std::string& variable) {
  SLIPWAY_ASSIGN_OR_RETURN(const int index, TensorOf(op.outputs(), 0, "READ_VARIABLE"));
  if (const auto now = variables_.find(variable); now != variables_.end())
    return BindOutputs(op, {now->second}, "READ_VARIABLE");
  const auto start = shared_.resources().variables.find(variable);
  if (start == shared_.resources().variables.end())
    return Invalid("READ_VARIABLE reads " + variable + " before anything is assigned to it");
  SLIPWAY_ASSIGN_OR_RETURN(std::optional<Quant> quant, TfliteFile::QuantOf(tensor(index)));
  const ValueId before = AddState(start->second, std::move(quant), -1, variable);
  variables_[variable] = before;
  return BindOutputs(op, {before}, "READ_VARIABLE");
}

Status GraphImporter::FindInTable(const fb::Operator& op, const HashTable& table) {
  SLIPWAY_ASSIGN_OR_RETURN(ForeignNode node, OperatorOf(op));
  SLIPWAY_ASSIGN_OR_RETURN(const int result, TensorOf(op.outputs(), 0, node.op));
  SLIPWAY_ASSIGN_OR_RETURN(Value declared, DeclaredOutput(result));
  node.name = declared.name;
  node.outputs = {std::move(declared)};
  for (uint32_t i : {1U, 2U}) {
    SLIPWAY_ASSIGN_OR_RETURN(const int index, TensorOf(op.inputs(), i, node.op));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, ReadTensor(index, node.op));
    node.inputs.push_back(value);
  }
  node.inputs.push_back(builder_.Constant(node.name + "/keys", table.keys));
  node.inputs.push_back(builder_.Constant(node.name + "/values", table.values));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> ids, ImportNode(node, builder_));
  return BindOutputs(op, ids, "HASHTABLE_FIND");
}

}  // namespace slipway::tflite
