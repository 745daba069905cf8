#include "server/protocol/infer_request.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "server/protocol/binary_data.h"
#include "server/protocol/error.h"
#include "server/protocol/infer_header.h"
#include "server/protocol/infer_rules.h"
#include "server/protocol/json_data.h"

namespace slipway::server {
namespace {

Status Bad(std::string message, std::string hint = {}) {
  return {Code::kInvalidInput, std::move(message), std::move(hint)};
}

std::string Input(std::string_view name) { return "input " + Quoted(name); }

// The bytes behind the JSON, given out in the order of the inputs.
class BinaryPart {
 public:
  explicit BinaryPart(std::span<const uint8_t> bytes) : rest_(bytes) {}

  Result<std::span<const uint8_t>> Take(uint64_t size) {
    if (size > rest_.size()) {
      return Bad("binary_data_size is " + std::to_string(size) + ", the body has " +
                     std::to_string(rest_.size()) + " bytes left",
                 "is the header " + std::string(kInferenceHeaderLength) + " the length of the JSON?");
    }
    const auto taken = rest_.first(static_cast<size_t>(size));
    rest_ = rest_.subspan(static_cast<size_t>(size));
    return taken;
  }

  Status CheckIsUsedUp() const {
    if (rest_.empty()) return Status::Ok();
    return Bad("the body has " + std::to_string(rest_.size()) + " bytes behind the JSON that are of no input",
               "give every binary input its parameter binary_data_size");
  }

 private:
  std::span<const uint8_t> rest_;
};

Result<Tensor> ReadTensor(const InputHeader& input, const PortInfo& port, const Body& body,
                          BinaryPart& binary) {
  SLIPWAY_ASSIGN_OR_RETURN(const DType dtype, DTypeFor(input.datatype, port));
  if (!input.shape) return Bad("it has no shape", "the model takes " + DescribePort(port));
  SLIPWAY_RETURN_IF_ERROR(CheckShape(*input.shape, port));
  if (!input.binary_size) {
    if (input.data.empty()) return Bad("it has neither data nor the parameter binary_data_size");
    return TensorFromJson(input.data, dtype, *input.shape);
  }
  if (!input.data.empty()) return Bad("it has both data and the parameter binary_data_size");
  SLIPWAY_ASSIGN_OR_RETURN(const auto bytes, binary.Take(*input.binary_size));
  return TensorFromBinary(bytes, dtype, *input.shape, body.owner());
}

Result<InferRequest> DecodeJson(const Body& body, size_t json_size, std::span<const PortInfo> ports) {
  SLIPWAY_ASSIGN_OR_RETURN(InferHeader header,
                           ReadInferHeader(body.text().substr(0, json_size), ports.size()));
  BinaryPart binary(body.bytes().subspan(json_size));
  SLIPWAY_ASSIGN_OR_RETURN(
      header.request.inputs,
      PlaceInputs(header.inputs, ports, [&](const InputHeader& input, const PortInfo& port) {
        return ReadTensor(input, port, body, binary);
      }));
  SLIPWAY_RETURN_IF_ERROR(binary.CheckIsUsedUp());
  return std::move(header.request);
}

// The port's, with one batch row.
std::optional<Dims> RawShape(const PortInfo& port) {
  if (!port.type.HasRank() || port.type.dtype == DType::kNone) return std::nullopt;
  DimList dims = *port.type.shape;
  if (!dims.empty() && !dims[0].IsKnown()) dims[0] = Dim(1);
  if (!AllKnown(dims)) return std::nullopt;
  return KnownDims(dims);
}

// The body is the string: there is no need for a length in front of it.
Result<Tensor> RawString(const Body& body, Dims dims) {
  const auto count = ElementCount(dims);
  if (!count.ok() || *count != 1)
    return Bad("shape " + ToString(dims) + " does not hold one string, which a raw request carries");
  Tensor tensor(DType::kString, std::move(dims));
  *tensor.as<std::string>() = body.text();
  return tensor;
}

Result<InferRequest> DecodeRaw(const Body& body, std::span<const PortInfo> ports) {
  if (ports.size() != 1) {
    return Bad("a raw request carries one input, the model has " + std::to_string(ports.size()),
               "send JSON, and its length as " + std::string(kInferenceHeaderLength));
  }
  const PortInfo& port = ports[0];
  auto shape = RawShape(port);
  if (!shape) {
    return Bad(Input(port.name) + " is " + DescribePort(port) + ", whose shape a raw request can't tell",
               "send JSON with the shape, and its length as " + std::string(kInferenceHeaderLength));
  }
  auto tensor = port.type.dtype == DType::kString
                    ? RawString(body, *std::move(shape))
                    : TensorFromBinary(body.bytes(), port.type.dtype, *std::move(shape), body.owner());
  if (!tensor.ok()) return tensor.status().WithContext(Input(port.name));
  InferRequest request;
  request.inputs.push_back({port.name, *std::move(tensor)});
  request.is_binary_default = true;
  return request;
}

Result<size_t> ParseLength(std::string_view text, size_t body_size) {
  size_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size())
    return Bad("header " + std::string(kInferenceHeaderLength) + " is " + Quoted(text) + ", no length");
  if (length > body_size) {
    return Bad("header " + std::string(kInferenceHeaderLength) + " is " + std::to_string(length) +
               ", the body has " + std::to_string(body_size) + " bytes");
  }
  return length;
}

}  // namespace

Result<InferRequest> DecodeInferRequest(const Body& body, std::string_view inference_header_content_length,
                                        std::span<const PortInfo> ports) {
  SLIPWAY_RETURN_IF_ERROR(CheckPorts(ports));
  if (inference_header_content_length.empty()) return DecodeJson(body, body.size(), ports);
  SLIPWAY_ASSIGN_OR_RETURN(const size_t json_size, ParseLength(inference_header_content_length, body.size()));
  return json_size == 0 ? DecodeRaw(body, ports) : DecodeJson(body, json_size, ports);
}

}  // namespace slipway::server
