#include "formats/tflite/subgraph.h"

#include <algorithm>

#include "base/scalar.h"
#include "formats/tflite/dtypes.h"
#include "formats/tflite/graph_importer.h"
#include "formats/tflite/options.h"

namespace slipway::tflite {
namespace {

constexpr size_t kMaxNesting = 32;

// Operators that hold other sub-graphs: option field -> attribute.
struct GraphOption {
  const char* index;
  const char* attribute;
};
constexpr GraphOption kGraphOptions[] = {{"then_subgraph_index", "then_branch"},
                                         {"else_subgraph_index", "else_branch"},
                                         {"cond_subgraph_index", "cond"},
                                         {"body_subgraph_index", "body"},
                                         {"update_computation_subgraph_index", "update_computation"}};

}  // namespace

Attrs OptionsOf(const TfliteFile& file, const fb::Operator& op) {
  // Options beyond the tables' 2 GiB, by place in the file.
  const uint64_t offset = op.large_custom_options_offset();
  const uint64_t size = op.large_custom_options_size();
  if (offset > 1 && offset <= file.bytes().size() && size <= file.bytes().size() - offset) {
    return DecodeCustomOptions(file.bytes().subspan(offset, size));
  }
  if (const auto* custom = op.custom_options()) return DecodeCustomOptions({custom->data(), custom->size()});
  if (op.builtin_options() != nullptr) {
    return DecodeOptions(*static_cast<const flatbuffers::Table*>(op.builtin_options()),
                         fb::EnumNameBuiltinOptions(op.builtin_options_type()));
  }
  if (op.builtin_options2() != nullptr) {
    return DecodeOptions(*static_cast<const flatbuffers::Table*>(op.builtin_options2()),
                         fb::EnumNameBuiltinOptions2(op.builtin_options2_type()));
  }
  return DefaultOptions(fb::EnumNameBuiltinOptions(op.builtin_options_type()));
}

// Extents that shape_signature leaves open are anonymous unknowns.
Result<DimList> GraphImporter::ShapeWithUnknowns(int index) const {
  SLIPWAY_ASSIGN_OR_RETURN(const Dims dims, TfliteFile::ShapeOf(tensor(index)));
  DimList shape = ToDimList(dims);
  const auto* signature = tensor(index).shape_signature();
  if (signature == nullptr || signature->size() != shape.size()) return shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (signature->Get(static_cast<uint32_t>(i)) < 0) shape[i] = Dim();
  }
  return shape;
}

Status GraphImporter::AddInput(int index) {
  // Operators cut out of a model list their weights as inputs; what has content is none.
  const bool has_content = tensor(index).buffer() != 0 && cut_.shapes.count(index) == 0;
  if (has_content) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::span<const uint8_t> content, file_.Buffer(tensor(index).buffer()));
    if (!content.empty()) return Status::Ok();
  }
  const DType dtype = DTypeOf(tensor(index).type());
  if (dtype == DType::kNone) {
    return Status(Code::kUnsupported,
                  "input '" + NameOf(index) + "' holds " + TypeName(tensor(index).type()));
  }
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, ShapeWithUnknowns(index));
  if (const auto given = cut_.shapes.find(index); given != cut_.shapes.end()) {
    is_dynamic_ |= !(given->second == shape);
    shape = given->second;
  }
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    is_dynamic_ |= !shape[axis].IsKnown();
    if (shape[axis].IsKnown() || shape[axis].IsNamed()) continue;
    shape[axis] = Dim::Symbol(axis == 0 ? "batch" : "d" + std::to_string(num_symbols_++));
  }
  SLIPWAY_ASSIGN_OR_RETURN(std::optional<Quant> quant, TfliteFile::QuantOf(tensor(index)));
  values_[static_cast<size_t>(index)] =
      builder_.Input(NameOf(index), Type::Of(dtype, std::move(shape)), std::move(quant));
  return Status::Ok();
}

