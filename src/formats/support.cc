#include "formats/support.h"

#include <map>

namespace slipway {

namespace {

// "f32[1,3]", "?" for what an unsupported node before computes, "-" for an input left out.
std::string TypeText(const ForeignNode& node, ValueId id, const GraphBuilder& builder) {
  // TensorFlow and Caffe leave no inputs out: what has no value there was not imported.
  const bool leaves_none = node.format == Format::kTensorflow || node.format == Format::kCaffe;
  if (id == kNoValue) return leaves_none ? "?" : "-";
  const Type& type = builder.type(id);
  return type.dtype == DType::kNone && !type.HasRank() ? "?" : ToString(type);
}

constexpr const char* kAdvice =
    "replace these operators in the source, or cut them off with --input and --output";

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

}  // namespace

void UnsupportedNodes::Add(const ForeignNode& node, const GraphBuilder& builder, const Status& why) {
  Entry entry;
  entry.op = node.op;
  if (!node.domain.empty()) entry.op = node.domain + "." + entry.op;
  if (node.format == Format::kOnnx) entry.op += " (opset " + std::to_string(node.version) + ")";
  if (node.format == Format::kTflite) entry.op += " (version " + std::to_string(node.version) + ")";
  const bool has_row = FindForeign(node.format, node.domain, node.op, node.version).op != nullptr;
  std::string types;
  for (ValueId id : node.inputs) {
    types += types.empty() ? "" : ", ";
    types += TypeText(node, id, builder);
    lacks_shapes_ |= has_row && id != kNoValue && !builder.type(id).HasRank();
  }
  entry.line = "'" + node.name + "': " + entry.op + " on (" + types + ")";
  // Caffe's layers have no rows; their importer says why.
  const bool is_refused_layer = node.format == Format::kCaffe && why.message() != "not supported";
  if (has_row || is_refused_layer || why.message().find("in this version") != std::string::npos) {
    const size_t colon = why.message().find("): ");
    entry.line += ": " + (colon == std::string::npos ? why.message() : why.message().substr(colon + 3));
  }
  nodes_.push_back(std::move(entry));
}

Status UnsupportedNodes::ToStatus(const Graph& graph) const {
  if (nodes_.empty()) return Status::Ok();
  std::map<std::string, int> counts;
  for (const Entry& entry : nodes_) ++counts[entry.op];
  std::string message = std::to_string(nodes_.size()) + (nodes_.size() == 1 ? " node" : " nodes") +
                        " of this model cannot be read:";
  for (const auto& [op, count] : counts) message += " " + op + " x" + std::to_string(count) + ";";
  message.pop_back();
  for (const Entry& entry : nodes_) message += "\n    " + entry.line;
  return Status(Code::kUnsupported, std::move(message), lacks_shapes_ ? HintFor(graph) : kAdvice);
}

}  // namespace slipway
