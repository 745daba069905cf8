// Field numbers are those of onnx.proto of ONNX 1.22 (IR version 13).
#include "formats/onnx/write.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>
#include <unordered_map>
#include <unordered_set>

#include "base/file.h"
#include "formats/onnx/proto.h"
#include "formats/onnx/write_twin.h"
#include "ops/onnx_dtype.h"

namespace slipway {
namespace onnx {
namespace {

using protozero::pbf_writer;

// Protobuf's limit is 2^31 - 1 bytes; the rest is for everything but the constants.
constexpr int64_t kMaxConstantBytes = (int64_t{1} << 31) - (int64_t{1} << 26);

// IR versions that came with an opset; 2-bit integers came with the last.
int64_t IrVersionOf(const Graph& graph, int64_t opset) {
  const bool has_small_ints = std::any_of(graph.values.begin(), graph.values.end(), [](const Value& value) {
    return value.type.dtype == DType::kI2 || value.type.dtype == DType::kU2;
  });
  if (has_small_ints) return 13;
  return std::clamp<int64_t>(opset - 12, 10, 13);
}

int32_t NumberOf(DType dtype) {
  for (int32_t number = 1; number < kDTypeCount; ++number) {
    if (DTypeFromOnnx(number) == dtype) return number;
  }
  return 0;
}

// Messages that may be empty, a scalar's shape and an unknown extent, are whole strings: protozero takes an
// empty sub-message back.
void WriteShape(pbf_writer& type, const DimList& shape) {
  std::string list;
  for (const Dim& dim : shape) {
    std::string each;
    if (dim.IsKnown()) pbf_writer(each).add_int64(1, dim.value());
    if (dim.IsNamed()) pbf_writer(each).add_string(2, dim.symbol());
    pbf_writer(list).add_message(1, each);
  }
  type.add_message(2, list);
}

void WriteTensorType(pbf_writer& parent, const Type& type) {
  pbf_writer tensor(parent, 1);
  tensor.add_int32(1, NumberOf(type.dtype));
  if (type.shape) WriteShape(tensor, *type.shape);
}

// TypeProto's fields.
void WriteType(pbf_writer& parent, const Type& type) {
  if (type.kind == TypeKind::kTensor) return WriteTensorType(parent, type);
  if (type.kind == TypeKind::kSequence) {
    pbf_writer sequence(parent, 4);
    pbf_writer element(sequence, 1);
    return WriteTensorType(element, type);
  }
  pbf_writer optional(parent, 9);
  pbf_writer element(optional, 1);
  Type inner = type;
  inner.kind = type.kind == TypeKind::kOptionalSequence ? TypeKind::kSequence : TypeKind::kTensor;
  WriteType(element, inner);
}

void WriteValueInfo(pbf_writer& graph, uint32_t field, const std::string& name, const Type& type) {
  pbf_writer info(graph, field);
  info.add_string(1, name);
  if (type.dtype == DType::kNone) return;
  pbf_writer written(info, 2);
  WriteType(written, type);
}

// TensorProto's fields.
void WriteTensor(pbf_writer& proto, const std::string& name, const Tensor& tensor) {
  proto.add_packed_int64(1, tensor.dims().begin(), tensor.dims().end());
  proto.add_int32(2, NumberOf(tensor.dtype()));
  if (tensor.dtype() == DType::kString) {
    for (const std::string& text : tensor.values<std::string>()) proto.add_bytes(6, text);
  }
  if (!name.empty()) proto.add_string(8, name);
  if (tensor.dtype() != DType::kString)
    proto.add_bytes(9, tensor.as<char>(), static_cast<size_t>(tensor.size_bytes()));
}

// The names of one graph's values in the file, where a sub-graph's must differ from those around it.
using Names = std::vector<std::string>;

class Writer {
 public:
  std::string Write(const Graph& graph, const Twins& twins) {
    std::string bytes;
    pbf_writer model(bytes);
    model.add_int64(1, IrVersionOf(graph, twins.opset));
    model.add_string(2, "slipway");
    {
      Names names;
      for (const Value& value : graph.values) names.push_back(Fresh(value.name));
      pbf_writer main(model, 7);
      WriteGraph(main, graph, twins.nodes, std::move(names), graph.inputs.size(), false);
    }
    WriteOpset(model, "", twins.opset);
    for (const auto& [domain, version] : twins.domains) WriteOpset(model, domain, version);
    return bytes;
  }