Result<ValueId> GraphImporter::AddConstant(int index, const std::string& reader) {
  const fb::Tensor& source = tensor(index);
  SLIPWAY_ASSIGN_OR_RETURN(Tensor content, file_.ContentOf(source));
  if (content.IsNone() && source.is_variable() && place_ == GraphPlace::kMain) return AddState(index);
  if (content.IsNone()) {
    SLIPWAY_ASSIGN_OR_RETURN(const Dims dims, TfliteFile::ShapeOf(source));
    const DType dtype = DTypeOf(source.type());
    const bool is_empty = CountOf(dims) == 0;
    if (dtype == DType::kNone || (!is_empty && !source.is_variable())) {
      return Invalid(reader + " reads tensor " + TfliteFile::NameOf(source) +
                     ", which nothing computes before it");
    }
    if (is_empty) {
      content = Tensor(dtype, dims);
    } else {
      SLIPWAY_ASSIGN_OR_RETURN(content, StartOfVariable(index));
      shared_.notes().push_back("the variable '" + NameOf(index) + "' starts at zero on each run");
    }
  }
  SLIPWAY_ASSIGN_OR_RETURN(std::optional<Quant> quant, TfliteFile::QuantOf(source));
  return builder_.Constant(NameOf(index), std::move(content), std::move(quant));
}

Result<ValueId> GraphImporter::ReadTensor(int index, const std::string& reader) {
  if (index == -1) return kNoValue;
  if (index < 0 || static_cast<size_t>(index) >= num_tensors()) {
    return Invalid(reader + " reads tensor " + std::to_string(index) + " of " +
                   std::to_string(num_tensors()));
  }
  ValueId& value = values_[static_cast<size_t>(index)];
  if (value == kNoValue) {
    SLIPWAY_ASSIGN_OR_RETURN(value, AddConstant(index, reader));
  }
  return value;
}

Result<Value> GraphImporter::DeclaredOutput(int index) const {
  Value value;
  if (index == -1) return value;
  const fb::Tensor& source = tensor(index);
  value.name = NameOf(index);
  if (value.name.empty()) value.name = "tensor_" + std::to_string(index);
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, ShapeWithUnknowns(index));
  value.type = Type::OfUnknownShape(DTypeOf(source.type()));
  // An empty shape stands for a scalar as well as for "not known".
  if (!is_dynamic_ && !shape.empty()) value.type.shape = std::move(shape);
  SLIPWAY_ASSIGN_OR_RETURN(value.quant, TfliteFile::QuantOf(source));
  return value;
}

Status GraphImporter::AddSubGraphs(ForeignNode& node) {
  for (const GraphOption& option : kGraphOptions) {
    if (!node.attrs.Has(option.index)) continue;
    SLIPWAY_ASSIGN_OR_RETURN(GraphRef nested, shared_.ImportNested(node.attrs.Int(option.index)));
    node.attrs.Set(option.attribute, std::move(nested));
    node.attrs.Remove(option.index);
  }
  return Status::Ok();
}

// Quantisation of what recurrent operators compute inside: attributes `intermediate_scales` and
// `intermediate_zero_points`, 0 where there is none.
Status GraphImporter::AddIntermediates(const fb::Operator& op, ForeignNode& node) const {
  const auto* intermediates = op.intermediates();
  if (intermediates == nullptr || intermediates->size() == 0) return Status::Ok();
  Floats scales;
  Ints zero_points;
  for (int index : *intermediates) {
    if (index < -1 || index >= static_cast<int>(num_tensors())) {
      return Invalid("'" + node.name + "' has an intermediate tensor " + std::to_string(index));
    }
    std::optional<Quant> quant;
    if (index >= 0) {
      SLIPWAY_ASSIGN_OR_RETURN(quant, TfliteFile::QuantOf(tensor(index)));
    }
    scales.push_back(quant ? quant->scales[0] : 0);
    zero_points.push_back(quant ? quant->zero_points[0] : 0);
  }
  node.attrs.Set("intermediate_scales", std::move(scales));
  node.attrs.Set("intermediate_zero_points", std::move(zero_points));
  return Status::Ok();
}

