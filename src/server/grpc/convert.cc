#include "server/grpc/convert.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>

namespace slipway::server {
namespace {

using inference::InferTensorContents;
using Bytes = std::span<const uint8_t>;

// What a call's bytes lie in.
struct Kept {
  std::shared_ptr<const inference::ModelInferRequest> request;
  std::deque<std::string> written;  // elements that the request has in another form
};

Status Bad(std::string message) { return {Code::kInvalidInput, std::move(message)}; }

template <class Map>
Parameters ParametersOf(const Map& map) {
  Parameters parameters;
  for (const auto& [name, value] : map) {
    switch (value.parameter_choice_case()) {
      case inference::InferParameter::kBoolParam: parameters.emplace_back(name, value.bool_param()); break;
      case inference::InferParameter::kInt64Param: parameters.emplace_back(name, value.int64_param()); break;
      case inference::InferParameter::kStringParam:
        parameters.emplace_back(name, value.string_param());
        break;
      case inference::InferParameter::kDoubleParam:
        parameters.emplace_back(name, value.double_param());
        break;
      case inference::InferParameter::kUint64Param: {
        constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
        parameters.emplace_back(name, static_cast<int64_t>(std::min(value.uint64_param(), kMost)));
        break;
      }
      case inference::InferParameter::PARAMETER_CHOICE_NOT_SET: break;
    }
  }
  return parameters;
}

Bytes BytesIn(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// --- elements in fields ---

// As they lie, little-endian as everywhere here.
template <class T>
Bytes BytesIn(const google::protobuf::RepeatedField<T>& elements) {
  return {reinterpret_cast<const uint8_t*>(elements.data()),
          static_cast<size_t>(elements.size()) * sizeof(T)};
}

template <class T, class Wide>
Result<Bytes> Narrow(const google::protobuf::RepeatedField<Wide>& elements, Kept& kept) {
  std::string text(static_cast<size_t>(elements.size()) * sizeof(T), '\0');
  for (int i = 0; i < elements.size(); ++i) {
    const T value = static_cast<T>(elements[i]);
    if (static_cast<Wide>(value) != elements[i])
      return Bad("element " + std::to_string(i) + " is " + std::to_string(elements[i]) + ", out of range");
    std::memcpy(text.data() + static_cast<size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  kept.written.push_back(std::move(text));
  return BytesIn(kept.written.back());
}

// Each string's length, then itself.
Bytes Lengthened(const google::protobuf::RepeatedPtrField<std::string>& elements, Kept& kept) {
  std::string text;
  for (const std::string& element : elements) {
    const auto length = static_cast<uint32_t>(element.size());  // a message is smaller than 2 GB
    text.append(reinterpret_cast<const char*>(&length), sizeof(length));
    text += element;
  }
  kept.written.push_back(std::move(text));
  return BytesIn(kept.written.back());
}

Result<Bytes> InField(const std::string& datatype, const InferTensorContents& from, Kept& kept) {
  if (datatype == "BOOL") return BytesIn(from.bool_contents());
  if (datatype == "INT8") return Narrow<int8_t>(from.int_contents(), kept);
  if (datatype == "INT16") return Narrow<int16_t>(from.int_contents(), kept);
  if (datatype == "INT32") return BytesIn(from.int_contents());
  if (datatype == "INT64") return BytesIn(from.int64_contents());
  if (datatype == "UINT8") return Narrow<uint8_t>(from.uint_contents(), kept);
  if (datatype == "UINT16") return Narrow<uint16_t>(from.uint_contents(), kept);
  if (datatype == "UINT32") return BytesIn(from.uint_contents());
  if (datatype == "UINT64") return BytesIn(from.uint64_contents());
  if (datatype == "FP32") return BytesIn(from.fp32_contents());
  if (datatype == "FP64") return BytesIn(from.fp64_contents());
  if (datatype == "BYTES") return Lengthened(from.bytes_contents(), kept);
  return Bytes();  // FP16 and BF16 have no field, and what is no datatype is refused later
}

int FilledFields(const InferTensorContents& contents) {
  return !contents.bool_contents().empty() + !contents.int_contents().empty() +
         !contents.int64_contents().empty() + !contents.uint_contents().empty() +
         !contents.uint64_contents().empty() + !contents.fp32_contents().empty() +
         !contents.fp64_contents().empty() + !contents.bytes_contents().empty();
}

Result<Bytes> ElementsOf(const std::string& datatype, const InferTensorContents& contents, Kept& kept) {
  SLIPWAY_ASSIGN_OR_RETURN(const Bytes bytes, InField(datatype, contents, kept));
  if (FilledFields(contents) > (bytes.empty() ? 0 : 1))
    return Bad("contents has elements in a field that is not for " + datatype +
               "; FP16 and BF16 are sent raw");
  return bytes;
}

}  // namespace

Result<InferCall> CallOf(std::shared_ptr<const inference::ModelInferRequest> given) {
  const inference::ModelInferRequest& request = *given;
  const auto kept = std::make_shared<Kept>();
  kept->request = std::move(given);
  InferCall call;
  call.model = request.model_name();
  call.version = request.model_version();
  call.id = request.id();
  call.parameters = ParametersOf(request.parameters());
  call.owner = kept;
  const bool is_raw = request.raw_input_contents_size() > 0;
  if (is_raw && request.raw_input_contents_size() != request.inputs_size()) {
    return Bad("raw_input_contents has " + std::to_string(request.raw_input_contents_size()) +
               " entries for " + std::to_string(request.inputs_size()) + " inputs");
  }
  for (int i = 0; i < request.inputs_size(); ++i) {
    const auto& input = request.inputs(i);
    if (is_raw && FilledFields(input.contents()) > 0)
      return Bad("input '" + input.name() + "' has contents beside raw_input_contents");
    const auto bytes = is_raw ? Result<Bytes>(BytesIn(request.raw_input_contents(i)))
                              : ElementsOf(input.datatype(), input.contents(), *kept);
    if (!bytes.ok()) return bytes.status().WithContext("input '" + input.name() + "'");
    call.inputs.push_back({input.name(), input.datatype(), Dims(input.shape().begin(), input.shape().end()),
                           ParametersOf(input.parameters()), *bytes});
  }
  for (const auto& output : request.outputs())
    call.outputs.push_back({output.name(), ParametersOf(output.parameters())});
  return call;
}

void FillResponse(InferAnswer answer, inference::ModelInferResponse& response) {
  response.set_model_name(std::move(answer.model_name));
  response.set_model_version(std::move(answer.model_version));
  response.set_id(std::move(answer.id));
  for (auto& [name, value] : answer.parameters) {
    inference::InferParameter& parameter = (*response.mutable_parameters())[name];
    if (const auto* flag = std::get_if<bool>(&value)) parameter.set_bool_param(*flag);
    if (const auto* number = std::get_if<int64_t>(&value)) parameter.set_int64_param(*number);
    if (const auto* real = std::get_if<double>(&value)) parameter.set_double_param(*real);
    if (auto* text = std::get_if<std::string>(&value)) parameter.set_string_param(std::move(*text));
  }
  for (InferAnswer::Output& output : answer.outputs) {
    auto& tensor = *response.add_outputs();
    tensor.set_name(std::move(output.name));
    tensor.set_datatype(std::string(output.datatype));
    tensor.mutable_shape()->Add(output.shape.begin(), output.shape.end());
    *response.add_raw_output_contents() = std::move(output.bytes);
  }
}

}  // namespace slipway::server
