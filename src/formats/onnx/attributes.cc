// Attributes of a node, its sub-graphs among them.
#include <algorithm>

#include "formats/onnx/importer.h"
#include "formats/onnx/order.h"
#include "formats/onnx/schema.h"

namespace slipway::onnx {
namespace {

Strings ToStrings(const std::vector<std::string_view>& views) { return {views.begin(), views.end()}; }

}  // namespace

// The attribute itself, or the argument that it refers to; null where the caller did not give one.
const AttributeProto* ModelImporter::Deref(const Scope& scope, const AttributeProto& attribute) const {
  if (attribute.ref_name.empty()) return &attribute;
  if (scope.arguments == nullptr) return nullptr;
  const auto found = scope.arguments->find(attribute.ref_name);
  return found == scope.arguments->end() ? nullptr : found->second;
}

// Everything but graphs. Types become their text ("seq(f32[N,3])").
Result<Attr> ModelImporter::ConvertAttribute(const AttributeProto& attribute) {
  switch (attribute.kind) {
    case AttributeKind::kFloat: return Attr(attribute.f);
    case AttributeKind::kInt: return Attr(attribute.i);
    case AttributeKind::kString: return Attr(std::string(attribute.s));
    case AttributeKind::kFloats: return Attr(attribute.floats);
    case AttributeKind::kInts: return Attr(attribute.ints);
    case AttributeKind::kStrings: return Attr(ToStrings(attribute.strings));
    case AttributeKind::kTypeProto: return Attr(ToString(attribute.type.value_or(Type{})));
    case AttributeKind::kTensor: {
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadTensorProto(attribute.tensor, source_));
      return Attr(std::move(tensor));
    }
    case AttributeKind::kSparseTensor: {
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadSparseTensorProto(attribute.sparse_tensor, source_));
      return Attr(std::move(tensor));
    }
    default:
      return Status(Code::kUnsupported, "attribute '" + std::string(attribute.name) + "' has a kind (" +
                                            std::to_string(static_cast<int>(attribute.kind)) +
                                            ") that no operator reads");
  }
}

// Attributes that the operator lacks: an error where the answer hangs on them, else a note at the end.
Status ModelImporter::CheckAttributes(const NodeProto& node, const ForeignNode& foreign) {
  for (const AttributeProto& attribute : node.attributes) {
    const AttributeCheck check = CheckAttribute(node.domain, node.op_type, foreign.version, attribute.name);
    if (check.fit == AttributeFit::kMisfit) {
      return Status(
          Code::kInvalidModel,
          DescribeNode(node) + ": attribute '" + std::string(attribute.name) + "': " + check.reason,
          "the file is no valid ONNX (onnx.checker refuses it, too): set the opset for which its nodes "
          "were written, or export it again");
    }
    if (check.fit == AttributeFit::kIgnored)
      ignored_attributes_[{foreign.op, std::string(attribute.name)}].push_back(foreign.name);
  }
  return Status::Ok();
}

void ModelImporter::NoteIgnoredAttributes() {
  for (const auto& [which, nodes] : ignored_attributes_) {
    const std::string more = nodes.size() == 1 ? "" : " and " + std::to_string(nodes.size() - 1) + " more";
    notes_.push_back("attribute '" + which.second + "' of " + which.first + " '" + nodes[0] + "'" + more +
                     " is ignored: ONNX's " + which.first + " has none of that name at this opset");
  }
}

Status ModelImporter::ConvertAttributes(Scope& scope, const NodeProto& node, ForeignNode& foreign) {
  std::vector<SubGraph> subgraphs;
  for (const AttributeProto& attribute : node.attributes) {
    const AttributeProto* actual = Deref(scope, attribute);
    if (actual == nullptr) continue;
    const std::string name(attribute.name);
    if (actual->kind == AttributeKind::kGraph && actual->graph != nullptr) {
      auto subgraph = ImportSubGraph(scope, *actual, foreign);
      if (!subgraph.ok()) return subgraph.status().WithContext(DescribeNode(node) + ", " + name);
      subgraph->attribute = name;
      subgraphs.push_back(std::move(*subgraph));
      continue;
    }
    auto attr = ConvertAttribute(*actual);
    if (!attr.ok()) return attr.status().WithContext(DescribeNode(node));
    foreign.attrs.Set(name, std::move(*attr));
  }
  JoinCaptures(std::move(subgraphs), foreign);
  return Status::Ok();
}

Result<ModelImporter::SubGraph> ModelImporter::ImportSubGraph(Scope& outer, const AttributeProto& attribute,
                                                              const ForeignNode& foreign) {
  const GraphProto& proto = *attribute.graph;
  if (outer.depth >= kMaxDepth) return Status(Code::kInvalidModel, "sub-graphs are nested more than 32 deep");
  GraphState state;
  state.graph.name = std::string(proto.name);
  Scope scope;
  scope.state = &state;
  scope.outer = &outer;
  scope.arguments = outer.arguments;
  scope.opsets = outer.opsets;
  scope.depth = outer.depth + 1;
  SLIPWAY_RETURN_IF_ERROR(Declare(scope, proto));
  std::set<std::string_view> given;
  for (size_t i = 0; i < proto.inputs.size(); ++i) {
    const ValueInfoProto& input = proto.inputs[i];
    Type type = DeclaredType(input.type);
    // A body's inputs need not be declared; they match the node's inputs one by one (Loop, Scan,
    // SequenceMap).
    const bool has_peer = i < foreign.inputs.size() && foreign.inputs[i] != kNoValue;
    if (type.dtype == DType::kNone && has_peer) {
      type.dtype = outer.state->graph.value(foreign.inputs[i]).type.dtype;
    }
    given.insert(input.name);
    const ValueId id = state.builder.Input(std::string(input.name), std::move(type));
    SLIPWAY_RETURN_IF_ERROR(Define(scope, input.name, id));
  }
  std::vector<std::string_view> outputs;
  for (const ValueInfoProto& output : proto.outputs) outputs.push_back(output.name);
  SLIPWAY_RETURN_IF_ERROR(ImportNodes(scope, proto.nodes, outputs, given));
  for (std::string_view name : outputs) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId id, Resolve(scope, name));
    state.graph.outputs.push_back(id);
  }
  return SubGraph{{}, std::make_shared<Graph>(std::move(state.graph)), std::move(scope.captures)};
}

// All sub-graphs of a node take the same captures, in the same order, behind their formal inputs.
void ModelImporter::JoinCaptures(std::vector<SubGraph> subgraphs, ForeignNode& foreign) {
  for (const SubGraph& subgraph : subgraphs) {
    for (const Scope::Capture& capture : subgraph.captures) {
      const auto& known = foreign.captures;
      if (std::find(known.begin(), known.end(), capture.outer) == known.end())
        foreign.captures.push_back(capture.outer);
    }
  }
  for (SubGraph& subgraph : subgraphs) {
    for (ValueId outer : foreign.captures) {
      const auto own = std::find_if(subgraph.captures.begin(), subgraph.captures.end(),
                                    [&](const Scope::Capture& capture) { return capture.outer == outer; });
      const ValueId inner = own != subgraph.captures.end()
                                ? own->inner
                                : subgraph.graph->AddValue({"unused", Type{}, std::nullopt, {}});
      subgraph.graph->inputs.push_back(inner);
    }
    foreign.attrs.Set(subgraph.attribute, GraphRef(std::move(subgraph.graph)));
  }
}

}  // namespace slipway::onnx