Result<ForeignNode> GraphImporter::OperatorOf(const fb::Operator& op) const {
  const auto* codes = file_.model().operator_codes();
  if (codes == nullptr || op.opcode_index() >= codes->size()) {
    return Invalid("an operator has code " + std::to_string(op.opcode_index()) + " of " +
                   std::to_string(codes ? codes->size() : 0));
  }
  const fb::OperatorCode& code = *codes->Get(op.opcode_index());
  // The first 127 operators have their code in the old field only.
  const auto builtin = static_cast<fb::BuiltinOperator>(std::max(
      static_cast<int32_t>(code.builtin_code()), static_cast<int32_t>(code.deprecated_builtin_code())));
  ForeignNode node;
  node.format = Format::kTflite;
  node.op = fb::EnumNameBuiltinOperator(builtin);
  if (node.op.empty()) node.op = "operator " + std::to_string(static_cast<int32_t>(builtin));
  if (builtin == fb::BuiltinOperator::CUSTOM)
    node.op = code.custom_code() ? code.custom_code()->str() : "CUSTOM";
  node.version = code.version();
  return node;
}

Result<ForeignNode> GraphImporter::ForeignOf(const fb::Operator& op) {
  SLIPWAY_ASSIGN_OR_RETURN(ForeignNode node, OperatorOf(op));
  if (const auto* outputs = op.outputs()) {
    for (int index : *outputs) {
      if (index < -1 || index >= static_cast<int>(num_tensors())) {
        return Invalid(node.op + " writes tensor " + std::to_string(index) + " of " +
                       std::to_string(num_tensors()));
      }
      SLIPWAY_ASSIGN_OR_RETURN(Value output, DeclaredOutput(index));
      if (node.name.empty()) node.name = output.name;
      if (index < 0) {  // computed all the same; no tensor has it
        output.name = node.op + "/unused" + std::to_string(graph_.values.size()) + "_" +
                      std::to_string(node.outputs.size());
      }
      node.outputs.push_back(std::move(output));
    }
  }
  if (const auto* inputs = op.inputs()) {
    for (int index : *inputs) {
      SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, ReadTensor(index, node.op + " '" + node.name + "'"));
      node.inputs.push_back(value);
    }
  }
  node.attrs = OptionsOf(file_, op);
  SLIPWAY_RETURN_IF_ERROR(AddSubGraphs(node));
  SLIPWAY_RETURN_IF_ERROR(AddIntermediates(op, node));
  return node;
}

// DENSIFY of a constant (dense since it was read) and DEQUANTIZE of a constant small float: done here, so
// that the weights are constants to the operators that read them.
Result<bool> GraphImporter::FoldedAtImport(const ForeignNode& node, const fb::Operator& op) {
  if (node.op != "DENSIFY" && node.op != "DEQUANTIZE") return false;
  if (node.inputs.size() != 1 || node.outputs.size() != 1 || node.inputs[0] == kNoValue) return false;
  const Tensor* content = builder_.constant(node.inputs[0]);
  if (content == nullptr) return false;
  if (node.op == "DENSIFY") {
    SLIPWAY_RETURN_IF_ERROR(BindOutputs(op, {node.inputs[0]}, node.name));
    return true;
  }
  if (!IsFloat(content->dtype()) || node.outputs[0].type.dtype != DType::kF32) return false;
  Tensor wide(DType::kF32, content->dims());
  const int64_t count = wide.count();
  for (int64_t i = 0; i < count; ++i) {
    wide.as<float>()[i] = static_cast<float>(LoadReal(content->dtype(), content->data(), i));
  }
  SLIPWAY_RETURN_IF_ERROR(
      BindOutputs(op, {builder_.Constant(node.outputs[0].name, std::move(wide))}, node.name));
  return true;
}