 private:
  static void WriteOpset(pbf_writer& model, const std::string& domain, int64_t version) {
    pbf_writer opset(model, 8);
    opset.add_string(1, domain);
    opset.add_int64(2, version);
  }

  std::string Fresh(const std::string& name) {
    std::string fresh = name;
    for (int i = 1; !used_.insert(fresh).second; ++i) fresh = name + "_" + std::to_string(i);
    return fresh;
  }

  // names: of the graph's values. Its first `num_formals` inputs are inputs in ONNX, too.
  void WriteGraph(pbf_writer& proto, const Graph& graph, const std::vector<Twin>& twins, Names names,
                  size_t num_formals, bool is_body) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) WriteNode(proto, graph.nodes[i], twins[i], names);
    const std::vector<std::string> outputs = WriteOutputCopies(proto, graph, names, is_body);
    proto.add_string(2, graph.name.empty() ? "graph" : graph.name);
    WriteConstants(proto, graph, names);
    for (size_t i = 0; i < num_formals; ++i) {
      const ValueId id = graph.inputs[i];
      WriteValueInfo(proto, 11, names[static_cast<size_t>(id)], graph.value(id).type);
    }
    for (size_t i = 0; i < outputs.size(); ++i)
      WriteValueInfo(proto, 12, outputs[i], graph.value(graph.outputs[i]).type);
    WriteComputed(proto, graph, names);
  }

  // Types of what is computed and is no output.
  void WriteComputed(pbf_writer& proto, const Graph& graph, const Names& names) {
    for (const Node& node : graph.nodes) {
      for (ValueId id : node.outputs) {
        const auto& outputs = graph.outputs;
        if (id == kNoValue || graph.value(id).type.dtype == DType::kNone) continue;
        if (std::find(outputs.begin(), outputs.end(), id) != outputs.end()) continue;
        WriteValueInfo(proto, 13, names[static_cast<size_t>(id)], graph.value(id).type);
      }
    }
  }

  // In the order in which they are first read.
  void WriteConstants(pbf_writer& proto, const Graph& graph, const Names& names) {
    std::vector<bool> is_written(graph.values.size(), false);
    const auto write = [&](ValueId id) {
      if (id == kNoValue || !graph.value(id).IsConstant() || is_written[static_cast<size_t>(id)]) return;
      is_written[static_cast<size_t>(id)] = true;
      pbf_writer tensor(proto, 5);
      WriteTensor(tensor, names[static_cast<size_t>(id)], graph.value(id).data);
    };
    for (const Node& node : graph.nodes) std::for_each(node.inputs.begin(), node.inputs.end(), write);
    std::for_each(graph.outputs.begin(), graph.outputs.end(), write);
  }

  // The outputs' names. What ONNX takes for no output gets a copy: a value that stands twice, and in a
  // sub-graph what none of its nodes computes.
  std::vector<std::string> WriteOutputCopies(pbf_writer& proto, const Graph& graph, const Names& names,
                                             bool is_body) {
    const std::vector<int> producers = graph.Producers();
    std::unordered_set<ValueId> seen;
    std::vector<std::string> outputs;
    for (ValueId id : graph.outputs) {
      const std::string& name = names[static_cast<size_t>(id)];
      const bool is_computed = producers[static_cast<size_t>(id)] >= 0;
      if (seen.insert(id).second && (is_computed || !is_body)) {
        outputs.push_back(name);
        continue;
      }
      outputs.push_back(Fresh(name));
      pbf_writer node(proto, 1);
      node.add_string(1, name);
      node.add_string(2, outputs.back());
      node.add_string(3, outputs.back());
      node.add_string(4, "Identity");
    }
    return outputs;
  }

  void WriteNode(pbf_writer& proto, const Node& node, const Twin& twin, const Names& names) {
    const auto name_of = [&](ValueId id) { return id == kNoValue ? "" : names[static_cast<size_t>(id)]; };
    std::vector<std::string> formals;
    for (size_t i = 0; i < twin.num_formals; ++i) formals.push_back(name_of(node.inputs[i]));
    while (!formals.empty() && formals.back().empty()) formals.pop_back();
    pbf_writer written(proto, 1);
    for (const std::string& name : formals) written.add_string(1, name);
    for (ValueId id : node.outputs) written.add_string(2, name_of(id));
    written.add_string(3, node.name);
    written.add_string(4, twin.op);
    for (const auto& [name, attr] : twin.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub == nullptr) {
        WriteAttribute(written, name, attr);
        continue;
      }
      std::vector<std::string> captures;
      for (size_t i = twin.num_formals; i < node.inputs.size(); ++i)
        captures.push_back(name_of(node.inputs[i]));
      WriteBody(written, name, **sub, twin.bodies.at(name), captures);
    }
    if (!twin.domain.empty()) written.add_string(7, twin.domain);
  }

