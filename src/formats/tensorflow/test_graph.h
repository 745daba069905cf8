// For tests: GraphDefs written field by field with protozero, and graphs put together from nodes.
#pragma once

#include <algorithm>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <utility>
#include <vector>

#include "formats/tensorflow/graph_def.h"

namespace slipway::tensorflow {

// TensorShapeProto.
inline std::string ShapeProto(const std::vector<int64_t>& dims) {
  std::string shape;
  protozero::pbf_writer writer(shape);
  for (int64_t extent : dims) {
    std::string dim;
    protozero::pbf_writer(dim).add_int64(1, extent);
    writer.add_message(2, dim);
  }
  return shape;
}

// A TensorProto of `dtype` (TensorFlow's number) and shape; `values`: its further fields, serialised.
inline std::string TensorProto(int dtype, const std::vector<int64_t>& dims, const std::string& values) {
  std::string tensor;
  protozero::pbf_writer writer(tensor);
  writer.add_enum(1, dtype);
  writer.add_message(2, ShapeProto(dims));
  return tensor + values;
}

// Attributes: name and serialised AttrValue.
using AttrProtos = std::vector<std::pair<std::string, std::string>>;

inline std::string NodeProto(const std::string& name, const std::string& op,
                             const std::vector<std::string>& inputs, const AttrProtos& attrs) {
  std::string node;
  protozero::pbf_writer writer(node);
  writer.add_string(1, name);
  writer.add_string(2, op);
  for (const std::string& input : inputs) writer.add_string(3, input);
  for (const auto& [key, value] : attrs) {
    std::string entry;
    protozero::pbf_writer entry_writer(entry);
    entry_writer.add_string(1, key);
    entry_writer.add_message(2, value);
    writer.add_message(5, entry);
  }
  return node;
}

inline std::string GraphProto(const std::vector<std::string>& nodes) {
  std::string graph;
  protozero::pbf_writer writer(graph);
  for (const std::string& node : nodes) writer.add_message(1, node);
  return graph;
}

inline Result<TfGraph> DecodeText(const std::string& bytes) {
  return DecodeGraphDef({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, nullptr);
}

inline Tensor FloatTensor(Dims dims, const std::vector<float>& values) {
  Tensor tensor(DType::kF32, std::move(dims));
  std::copy(values.begin(), values.end(), tensor.as<float>());
  return tensor;
}

inline Tensor IntTensor(Dims dims, const std::vector<int32_t>& values) {
  Tensor tensor(DType::kI32, std::move(dims));
  std::copy(values.begin(), values.end(), tensor.as<int32_t>());
  return tensor;
}

inline TfNode ConstNode(std::string name, Tensor value) {
  return {std::move(name), "Const", {}, {{"dtype", value.dtype()}, {"value", std::move(value)}}};
}

inline TfNode PlaceholderNode(std::string name, Ints shape) {
  return {std::move(name), "Placeholder", {}, {{"dtype", DType::kF32}, {"shape", std::move(shape)}}};
}

inline TfGraph MakeGraph(std::vector<TfNode> nodes) {
  TfGraph graph;
  graph.nodes = std::move(nodes);
  graph.version = 1000;
  (void)graph.Index();
  return graph;
}

}  // namespace slipway::tensorflow