Status GraphImporter::BindOutputs(const fb::Operator& op, const std::vector<ValueId>& values,
                                  const std::string& name) {
  if (op.outputs() == nullptr) return Status::Ok();
  for (uint32_t i = 0; i < op.outputs()->size(); ++i) {
    const int index = op.outputs()->Get(i);
    if (index < 0 || values[i] == kNoValue) continue;
    ValueId& value = values_[static_cast<size_t>(index)];
    const bool is_cut = std::find(cut_.inputs.begin(), cut_.inputs.end(), index) != cut_.inputs.end();
    if (is_cut && cut_.is_partial) continue;
    if (value != kNoValue)
      return Invalid("tensor '" + NameOf(index) + "' is written twice, the second time by '" + name + "'");
    value = values[i];
  }
  return Status::Ok();
}

Status GraphImporter::AddOperator(const fb::Operator& op) {
  shared_.unsupported().CountNode();
  SLIPWAY_ASSIGN_OR_RETURN(const ForeignNode named, OperatorOf(op));
  if (IsResourceOperator(named.op)) return AddResourceOperator(op, named.op);
  SLIPWAY_ASSIGN_OR_RETURN(ForeignNode node, ForeignOf(op));
  SLIPWAY_ASSIGN_OR_RETURN(const bool is_folded, FoldedAtImport(node, op));
  if (is_folded) return Status::Ok();
  if (node.op == "STABLEHLO_COMPOSITE" || node.op == "STABLEHLO_CASE") return AddCall(op, node);
  const size_t num_results = node.outputs.size();
  const auto own_states = AddOwnStates(node);
  if (own_states.status().code() == Code::kUnsupported) {
    shared_.unsupported().Add(node, builder_, own_states.status());
    return BindStandIns(op, node);
  }
  SLIPWAY_RETURN_IF_ERROR(own_states.status());
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<int> written, AddWrittenStates(op, node));
  const bool is_kept =
      shared_.keeps_unknown() && FindForeign(node.format, node.domain, node.op, node.version).op == nullptr;
  auto values = is_kept ? ImportCustom(node, builder_) : ImportNode(node, builder_);
  if (values.ok()) {
    KeepStates(written, std::span(*values).subspan(num_results));
    for (const Kept& kept : *own_states) variables_[kept.state] = (*values)[kept.result];
    return BindOutputs(op, *values, node.name);
  }
  if (values.status().code() != Code::kUnsupported) return values.status();
  shared_.unsupported().Add(node, builder_, values.status());
  return BindStandIns(op, node);
}

Status GraphImporter::BindStandIns(const fb::Operator& op, const ForeignNode& node) {
  std::vector<ValueId> stand_ins;
  for (const Value& output : node.outputs)
    stand_ins.push_back(output.name.empty() ? kNoValue : graph_.AddValue(output));
  return BindOutputs(op, stand_ins, node.name);
}

std::vector<bool> GraphImporter::NeededOperators() const {
  const auto& operators = *source_.operators();
  std::vector<bool> is_needed(operators.size(), !cut_.is_partial);
  if (!cut_.is_partial) return is_needed;
  std::vector<bool> is_wanted(num_tensors(), false);
  for (int index : cut_.outputs) is_wanted[static_cast<size_t>(index)] = true;
  for (int index : cut_.inputs) is_wanted[static_cast<size_t>(index)] = false;
  const auto is_input = [this](int index) {
    return std::find(cut_.inputs.begin(), cut_.inputs.end(), index) != cut_.inputs.end();
  };
  for (uint32_t i = operators.size(); i-- > 0;) {
    const fb::Operator& op = *operators.Get(i);
    if (op.outputs() == nullptr || op.inputs() == nullptr) continue;
    is_needed[i] = std::any_of(op.outputs()->begin(), op.outputs()->end(), [&](int index) {
      return index >= 0 && index < static_cast<int>(num_tensors()) && is_wanted[static_cast<size_t>(index)];
    });
    if (!is_needed[i]) continue;
    for (int index : *op.inputs()) {
      if (index >= 0 && index < static_cast<int>(num_tensors()) && !is_input(index))
        is_wanted[static_cast<size_t>(index)] = true;
    }
  }
  return is_needed;
}

