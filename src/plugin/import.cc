// A foreign node that a plugin claims, as the plugin's node.
#include <algorithm>
#include <charconv>

#include "base/nearest.h"
#include "ops/dynamic_ops.h"
#include "plugin/nodes.h"
#include "plugin/views.h"

namespace slipway {
namespace {

constexpr size_t kMaxStateBytes = size_t{1} << 31;

// --- Attributes ---

// Spellings of numbers in protobuf's text format.
//
// "1.5", "1.5f", "2e-3", "-inf". Read as f64: a float's text may lie below its smallest number.
std::optional<Attr> ParseFloat(std::string_view text) {
  const bool has_suffix = text.ends_with('f') || text.ends_with('F');
  const bool is_word = text.find_first_of("iInN") != std::string_view::npos;  // inf, nan
  if (has_suffix && !is_word) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<float>(value);
}

// "-12", "0x1f", "017"; booleans as 0 or 1.
std::optional<Attr> ParseInt(std::string_view text) {
  if (text == "true" || text == "True" || text == "t") return int64_t{1};
  if (text == "false" || text == "False" || text == "f") return int64_t{0};
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.starts_with('0')) {
    base = 8;
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const uint64_t most = static_cast<uint64_t>(INT64_MAX) + (is_negative ? 1 : 0);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return static_cast<int64_t>(is_negative ? 0 - value : value);
}

// Caffe's text says nothing of types: a scalar's spelling as `kind`; nullopt where it is none.
std::optional<Attr> ParseScalar(const std::string& text, AttrKind kind) {
  if (kind == AttrKind::kString) return text;
  if (kind == AttrKind::kFloat) return ParseFloat(text);
  return kind == AttrKind::kInt ? ParseInt(text) : std::nullopt;
}

template <class T>
std::optional<Attr> ParseList(const Strings& texts, AttrKind element) {
  std::vector<T> list;
  for (const std::string& text : texts) {
    const auto value = ParseScalar(text, element);
    if (!value) return std::nullopt;
    list.push_back(std::get<T>(*value));
  }
  return list;
}

std::optional<Attr> ParseTexts(const Strings& texts, AttrKind kind) {
  if (kind == AttrKind::kStrings) return texts;
  if (kind == AttrKind::kInts) return ParseList<int64_t>(texts, AttrKind::kInt);
  if (kind == AttrKind::kFloats) return ParseList<float>(texts, AttrKind::kFloat);
  return texts.size() == 1 ? ParseScalar(texts[0], kind) : std::nullopt;
}

// What formats write in another kind than the plugin declares, where no information is lost.
std::optional<Attr> ConvertAttr(const Attr& attr, AttrKind kind, Format format) {
  if (attr.index() == static_cast<size_t>(kind)) return attr;
  const auto* number = std::get_if<int64_t>(&attr);
  if (number != nullptr && kind == AttrKind::kFloat) return static_cast<float>(*number);
  if (number != nullptr && kind == AttrKind::kInts) return Ints{*number};
  if (const auto* real = std::get_if<float>(&attr); real && kind == AttrKind::kFloats) return Floats{*real};
  if (const auto* list = std::get_if<Ints>(&attr)) {
    // An empty list has no kind of its own.
    if (list->empty() && kind == AttrKind::kStrings) return Strings();
    if (kind == AttrKind::kFloats) return Floats(list->begin(), list->end());
  }
  if (format != Format::kCaffe) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&attr)) return ParseTexts({*text}, kind);
  if (const auto* texts = std::get_if<Strings>(&attr)) return ParseTexts(*texts, kind);
  return std::nullopt;
}

bool MovesChannels(const RegisteredPlugin& plugin) {
  const auto has_layout = [](const slipway_port& port) { return port.layout != SLIPWAY_LAYOUT_ANY; };
  const slipway_plugin& table = plugin.table;
  return std::any_of(table.inputs, table.inputs + table.num_inputs, has_layout) ||
         std::any_of(table.outputs, table.outputs + table.num_outputs, has_layout);
}

// TensorFlow writes the dtypes of operands and notes of its own beside what an operator means; where channels
// are is settled here, for a plugin that says where it wants them.
bool IsBookkeeping(const ForeignNode& node, const std::string& name, const Attr& attr,
                   const RegisteredPlugin& plugin) {
  if (node.format != Format::kTensorflow) return false;
  if (name == "data_format") return MovesChannels(plugin);
  return name.starts_with('_') || std::holds_alternative<DType>(attr);
}

