#include "server/protocol/infer_call.h"

#include "server/protocol/binary_data.h"
#include "server/protocol/datatype.h"
#include "server/protocol/error.h"
#include "server/protocol/infer_rules.h"

namespace slipway::server {
namespace {

Status Bad(std::string message) { return {Code::kInvalidInput, std::move(message)}; }

Result<uint64_t> Unsigned(const ParameterValue& value, std::string_view name) {
  const auto* number = std::get_if<int64_t>(&value);
  if (number != nullptr && *number >= 0) return static_cast<uint64_t>(*number);
  return Bad("parameters." + std::string(name) + " is no number from 0 to 2^63 - 1");
}

// Sequences are named by a number that is not 0, or by a text.
bool NamesSequence(const ParameterValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return *number != 0;
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr || !text->empty();
}

Status ReadParameters(const Parameters& parameters, InferRequest& request) {
  for (const auto& [name, value] : parameters) {
    if (name == "priority") {
      SLIPWAY_ASSIGN_OR_RETURN(request.priority, Unsigned(value, name));
    } else if (name == "timeout") {
      SLIPWAY_ASSIGN_OR_RETURN(const uint64_t us, Unsigned(value, name));
      request.timeout = TimeoutOf(us);
    } else if (name == "sequence_id" && NamesSequence(value)) {
      return NoSequences();
    }
  }
  return Status::Ok();
}

Status RefuseSharedMemory(const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    if (name == "shared_memory_region") return NoSharedMemory("parameters." + name);
  }
  return Status::Ok();
}

Result<Tensor> ReadTensor(const InferCall& call, const InferCall::Input& input, const PortInfo& port) {
  SLIPWAY_RETURN_IF_ERROR(RefuseSharedMemory(input.parameters));
  SLIPWAY_ASSIGN_OR_RETURN(const DType dtype, DTypeFor(input.datatype, port));
  if (input.shape.size() > kMaxRank)
    return Bad("shape has more than " + std::to_string(kMaxRank) + " dimensions");
  SLIPWAY_RETURN_IF_ERROR(CheckShape(input.shape, port));
  return TensorFromBinary(input.bytes, dtype, input.shape, call.owner);
}

Result<RequestedOutput> ReadOutput(const InferCall::Output& output) {
  if (output.name.empty()) return Bad("an output has no name");
  RequestedOutput wanted{output.name, /*is_binary=*/true};
  SLIPWAY_RETURN_IF_ERROR(RefuseSharedMemory(output.parameters));
  for (const auto& [name, value] : output.parameters) {
    if (name != "classification") continue;
    SLIPWAY_ASSIGN_OR_RETURN(const uint64_t classes, Unsigned(value, name));
    wanted.classes = ClassesOf(classes);
  }
  return wanted;
}

Result<InferAnswer::Output> Encode(const ReplyOutput& output) {
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor tensor, TensorToSend(output));
  SLIPWAY_ASSIGN_OR_RETURN(const size_t size, BinarySizeOf(tensor));
  InferAnswer::Output encoded{output.name, DatatypeOf(tensor.dtype()), tensor.dims(), {}};
  encoded.bytes.reserve(size);
  AppendBinary(tensor, encoded.bytes);
  return encoded;
}

}  // namespace

Result<InferRequest> DecodeInferCall(const InferCall& call, std::span<const PortInfo> ports) {
  SLIPWAY_RETURN_IF_ERROR(CheckPorts(ports));
  InferRequest request;
  request.id = call.id;
  request.is_binary_default = true;
  SLIPWAY_RETURN_IF_ERROR(ReadParameters(call.parameters, request));
  SLIPWAY_ASSIGN_OR_RETURN(request.inputs,
                           PlaceInputs(call.inputs, ports, [&](const auto& input, const PortInfo& port) {
                             return ReadTensor(call, input, port);
                           }));
  if (call.outputs.size() > kMaxOutputs) return TooManyOutputs();
  for (const InferCall::Output& output : call.outputs) {
    auto wanted = ReadOutput(output);
    if (!wanted.ok()) return wanted.status().WithContext("output " + Quoted(output.name));
    request.outputs.push_back(*std::move(wanted));
  }
  SLIPWAY_RETURN_IF_ERROR(CheckOutputsDiffer(request.outputs));
  return request;
}

Result<InferAnswer> EncodeInferAnswer(const InferReply& reply) {
  InferAnswer answer;
  answer.model_name = reply.model_name;
  answer.model_version = reply.model_version;
  answer.id = reply.id;
  answer.parameters = reply.parameters;
  for (const ReplyOutput& output : reply.outputs) {
    auto encoded = Encode(output);
    if (!encoded.ok()) return encoded.status().WithContext("output " + Quoted(output.name));
    answer.outputs.push_back(*std::move(encoded));
  }
  return answer;
}

InferAnswer ErrorAnswer(int http_status, const Status& status) {
  return {.status = http_status, .error = ErrorText(status)};
}

}  // namespace slipway::server