Status GraphImporter::AddOperators() {
  if (source_.operators() == nullptr) return Status::Ok();
  const std::vector<bool> is_needed = NeededOperators();
  for (uint32_t i = 0; i < source_.operators()->size(); ++i) {
    if (is_needed[i]) SLIPWAY_RETURN_IF_ERROR(AddOperator(*source_.operators()->Get(i)));
  }
  return Status::Ok();
}

Result<Graph> GraphImporter::Run() {
  graph_.name = source_.name() ? source_.name()->str() : std::string();
  values_.assign(num_tensors(), kNoValue);
  for (int index : cut_.inputs) {
    if (values_[static_cast<size_t>(index)] == kNoValue) SLIPWAY_RETURN_IF_ERROR(AddInput(index));
  }
  SLIPWAY_RETURN_IF_ERROR(AddOperators());
  for (int index : cut_.outputs) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, ReadTensor(index, "the graph's result"));
    graph_.outputs.push_back(value);
  }
  FinishStates();
  return std::move(graph_);
}

Result<Cut> SubGraphImporter::WholeOf(uint32_t index) const {
  const auto* subgraphs = file_.model().subgraphs();
  if (subgraphs == nullptr || index >= subgraphs->size()) {
    return Invalid("sub-graph " + std::to_string(index) + " of " +
                   std::to_string(subgraphs ? subgraphs->size() : 0) + " is missing");
  }
  const fb::SubGraph& source = *subgraphs->Get(index);
  const auto num_tensors = static_cast<int>(source.tensors() ? source.tensors()->size() : 0);
  Cut cut;
  const auto copy = [num_tensors](const flatbuffers::Vector<int32_t>* from, std::vector<int>& to) {
    if (from == nullptr) return Status::Ok();
    for (int tensor : *from) {
      if (tensor < 0 || tensor >= num_tensors) {
        return Invalid("a graph input or output is tensor " + std::to_string(tensor) + " of " +
                       std::to_string(num_tensors));
      }
      to.push_back(tensor);
    }
    return Status::Ok();
  };
  SLIPWAY_RETURN_IF_ERROR(copy(source.inputs(), cut.inputs));
  SLIPWAY_RETURN_IF_ERROR(copy(source.outputs(), cut.outputs));
  return cut;
}

Result<Graph> SubGraphImporter::Import(uint32_t index, const Cut& cut, GraphPlace place) {
  open_.push_back(index);
  auto graph = GraphImporter(*this, *file_.model().subgraphs()->Get(index), cut, place).Run();
  open_.pop_back();
  return graph;
}

Result<Cut> SubGraphImporter::Open(int64_t index) const {
  const bool is_open = std::find(open_.begin(), open_.end(), index) != open_.end();
  if (is_open || open_.size() >= kMaxNesting) {
    return Invalid("sub-graph " + std::to_string(index) + " calls itself, or calls are nested too deep");
  }
  if (index < 0 || index > INT32_MAX) return Invalid("sub-graph " + std::to_string(index) + " is missing");
  return WholeOf(static_cast<uint32_t>(index));
}

Result<GraphRef> SubGraphImporter::ImportNested(int64_t index) {
  if (const auto done = nested_.find(index); done != nested_.end()) return done->second;
  SLIPWAY_ASSIGN_OR_RETURN(const Cut cut, Open(index));
  SLIPWAY_ASSIGN_OR_RETURN(Graph graph, Import(static_cast<uint32_t>(index), cut, GraphPlace::kNested));
  auto shared = std::make_shared<const Graph>(std::move(graph));
  nested_[index] = shared;
  return GraphRef(shared);
}

Status SubGraphImporter::RunOnce(int64_t index) {
  SLIPWAY_ASSIGN_OR_RETURN(const Cut cut, Open(index));
  return Import(static_cast<uint32_t>(index), cut, GraphPlace::kOnce).status();
}

}  // namespace slipway::tflite
