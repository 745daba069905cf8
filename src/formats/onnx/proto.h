// ONNX's protobuf messages as plain structures that view the file: names and payloads are not copied.
//
// Source: onnx.proto of ONNX 1.22 (IR version 13). Read with protozero; tensors stay undecoded (see
// tensor_proto.h). Left out: training info, device configurations, documentation strings.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "slipway/status.h"

namespace slipway::onnx {

struct GraphProto;

// Numbers of AttributeProto.AttributeType.
enum class AttributeKind {
  kUndefined = 0,
  kFloat = 1,
  kInt = 2,
  kString = 3,
  kTensor = 4,
  kGraph = 5,
  kFloats = 6,
  kInts = 7,
  kStrings = 8,
  kTensors = 9,
  kGraphs = 10,
  kSparseTensor = 11,
  kSparseTensors = 12,
  kTypeProto = 13,
  kTypeProtos = 14,
};

struct AttributeProto {
  std::string_view name;
  std::string_view ref_name;  // not empty: the value is the calling node's attribute of that name
  AttributeKind kind = AttributeKind::kUndefined;
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  std::string_view tensor;         // TensorProto bytes
  std::string_view sparse_tensor;  // SparseTensorProto bytes
  std::optional<Type> type;
  std::shared_ptr<const GraphProto> graph;
};

struct NodeProto {
  std::vector<std::string_view> inputs;  // empty: left out
  std::vector<std::string_view> outputs;
  std::string_view name;
  std::string_view op_type;
  std::string_view domain;  // "" for ai.onnx
  std::string_view overload;
  std::vector<AttributeProto> attributes;
};

struct ValueInfoProto {
  std::string_view name;
  Type type;  // dtype kNone and no shape where not declared
};

struct InitializerProto {
  std::string_view name;
  std::string_view bytes;  // TensorProto or SparseTensorProto
  bool is_sparse = false;
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<InitializerProto> initializers;
  std::vector<ValueInfoProto> inputs;
  std::vector<ValueInfoProto> outputs;
  std::vector<ValueInfoProto> value_infos;
};

struct OpsetProto {
  std::string_view domain;  // "" for ai.onnx
  int64_t version = 0;
};

struct FunctionProto {
  std::string_view name;
  std::string_view domain;
  std::string_view overload;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<AttributeProto> default_attributes;
  std::vector<NodeProto> nodes;
  std::vector<ValueInfoProto> value_infos;
  std::vector<OpsetProto> opsets;
};

struct ModelProto {
  int64_t ir_version = 0;
  std::vector<OpsetProto> opsets;
  std::string_view producer_name;
  std::string_view producer_version;
  GraphProto graph;
  std::vector<FunctionProto> functions;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
  bool has_training_info = false;
};

// `bytes` must outlive the result. kInvalidModel: not protobuf, cut off, or nested more than kMaxDepth deep.
inline constexpr int kMaxDepth = 32;
Result<ModelProto> DecodeModel(std::string_view bytes);
// A TypeProto by itself.
Result<Type> DecodeType(std::string_view bytes);

}  // namespace slipway::onnx