Result<Attrs> TakeAttrs(const ImportContext& context, const RegisteredPlugin& plugin) {
  static constexpr const char* kKinds[] = {"int",     "float",  "string", "ints", "floats",
                                           "strings", "tensor", "graph",  "dtype"};
  const OpDef& op = context.op();
  Attrs taken;
  for (const auto& [name, attr] : context.attrs()) {
    if (std::holds_alternative<GraphRef>(attr))
      return context.Unsupported("attribute '" + name + "' is a sub-graph, which plugins do not take");
    const auto def = std::find_if(op.attrs.begin(), op.attrs.end(),
                                  [&name = name](const AttrDef& each) { return each.name == name; });
    if (def == op.attrs.end()) {
      if (IsBookkeeping(context.node(), name, attr, plugin)) continue;
      if (op.has_open_attrs) {
        taken.Set(name, attr);
        continue;
      }
      std::vector<std::string_view> known;
      for (const AttrDef& each : op.attrs) known.push_back(each.name);
      return context.Error(
          "attribute '" + name + "' is unknown to " + Describe(plugin) + DidYouMean(name, known),
          "a plugin for this model must declare it");
    }
    std::optional<Attr> converted = ConvertAttr(attr, def->kind, context.node().format);
    if (!converted)
      return context.Error("attribute '" + name + "' is of kind " + std::string(AttrKindName(attr)) + "; " +
                           Describe(plugin) + " declares " + kKinds[static_cast<size_t>(def->kind)]);
    taken.Set(name, std::move(*converted));
  }
  return taken;
}

// --- Layouts ---

enum class Turn { kNone, kToLast, kToFirst };

bool IsChannelsFirst(const ForeignNode& node) {
  if (node.format != Format::kTensorflow) return node.format != Format::kTflite;
  return node.attrs.String("data_format").starts_with("NC");
}

// What brings an operand of the source into the layout of the port.
Turn TurnFor(const ForeignNode& node, uint32_t layout) {
  if (layout == SLIPWAY_LAYOUT_ANY) return Turn::kNone;
  const bool wants_first = layout == SLIPWAY_LAYOUT_CHANNELS_FIRST;
  if (wants_first == IsChannelsFirst(node)) return Turn::kNone;
  return wants_first ? Turn::kToFirst : Turn::kToLast;
}

Turn Back(Turn turn) {
  if (turn == Turn::kNone) return turn;
  return turn == Turn::kToLast ? Turn::kToFirst : Turn::kToLast;
}

// [N,C,spatial...] to [N,spatial...,C], or back.
Ints PermutationOf(Turn turn, int rank) {
  Ints permutation = {0};
  const bool is_to_last = turn == Turn::kToLast;
  if (!is_to_last) permutation.push_back(rank - 1);
  for (int axis = is_to_last ? 2 : 1; axis < (is_to_last ? rank : rank - 1); ++axis)
    permutation.push_back(axis);
  if (is_to_last) permutation.push_back(1);
  return permutation;
}

uint32_t LayoutOf(const slipway_port* ports, uint64_t count, size_t i) {
  if (count == 0) return SLIPWAY_LAYOUT_ANY;
  return ports[std::min<size_t>(i, static_cast<size_t>(count - 1))].layout;
}

class Importer {
 public:
  Importer(ImportContext& context, const RegisteredPlugin& plugin) : context_(context), plugin_(plugin) {}

