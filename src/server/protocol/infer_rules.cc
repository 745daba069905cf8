#include "server/protocol/infer_rules.h"

#include <limits>
#include <optional>

#include "server/protocol/datatype.h"

namespace slipway::server {
namespace {

constexpr std::chrono::microseconds kMaxTimeout = std::chrono::hours{24 * 365};

Status Bad(std::string message, std::string hint = {}) {
  return {Code::kInvalidInput, std::move(message), std::move(hint)};
}

}  // namespace

Status NoSharedMemory(const std::string& path) {
  return {Code::kUnsupported, path + ": shared memory is not supported", "send the tensor in the request"};
}

Status NoSequences() {
  return {Code::kUnsupported, "parameters.sequence_id: sequences are not supported",
          "leave it out: every request stands for itself"};
}

Status TooManyOutputs() { return Bad("more than " + std::to_string(kMaxOutputs) + " outputs"); }

Status CheckOutputsDiffer(const std::vector<RequestedOutput>& outputs) {
  std::vector<std::string_view> names;
  names.reserve(outputs.size());
  for (const RequestedOutput& output : outputs) names.push_back(output.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  return twice == names.end() ? Status::Ok() : Bad("output " + Quoted(*twice) + " is asked for twice");
}

std::chrono::microseconds TimeoutOf(uint64_t microseconds) {
  return std::chrono::microseconds(std::min<uint64_t>(microseconds, kMaxTimeout.count()));
}

int ClassesOf(uint64_t classes) {
  return static_cast<int>(std::min<uint64_t>(classes, std::numeric_limits<int>::max()));
}

Status CheckPorts(std::span<const PortInfo> ports) {
  for (const PortInfo& port : ports) {
    const Type& type = port.type;
    const bool has_form = type.dtype == DType::kNone || !DatatypeOf(type.dtype).empty();
    if (type.kind == TypeKind::kTensor && has_form) continue;
    return {Code::kUnsupported,
            "input " + Quoted(port.name) + " is " + ToString(type) + ", for which the protocol has no form"};
  }
  return Status::Ok();
}

std::string DescribePort(const PortInfo& port) {
  const std::string_view datatype = DatatypeOf(port.type.dtype);
  return (datatype.empty() ? "any datatype" : std::string(datatype)) +
         (port.type.HasRank() ? ToString(*port.type.shape) : "[*]");
}

Result<DType> DTypeFor(std::string_view datatype, const PortInfo& port) {
  const std::string hint = "the model takes " + DescribePort(port);
  if (datatype.empty()) return Bad("it has no datatype", hint);
  const auto dtype = ParseDatatype(datatype);
  if (!dtype) return Bad(Quoted(datatype) + " is no datatype", hint);
  if (port.type.dtype != DType::kNone && port.type.dtype != *dtype)
    return Bad("datatype is " + std::string(datatype) + ", " + hint);
  return *dtype;
}

Status CheckShape(const Dims& shape, const PortInfo& port) {
  const auto is_negative = [](int64_t extent) { return extent < 0; };
  if (std::ranges::any_of(shape, is_negative))
    return Bad("shape " + ToString(shape) + " has a negative dimension", "send the shape of the data");
  if (!port.type.HasRank()) return Status::Ok();
  const auto fits = [](int64_t extent, const Dim& dim) { return !dim.IsKnown() || dim.value() == extent; };
  if (std::ranges::equal(shape, *port.type.shape, fits)) return Status::Ok();
  return Bad("shape is " + ToString(shape) + ", the model takes " + DescribePort(port));
}

Status MissingInput(const PortInfo& port) {
  return Bad("input " + Quoted(port.name) + " is missing", "the model takes " + DescribePort(port));
}

}  // namespace slipway::server
