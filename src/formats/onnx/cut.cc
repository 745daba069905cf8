// Field numbers are those of onnx.proto of ONNX 1.22 (IR version 13).
#include "formats/onnx/cut.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>
#include <set>

#include "base/nearest.h"
#include "formats/onnx/onnx.h"
#include "formats/onnx/order.h"
#include "formats/onnx/wire_reader.h"
#include "ops/onnx_dtype.h"

namespace slipway::onnx {
namespace {

using protozero::pbf_writer;

bool Contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const NodeProto* FindNode(const GraphProto& graph, std::string_view name) {
  for (const NodeProto& node : graph.nodes) {
    if (!name.empty() && node.name == name) return &node;
  }
  for (const NodeProto& node : graph.nodes) {
    if (!name.empty() && Contains(node.outputs, name)) return &node;
  }
  return nullptr;
}

std::string NameOf(const NodeProto& node) {
  if (!node.name.empty()) return std::string(node.name);
  for (std::string_view output : node.outputs) {
    if (!output.empty()) return std::string(output);
  }
  return std::string(node.op_type);
}

Status NoSuchNode(const GraphProto& graph, const std::string& name) {
  std::vector<std::string> names;
  for (const NodeProto& node : graph.nodes) names.push_back(NameOf(node));
  const std::vector<std::string_view> known(names.begin(), names.end());
  return Status(
      Code::kNotFound, "no node is called '" + name + "'" + DidYouMean(name, known),
      "'slipway inspect --graph' lists them; a node within a sub-graph or function comes with the node "
      "around it");
}

bool IsConstantNode(const NodeProto& node) { return node.domain.empty() && node.op_type == "Constant"; }

// The undecoded messages of one field, in file order.
std::vector<std::string_view> Messages(std::string_view bytes, uint32_t field) {
  std::vector<std::string_view> messages;
  for (Reader reader(bytes); reader.next();) {
    if (reader.tag_and_type() == Payload(field)) {
      messages.push_back(View(reader));
    } else {
      reader.skip();
    }
  }
  return messages;
}

int32_t NumberOf(DType dtype) {
  for (int32_t number = 1; number < kDTypeCount; ++number) {
    if (DTypeFromOnnx(number) == dtype) return number;
  }
  return 0;
}

std::string ValueInfoOf(const std::string& name, const Tensor& tensor) {
  // On its own, as a writer drops sub-messages that are empty, and a scalar's shape is.
  std::string shape;
  pbf_writer shape_writer(shape);
  for (int64_t extent : tensor.dims()) {
    pbf_writer dim(shape_writer, 1);
    dim.add_int64(1, extent);
  }
  std::string bytes;
  pbf_writer info(bytes);
  info.add_string(1, name);
  pbf_writer type(info, 2);
  pbf_writer tensor_type(type, 1);
  tensor_type.add_int32(1, NumberOf(tensor.dtype()));
  tensor_type.add_message(2, shape);
  return bytes;
}

class CutWriter {
 public:
  CutWriter(std::string_view model, const ModelProto& decoded, const NodeCut& cut)
      : model_(model), decoded_(decoded), cut_(cut) {
    // Two graph fields are one graph to protobuf, but no exporter writes them: the last counts.
    for (std::string_view graph : Messages(model, 7)) graph_ = graph;
  }

  Result<std::string> Write(const std::string& path, const KnownTensors& inputs,
                            const KnownTensors& outputs) {
    std::string graph;
    SLIPWAY_RETURN_IF_ERROR(WriteGraph(path, inputs, outputs, graph));
    std::string bytes;
    pbf_writer model(bytes);
    // From version 4 on initializers need not be inputs, too.
    model.add_int64(1, std::max<int64_t>(decoded_.ir_version, 4));
    model.add_string(2, "slipway extract");
    model.add_message(7, graph);
    for (std::string_view opset : Messages(model_, 8)) model.add_message(8, opset.data(), opset.size());
    for (std::string_view function : Messages(model_, 25))
      model.add_message(25, function.data(), function.size());
    return bytes;
  }

 private:
  Status WriteGraph(const std::string& path, const KnownTensors& inputs, const KnownTensors& outputs,
                    std::string& bytes) {
    const NodeProto* node = &decoded_.graph.nodes[cut_.index];
    const std::vector<std::string_view> reads = NamesRead(*node);
    const std::vector<std::string_view> nodes = Messages(graph_, 1);
    pbf_writer graph(bytes);
    for (size_t i = 0; i < nodes.size(); ++i) {
      const NodeProto& each = decoded_.graph.nodes[i];
      const bool is_constant_read =
          IsConstantNode(each) && !each.outputs.empty() && Contains(reads, each.outputs[0]);
      if (&each == node || is_constant_read) graph.add_message(1, nodes[i].data(), nodes[i].size());
    }
    graph.add_string(2, cut_.name);
    SLIPWAY_RETURN_IF_ERROR(WriteInitializers(path, reads, graph));
    for (size_t i = 0; i < cut_.inputs.size(); ++i) WriteValueInfo(graph, 11, cut_.inputs[i], inputs[i]);
    for (size_t i = 0; i < cut_.outputs.size(); ++i) WriteValueInfo(graph, 12, cut_.outputs[i], outputs[i]);
    return Status::Ok();
  }

