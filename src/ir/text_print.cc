#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/scalar.h"
#include "ir/text.h"

namespace slipway {
namespace {

// Longer constants are printed as bytes.
constexpr int64_t kMaxListed = 16;

std::string Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\x";
      quoted += kHex[byte >> 4];
      quoted += kHex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

// Plugins' operators ("Scale@1") are no words.
std::string OpText(const std::string& op) {
  const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return !op.empty() && std::all_of(op.begin(), op.end(), is_part) ? op : Quoted(op);
}

// The shortest text that reads back as the same float.
std::string Number(float value) {
  char text[48];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

template <class List, class Print>
std::string Listed(const List& list, const Print& print) {
  std::string text = "[";
  bool is_first = true;
  for (const auto& each : list) {
    if (!is_first) text += ", ";
    is_first = false;
    text += print(each);
  }
  return text + "]";
}

std::string Integers(const Ints& list) {
  return Listed(list, [](int64_t value) { return std::to_string(value); });
}

std::string Content(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString) {
    return Listed(tensor.values<std::string>(), [](const std::string& each) { return Quoted(each); });
  }
  const bool is_integer = IsInteger(tensor.dtype()) && tensor.dtype() != DType::kU64;
  if (tensor.count() <= kMaxListed && is_integer) return Integers(IntsOf(tensor));
  if (tensor.count() <= kMaxListed && tensor.dtype() == DType::kF32)
    return Listed(tensor.values<float>(), Number);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex = "hex \"";
  const auto* bytes = tensor.as<uint8_t>();
  for (int64_t i = 0; i < tensor.size_bytes(); ++i) {
    hex += kHex[bytes[i] >> 4];
    hex += kHex[bytes[i] & 15];
  }
  return hex + "\"";
}

std::string DimText(const Dim& dim) {
  if (dim.IsKnown()) return std::to_string(dim.value());
  return dim.IsNamed() ? Quoted(dim.symbol()) : "?";
}

std::string TypeText(const Type& type) {
  static constexpr std::string_view kKinds[] = {"", "sequence ", "optional ", "optional_sequence "};
  std::string text(kKinds[static_cast<size_t>(type.kind)]);
  text += DTypeName(type.dtype);
  if (!type.shape) return text + "[*]";
  return text + Listed(*type.shape, DimText);
}

std::string QuantText(const std::optional<Quant>& quant) {
  if (!quant) return "";
  return " quant scales " + Listed(quant->scales, Number) + " zero_points " + Integers(quant->zero_points) +
         " axis " + std::to_string(quant->axis);
}

std::string Indent(int depth) { return std::string(static_cast<size_t>(2 * depth), ' '); }

std::string GraphText(const Graph& graph, int depth);

std::string AttrText(const Attr& attr, int depth) {
  if (const auto* i = std::get_if<int64_t>(&attr)) return std::to_string(*i);
  if (const auto* f = std::get_if<float>(&attr)) return "float " + Number(*f);
  if (const auto* s = std::get_if<std::string>(&attr)) return Quoted(*s);
  if (const auto* list = std::get_if<Ints>(&attr)) return "ints " + Integers(*list);
  if (const auto* list = std::get_if<Floats>(&attr)) return "floats " + Listed(*list, Number);
  if (const auto* list = std::get_if<Strings>(&attr)) return "strings " + Listed(*list, Quoted);
  if (const auto* dtype = std::get_if<DType>(&attr)) return "dtype " + std::string(DTypeName(*dtype));
  if (const auto* graph = std::get_if<GraphRef>(&attr))
    return *graph ? GraphText(**graph, depth) : "no_graph";
  const auto& tensor = std::get<Tensor>(attr);
  if (tensor.IsNone()) return "no_tensor";
  return "tensor " + TypeText(Type::Of(tensor.dtype(), ToDimList(tensor.dims()))) + " = " + Content(tensor);
}

std::string NodeText(const Graph& graph, const Node& node, int depth) {
  const auto operand = [&](ValueId id) { return id == kNoValue ? "_" : Quoted(graph.value(id).name); };
  const auto result = [&](ValueId id) {
    if (id == kNoValue) return std::string("_");
    const Value& value = graph.value(id);
    return Quoted(value.name) + ": " + TypeText(value.type) + QuantText(value.quant);
  };
  std::string inputs = Listed(node.inputs, operand);
  std::string outputs = Listed(node.outputs, result);
  std::string text = "node " + OpText(node.op) + " " + Quoted(node.name) + " " + inputs + " -> " + outputs;
  if (!node.attrs.IsEmpty()) {
    text += " {";
    bool is_first = true;
    for (const auto& [name, attr] : node.attrs) {
      text += (is_first ? "" : ", ") + Quoted(name) + " = " + AttrText(attr, depth + 1);
      is_first = false;
    }
    text += "}";
  }
  if (!node.sources.empty()) text += " from " + Listed(node.sources, Quoted);
  return text;
}

std::string GraphText(const Graph& graph, int depth) {
  const std::string indent = Indent(depth + 1);
  std::string text = "graph " + Quoted(graph.name) + " {\n";
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Value& value = graph.value(graph.inputs[i]);
    const size_t num_plain = graph.CallerInputs().size();
    text += indent + (i < num_plain ? "input " : "state ") + Quoted(value.name) + ": " +
            TypeText(value.type) + QuantText(value.quant) +
            (i < num_plain ? "" : " = " + Content(graph.states[i - num_plain])) + "\n";
  }
  for (const Value& value : graph.values) {
    if (!value.IsConstant()) continue;
    const Type type = Type::Of(value.data.dtype(), ToDimList(value.data.dims()));
    text += indent + "const " + Quoted(value.name) + ": " + TypeText(type) + QuantText(value.quant) + " = " +
            Content(value.data) + "\n";
  }
  for (const Node& node : graph.nodes) text += indent + NodeText(graph, node, depth + 1) + "\n";
  for (const ValueId id : graph.outputs) text += indent + "output " + Quoted(graph.value(id).name) + "\n";
  return text + Indent(depth) + "}";
}

}  // namespace

std::string PrintGraph(const Graph& graph) { return GraphText(graph, 0) + "\n"; }

}  // namespace slipway