  Status Run() {
    Node node;
    node.op = context_.op().name;
    node.name = context_.node().name;
    SLIPWAY_ASSIGN_OR_RETURN(node.attrs, TakeAttrs(context_, plugin_));
    for (size_t i = 0; i < context_.num_inputs(); ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(const ValueId input, Input(i));
      node.inputs.push_back(input);
    }
    while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
    std::vector<GraphBuilder::Output> outputs;
    for (size_t i = 0; i < context_.node().outputs.size(); ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(GraphBuilder::Output output, OutputOf(i));
      outputs.push_back(std::move(output));
    }
    while (!outputs.empty() && outputs.back().is_left_out) outputs.pop_back();
    SLIPWAY_RETURN_IF_ERROR(PreparePluginNode(context_.builder().graph(), node, outputs.size()));
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> ids,
                             context_.builder().Add(std::move(node), std::move(outputs)));
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != kNoValue) SLIPWAY_RETURN_IF_ERROR(Bind(i, ids[i]));
    }
    return Status::Ok();
  }

 private:
  Turn TurnOfOutput(size_t i) const {
    return Back(TurnFor(context_.node(), LayoutOf(plugin_.table.outputs, plugin_.table.num_outputs, i)));
  }

  Result<ValueId> Input(size_t i) {
    const ValueId id = context_.in(i);
    const Turn turn = TurnFor(context_.node(), LayoutOf(plugin_.table.inputs, plugin_.table.num_inputs, i));
    if (id == kNoValue || turn == Turn::kNone) return id;
    const Type& type = context_.type(id);
    if (!type.HasRank())
      return context_.Unsupported("input " + std::to_string(i) + " has an unknown rank, " +
                                      Describe(plugin_) + " wants its channels " +
                                      (turn == Turn::kToLast ? "last" : "first"),
                                  "declare its shape in the source model");
    return type.rank() < 3 ? id : context_.Transposed(id, PermutationOf(turn, type.rank()));
  }

  Result<GraphBuilder::Output> OutputOf(size_t i) const {
    const Value& output = context_.node().outputs[i];
    if (TurnOfOutput(i) == Turn::kNone || output.name.empty())
      return GraphBuilder::Output{output.name, output.quant, output.type, output.name.empty()};
    if (output.quant && output.quant->IsPerAxis())
      return context_.Unsupported("output " + std::to_string(i) +
                                  " has a scale per channel, which does not move "
                                  "with its channels");
    return GraphBuilder::Output{output.name + "/" + context_.op().name, output.quant,
                                Type::OfUnknownShape(output.type.dtype), false};
  }

  Status Bind(size_t i, ValueId id) {
    const Turn turn = TurnOfOutput(i);
    if (turn == Turn::kNone) {
      context_.Bind(i, id);
      return Status::Ok();
    }
    const Type type = context_.type(id);
    if (!type.HasRank())
      return context_.Unsupported(Describe(plugin_) + " leaves the rank of output " + std::to_string(i) +
                                  " open and wants its channels moved");
    Node node;
    node.op = type.rank() < 3 ? "Identity" : "Transpose";
    node.name = context_.node().name + "/" + node.op;
    node.inputs = {id};
    if (type.rank() >= 3) node.attrs.Set("perm", PermutationOf(turn, type.rank()));
    const Value& output = context_.node().outputs[i];
    std::vector<GraphBuilder::Output> named = {{output.name, output.quant, output.type, false}};
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> ids,
                             context_.builder().Add(std::move(node), std::move(named)));
    context_.Bind(i, ids[0]);
    return Status::Ok();
  }

  ImportContext& context_;
  const RegisteredPlugin& plugin_;
};

std::vector<OperandFacts> FactsOfInputs(const Graph& graph, const Node& node) {
  std::vector<OperandFacts> facts;
  for (ValueId id : node.inputs) {
    OperandFacts& each = facts.emplace_back();
    if (id == kNoValue) continue;
    const Value& value = graph.value(id);
    each = {&value.type, value.IsConstant() ? &value.data : nullptr, value.quant ? &*value.quant : nullptr};
  }
  return facts;
}

}  // namespace

Status PreparePluginNode(const Graph& graph, Node& node, size_t num_outputs) {
  const RegisteredPlugin* plugin = FindPlugin(node.op);
  const OpDef* op = FindOp(node.op);
  if (plugin == nullptr || op == nullptr) return UnknownOp(node);
  node.attrs.Set(kPluginLibraryAttr, plugin->library);
  SLIPWAY_RETURN_IF_ERROR(CompleteAttrs(*op, node));
  if (plugin->table.save == nullptr) return Status::Ok();
  const std::string where = node.op + " '" + node.name + "'";
  const Type unknown;
  const std::vector<OperandFacts> outputs(num_outputs, OperandFacts{&unknown, nullptr, nullptr});
  DimTable dims;
  auto view =
      NodeView::Make(node, ParsePluginOp(node.op)->version, FactsOfInputs(graph, node), outputs, dims);
  if (!view.ok()) return view.status().WithContext(where);
  Sink state(kMaxStateBytes);
  Sink error(Sink::kMaxTextBytes);
  const slipway_sink state_sink = state.raw();
  const slipway_sink error_sink = error.raw();
  if (plugin->table.save(plugin->table.user, &(*view)->raw(), &state_sink, &error_sink) != 0)
    return Status(Code::kInvalidModel, where + ": " + error.Words());
  if (state.IsCut())
    return Status(Code::kUsage, where + ": " + Describe(*plugin) + " wants to keep more than " +
                                    std::to_string(kMaxStateBytes) + " bytes of state");
  if (state.bytes().empty()) return Status::Ok();
  const std::string& bytes = state.bytes();
  Tensor kept(DType::kU8, {static_cast<int64_t>(bytes.size())});
  std::copy(bytes.begin(), bytes.end(), kept.as<uint8_t>());
  node.attrs.Set(kPluginStateAttr, std::move(kept));
  return Status::Ok();
}

Status ImportPluginNode(ImportContext& context) {
  const RegisteredPlugin* plugin = FindPlugin(context.op().name);
  if (plugin == nullptr) return context.Unsupported("its plugin is not there");
  return Importer(context, *plugin).Run();
}

}  // namespace slipway