  // Those that lie outside the file are read in.
  Status WriteInitializers(const std::string& path, const std::vector<std::string_view>& reads,
                           pbf_writer& graph) {
    TensorSource source;
    const size_t slash = path.rfind('/');
    source.directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    for (const InitializerProto& initializer : decoded_.graph.initializers) {
      if (!Contains(reads, initializer.name)) continue;
      if (initializer.is_sparse || Messages(initializer.bytes, 13).empty()) {
        graph.add_message(initializer.is_sparse ? 15 : 5, initializer.bytes.data(), initializer.bytes.size());
        continue;
      }
      SLIPWAY_ASSIGN_OR_RETURN(const Tensor tensor, ReadTensorProto(initializer.bytes, source));
      graph.add_message(5, FormatTensorProto(std::string(initializer.name), tensor));
    }
    return Status::Ok();
  }

  void WriteValueInfo(pbf_writer& graph, uint32_t field, const std::string& name,
                      const std::optional<Tensor>& known) const {
    std::string info;
    if (known) {
      info = ValueInfoOf(name, *known);
    } else {
      info = DeclaredInfo(name);
    }
    graph.add_message(field, info);
  }

  // As the file declares the value, be it input, output or in between; else its name alone.
  std::string DeclaredInfo(const std::string& name) const {
    const std::pair<uint32_t, const std::vector<ValueInfoProto>*> lists[] = {
        {11, &decoded_.graph.inputs}, {12, &decoded_.graph.outputs}, {13, &decoded_.graph.value_infos}};
    for (const auto& [field, list] : lists) {
      const std::vector<std::string_view> infos = Messages(graph_, field);
      for (size_t i = 0; i < list->size(); ++i) {
        if ((*list)[i].name == name) return std::string(infos[i]);
      }
    }
    std::string info;
    pbf_writer(info).add_string(1, name);
    return info;
  }

  std::string_view model_;
  std::string_view graph_;
  const ModelProto& decoded_;
  const NodeCut& cut_;
};

}  // namespace

Result<NodeCut> CutNode(std::string_view model, const std::string& name) {
  SLIPWAY_ASSIGN_OR_RETURN(const ModelProto decoded, DecodeModel(model));
  const GraphProto& graph = decoded.graph;
  const NodeProto* node = FindNode(graph, name);
  if (node == nullptr) return NoSuchNode(graph, name);
  std::set<std::string_view> constants;
  for (const InitializerProto& initializer : graph.initializers) constants.insert(initializer.name);
  for (const NodeProto& each : graph.nodes) {
    if (IsConstantNode(each)) constants.insert(each.outputs.begin(), each.outputs.end());
  }
  NodeCut cut;
  cut.index = static_cast<size_t>(node - graph.nodes.data());
  cut.name = NameOf(*node);
  cut.op = std::string(node->op_type);
  std::set<std::string_view> seen;
  for (std::string_view read : NamesRead(*node)) {
    if (!constants.count(read) && seen.insert(read).second) cut.inputs.emplace_back(read);
  }
  for (std::string_view output : node->outputs) {
    if (!output.empty()) cut.outputs.emplace_back(output);
  }
  return cut;
}

Result<std::string> FormatCut(const ModelFile& file, const NodeCut& cut, const KnownTensors& inputs,
                              const KnownTensors& outputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const ModelProto decoded, DecodeModel(file.text()));
  return CutWriter(file.text(), decoded, cut).Write(file.path, inputs, outputs);
}

std::string FormatTensorProto(const std::string& name, const Tensor& tensor) {
  std::string bytes;
  pbf_writer proto(bytes);
  proto.add_packed_int64(1, tensor.dims().begin(), tensor.dims().end());
  proto.add_int32(2, NumberOf(tensor.dtype()));
  if (tensor.dtype() == DType::kString) {
    for (const std::string& text : tensor.values<std::string>()) proto.add_bytes(6, text);
  }
  proto.add_string(8, name);
  if (tensor.dtype() != DType::kString)
    proto.add_bytes(9, tensor.as<char>(), static_cast<size_t>(tensor.size_bytes()));
  return bytes;
}

}  // namespace slipway::onnx
