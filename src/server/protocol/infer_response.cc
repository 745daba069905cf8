#include "server/protocol/infer_response.h"

#include <optional>

#include "server/protocol/binary_data.h"
#include "server/protocol/classification.h"
#include "server/protocol/datatype.h"
#include "server/protocol/error.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

// What is said of one output.
struct Part {
  std::string_view name;
  Tensor tensor;
  std::optional<size_t> binary_size;  // nullopt: its elements are JSON
};

Result<Part> MakePart(const ReplyOutput& output) {
  SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, TensorToSend(output));
  const DType dtype = tensor.dtype();
  Part part{output.name, std::move(tensor), {}};
  if (output.is_binary) {
    SLIPWAY_ASSIGN_OR_RETURN(part.binary_size, BinarySizeOf(part.tensor));
  } else if (dtype == DType::kF16 || dtype == DType::kBF16) {
    return Status(Code::kInvalidInput, std::string(DatatypeOf(dtype)) + " has no form in JSON",
                  "ask for it with the parameter binary_data");
  }
  return part;
}

Result<std::vector<Part>> MakeParts(const InferReply& reply) {
  std::vector<Part> parts;
  for (const ReplyOutput& output : reply.outputs) {
    auto part = MakePart(output);
    if (!part.ok()) return part.status().WithContext("output " + Quoted(output.name));
    parts.push_back(*std::move(part));
  }
  return parts;
}

// --- JSON ---

template <class T>
void WriteIntegers(const Tensor& tensor, JsonWriter& json) {
  for (const T value : tensor.values<T>()) json.Integer(value);
}

template <class T>
void WriteReals(const Tensor& tensor, JsonWriter& json) {
  for (const T value : tensor.values<T>()) json.Real(value);
}

void WriteElements(const Tensor& tensor, JsonWriter& json) {
  switch (tensor.dtype()) {
    case DType::kBool:
      for (const bool value : tensor.values<bool>()) json.Bool(value);
      break;
    case DType::kString:
      for (const std::string& value : tensor.values<std::string>()) json.String(value);
      break;
    case DType::kF32: WriteReals<float>(tensor, json); break;
    case DType::kF64: WriteReals<double>(tensor, json); break;
    case DType::kI8: WriteIntegers<int8_t>(tensor, json); break;
    case DType::kI16: WriteIntegers<int16_t>(tensor, json); break;
    case DType::kI32: WriteIntegers<int32_t>(tensor, json); break;
    case DType::kI64: WriteIntegers<int64_t>(tensor, json); break;
    case DType::kU8: WriteIntegers<uint8_t>(tensor, json); break;
    case DType::kU16: WriteIntegers<uint16_t>(tensor, json); break;
    case DType::kU32: WriteIntegers<uint32_t>(tensor, json); break;
    case DType::kU64: WriteIntegers<uint64_t>(tensor, json); break;
    default: break;  // MakePart lets none of them through
  }
}

void WritePart(const Part& part, JsonWriter& json) {
  json.BeginObject();
  json.Member("name", part.name);
  json.Member("datatype", DatatypeOf(part.tensor.dtype()));
  json.Key("shape");
  json.BeginArray();
  for (const int64_t extent : part.tensor.dims()) json.Integer(extent);
  json.EndArray();
  if (part.binary_size) {
    json.Key("parameters");
    json.BeginObject();
    json.Member("binary_data_size", *part.binary_size);
    json.EndObject();
  } else {
    json.Key("data");
    json.BeginArray();
    WriteElements(part.tensor, json);
    json.EndArray();
  }
  json.EndObject();
}

struct ParameterWriter {
  JsonWriter& json;

  void operator()(bool value) const { json.Bool(value); }
  void operator()(int64_t value) const { json.Integer(value); }
  void operator()(double value) const { json.Real(value); }
  void operator()(const std::string& value) const { json.String(value); }
};

void WriteParameters(const InferReply& reply, JsonWriter& json) {
  if (reply.parameters.empty()) return;
  json.Key("parameters");
  json.BeginObject();
  for (const auto& [name, value] : reply.parameters) {
    json.Key(name);
    std::visit(ParameterWriter{json}, value);
  }
  json.EndObject();
}

void WriteJson(const InferReply& reply, std::span<const Part> parts, std::string& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Member("model_name", reply.model_name);
  json.Member("model_version", reply.model_version);
  if (!reply.id.empty()) {
    json.Member("id", reply.id);
  }
  WriteParameters(reply, json);
  json.Key("outputs");
  json.BeginArray();
  for (const Part& part : parts) WritePart(part, json);
  json.EndArray();
  json.EndObject();
}

void AppendBinaryParts(std::span<const Part> parts, Response& response) {
  size_t size = response.body.size();
  bool is_binary = false;
  for (const Part& part : parts) {
    is_binary = is_binary || part.binary_size.has_value();
    size += part.binary_size.value_or(0);
  }
  if (!is_binary) return;
  response.content_type = "application/octet-stream";
  response.headers.Add(std::string(kInferenceHeaderLength), std::to_string(response.body.size()));
  response.body.reserve(size);
  for (const Part& part : parts) {
    if (part.binary_size) AppendBinary(part.tensor, response.body);
  }
}

}  // namespace

Result<Tensor> TensorToSend(const ReplyOutput& output) {
  Tensor tensor = output.tensor;
  if (output.classes > 0) {
    SLIPWAY_ASSIGN_OR_RETURN(tensor, BestClasses(output.tensor, output.classes, output.labels));
  }
  if (!DatatypeOf(tensor.dtype()).empty()) return tensor;
  return Status(Code::kUnsupported,
                "the protocol has no datatype for " + std::string(DTypeName(tensor.dtype())));
}

Response EncodeInferResponse(const InferReply& reply) {
  const auto parts = MakeParts(reply);
  if (!parts.ok()) return ErrorResponse(parts.status());
  Response response;
  WriteJson(reply, *parts, response.body);
  AppendBinaryParts(*parts, response);
  return response;
}

}  // namespace slipway::server
