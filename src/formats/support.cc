#include "formats/support.h"

#include <map>
#include <set>

#include "formats/support_hints.h"

namespace slipway {

namespace {

UnsupportedNode::Operand OperandOf(const Value& value) { return {value.name, value.type}; }

UnsupportedNode::Operand InputOf(const ForeignNode& node, ValueId id, GraphBuilder& builder) {
  if (id != kNoValue) return {builder.graph().value(id).name, builder.type(id)};
  // TensorFlow and Caffe leave no inputs out: what has no value there was not imported.
  const bool leaves_none = node.format == Format::kTensorflow || node.format == Format::kCaffe;
  return {leaves_none ? "?" : "", Type()};
}

constexpr const char* kAdvice =
    "replace these operators in the source, cut them off with --input and --output, or give them as plugins "
    "(--plugin; --allow-custom keeps them for later); 'slipway inspect --support' shows their attributes and "
    "shapes";

// Names an input that has no shape, where that may be why.
std::string HintFor(const Graph& graph) {
  for (ValueId id : graph.inputs) {
    const Value& input = graph.value(id);
    if (input.type.kind != TypeKind::kTensor || input.type.HasRank()) continue;
    return "input '" + input.name + "' has no shape in the file: say which, as in --input '" + input.name +
           "[1,224,224,3]'";
  }
  return kAdvice;
}

// What the importer says about the node; nothing where it only says that nothing reads the operator.
std::string ReasonOf(const Status& why) {
  const std::string& message = why.message();
  if (message == "not supported" || message.ends_with("): not supported")) return "";
  const size_t colon = message.find("): ");
  return colon == std::string::npos ? message : message.substr(colon + 3);
}

std::string LineOf(const UnsupportedNode& node) {
  std::string types;
  for (const auto& input : node.inputs) types += (types.empty() ? "" : ", ") + ToString(input);
  return "'" + node.name + "': " + node.OpText() + " on (" + types + ")" +
         (node.reason.empty() ? "" : ": " + node.reason);
}

}  // namespace

std::string UnsupportedNode::OpText() const {
  std::string text = domain.empty() ? op : domain + "." + op;
  if (format == Format::kOnnx) text += " (opset " + std::to_string(version) + ")";
  if (format == Format::kTflite) text += " (version " + std::to_string(version) + ")";
  return text;
}

std::string ToString(const UnsupportedNode::Operand& operand) {
  if (operand.name.empty()) return "-";
  return operand.type.dtype == DType::kNone && !operand.type.HasRank() ? "?" : ToString(operand.type);
}

void UnsupportedNodes::Add(const ForeignNode& node, GraphBuilder& builder, const Status& why) {
  UnsupportedNode entry;
  entry.format = node.format;
  entry.name = node.name;
  entry.op = node.op;
  entry.domain = node.domain;
  entry.version = node.version;
  entry.attrs = node.attrs;
  const bool has_row = FindForeign(node.format, node.domain, node.op, node.version).op != nullptr;
  for (ValueId id : node.inputs) {
    entry.inputs.push_back(InputOf(node, id, builder));
    lacks_shapes_ |= has_row && id != kNoValue && !builder.type(id).HasRank();
  }
  for (const Value& output : node.outputs) entry.outputs.push_back(OperandOf(output));
  entry.reason = ReasonOf(why);
  entry.hint = why.hint().empty() ? std::string(RewriteHint(node.format, node.domain, node.op)) : why.hint();
  report_.unsupported.push_back(std::move(entry));
}

Status UnsupportedNodes::ToStatus(const Graph& graph, SupportReport* support) const {
  if (support != nullptr) *support = report_;
  if (IsEmpty()) return Status::Ok();
  std::map<std::string, int> counts;
  for (const UnsupportedNode& node : report_.unsupported) ++counts[node.OpText()];
  std::string message =
      std::to_string(size()) + (size() == 1 ? " node" : " nodes") + " of this model cannot be read:";
  for (const auto& [op, count] : counts) message += " " + op + " x" + std::to_string(count) + ";";
  message.pop_back();
  std::string hints;  // each once, in the order of the nodes
  std::set<std::string> told;
  for (const UnsupportedNode& node : report_.unsupported) {
    message += "\n    " + LineOf(node);
    if (!node.hint.empty() && told.insert(node.op + node.hint).second)
      hints += node.op + ": " + node.hint + "\n    ";
  }
  return Status(Code::kUnsupported, std::move(message), hints + (lacks_shapes_ ? HintFor(graph) : kAdvice));
}

}  // namespace slipway