  static void WriteAttribute(pbf_writer& node, const std::string& name, const Attr& attr) {
    pbf_writer proto(node, 5);
    proto.add_string(1, name);
    AttributeKind kind = AttributeKind::kUndefined;
    if (const auto* f = std::get_if<float>(&attr)) {
      proto.add_float(2, *f);
      kind = AttributeKind::kFloat;
    } else if (const auto* i = std::get_if<int64_t>(&attr)) {
      proto.add_int64(3, *i);
      kind = AttributeKind::kInt;
    } else if (const auto* s = std::get_if<std::string>(&attr)) {
      proto.add_bytes(4, *s);
      kind = AttributeKind::kString;
    } else if (const auto* tensor = std::get_if<Tensor>(&attr)) {
      pbf_writer written(proto, 5);
      WriteTensor(written, "", *tensor);
      kind = AttributeKind::kTensor;
    } else if (const auto* floats = std::get_if<Floats>(&attr)) {
      for (float each : *floats) proto.add_float(7, each);
      kind = AttributeKind::kFloats;
    } else if (const auto* ints = std::get_if<Ints>(&attr)) {
      for (int64_t each : *ints) proto.add_int64(8, each);
      kind = AttributeKind::kInts;
    } else if (const auto* strings = std::get_if<Strings>(&attr)) {
      for (const std::string& each : *strings) proto.add_bytes(9, each);
      kind = AttributeKind::kStrings;
    }
    proto.add_int32(20, static_cast<int32_t>(kind));
  }

  // captures: names around the sub-graph, of its last inputs.
  void WriteBody(pbf_writer& node, const std::string& attribute, const Graph& body,
                 const std::vector<Twin>& twins, const std::vector<std::string>& captures) {
    const size_t num_formals = body.inputs.size() - captures.size();
    std::unordered_map<ValueId, std::string> outside;
    for (size_t i = 0; i < captures.size(); ++i) outside[body.inputs[num_formals + i]] = captures[i];
    Names names;
    for (size_t i = 0; i < body.values.size(); ++i) {
      const auto found = outside.find(static_cast<ValueId>(i));
      names.push_back(found != outside.end() ? found->second : Fresh(body.values[i].name));
    }
    pbf_writer proto(node, 5);
    proto.add_string(1, attribute);
    {
      pbf_writer graph(proto, 6);
      WriteGraph(graph, body, twins, std::move(names), num_formals, true);
    }
    proto.add_int32(20, static_cast<int32_t>(AttributeKind::kGraph));
  }

  std::unordered_set<std::string> used_;
};

}  // namespace
}  // namespace onnx

Result<std::string> FormatOnnx(const Graph& graph) {
  if (!graph.states.empty()) {
    return Status(Code::kUnsupported,
                  "state '" + graph.value(graph.inputs[graph.CallerInputs().size()]).name +
                      "' is handed from run to run; an ONNX model keeps nothing between its runs");
  }
  for (ValueId id : graph.inputs) {
    if (!graph.value(id).quant) continue;
    return Status(Code::kUnsupported, "input '" + graph.value(id).name +
                                          "' carries a scale and a zero point; ONNX has none on values");
  }
  if (const int64_t bytes = ConstantBytes(graph); bytes > onnx::kMaxConstantBytes) {
    return Status(Code::kUnsupported,
                  "the constants have " + std::to_string(bytes) + " bytes; an ONNX file holds " +
                      std::to_string(onnx::kMaxConstantBytes),
                  "write a part of the graph");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const onnx::Twins twins, onnx::FindTwins(graph, kWrittenOpset));
  return onnx::Writer().Write(graph, twins);
}

std::string FormatTensorProto(const std::string& name, const Tensor& tensor) {
  std::string bytes;
  protozero::pbf_writer proto(bytes);
  onnx::WriteTensor(proto, name, tensor);
  return bytes;
}

Status WriteOnnx(const Graph& graph, const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string bytes, FormatOnnx(graph));
  return WriteFile(path, bytes);
}

}  // namespace slipway
