// CheckAgainst: a configuration beside the inputs and outputs of the model that it is for.
#include <algorithm>

#include "base/nearest.h"
#include "runtime/engine.h"
#include "server/models/config.h"
#include "server/protocol/datatype.h"

namespace slipway::server {
namespace {

enum class Side { kInput, kOutput };

std::string_view SideName(Side side) { return side == Side::kInput ? "input" : "output"; }

Status Mismatch(Side side, const std::string& name, const std::string& what, std::string hint = {}) {
  return Status(Code::kInvalidModel, std::string(SideName(side)) + " '" + name + "': " + what,
                std::move(hint));
}

Status NoSuchPort(Side side, const std::string& name, const std::vector<PortInfo>& ports) {
  std::vector<std::string_view> names;
  std::string listed;
  for (const PortInfo& port : ports) {
    names.push_back(port.name);
    listed += (listed.empty() ? "" : ", ") + port.name;
  }
  return Mismatch(side, name, "the model has none of that name" + DidYouMean(name, names),
                  "the model's " + std::string(SideName(side)) + "s are: " + listed);
}

// "TYPE_FP32", or the type's own name where configurations have none.
std::string TypeText(const Type& type) {
  if (type.kind != TypeKind::kTensor) return ToString(type);
  return DatatypeOf(type.dtype).empty() ? std::string(DTypeName(type.dtype)) : ConfigTypeOf(type.dtype);
}

// Can requests be put together along the model's first dimension?
bool HasBatch(const Type& type, int64_t limit) {
  if (!type.HasRank()) return true;
  if (type.rank() == 0) return false;
  const Dim& batch = type.shape->front();
  return !batch.IsKnown() || (batch.value() == 1 && limit == 1);
}

// dims: of one item, without the batch.
bool DimsFit(const Dims& dims, const Type& type, size_t num_batch_dims) {
  if (!type.HasRank()) return true;
  const DimList& shape = *type.shape;
  if (dims.size() + num_batch_dims != shape.size()) return false;
  for (size_t i = 0; i < dims.size(); ++i) {
    const Dim& dim = shape[i + num_batch_dims];
    if (dim.IsKnown() && dim.value() != dims[i]) return false;
  }
  return true;
}

Status CheckBatch(Side side, const PortInfo& port, int64_t limit) {
  if (limit == 0 || HasBatch(port.type, limit)) return Status::Ok();
  return Mismatch(side, port.name,
                  "max_batch_size is " + std::to_string(limit) + ", the model's shape " +
                      ToString(*port.type.shape) + " does not begin with an open dimension",
                  "set max_batch_size to 0 and write whole shapes, or convert the model with an open batch");
}

Status CheckTensor(Side side, const TensorConfig& tensor, const PortInfo& port, int64_t limit) {
  const bool is_tensor = port.type.kind == TypeKind::kTensor;
  const bool is_type_said = tensor.data_type != DType::kNone;
  if (!is_tensor || (is_type_said && tensor.data_type != port.type.dtype)) {
    return Mismatch(
        side, tensor.name,
        "the configuration has " + ConfigTypeOf(tensor.data_type) + ", the model " + TypeText(port.type));
  }
  const size_t num_batch_dims = limit > 0 ? 1 : 0;
  if (tensor.dims.empty() || DimsFit(tensor.dims, port.type, num_batch_dims)) return Status::Ok();
  return Mismatch(side, tensor.name,
                  "the configuration has dims " + ToString(tensor.dims) +
                      (limit > 0 ? " behind the batch, the model has " : ", the model has ") +
                      ToString(*port.type.shape),
                  limit > 0 ? "dims leave the batch out while max_batch_size is not 0"
                            : "max_batch_size is 0: dims are the whole shape");
}

const PortInfo* FindPort(const std::vector<PortInfo>& ports, const std::string& name) {
  const auto found =
      std::find_if(ports.begin(), ports.end(), [&](const PortInfo& port) { return port.name == name; });
  return found == ports.end() ? nullptr : &*found;
}

Status CheckSide(Side side, const std::vector<TensorConfig>& tensors, const std::vector<PortInfo>& ports,
                 int64_t limit) {
  for (const PortInfo& port : ports) SLIPWAY_RETURN_IF_ERROR(CheckBatch(side, port, limit));
  for (const TensorConfig& tensor : tensors) {
    const PortInfo* port = FindPort(ports, tensor.name);
    if (port == nullptr) return NoSuchPort(side, tensor.name, ports);
    SLIPWAY_RETURN_IF_ERROR(CheckTensor(side, tensor, *port, limit));
  }
  return Status::Ok();
}

}  // namespace

Status CheckAgainst(const ModelConfig& config, const std::vector<PortInfo>& inputs,
                    const std::vector<PortInfo>& outputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckSide(Side::kInput, config.input, inputs, config.BatchLimit()));
  SLIPWAY_RETURN_IF_ERROR(CheckSide(Side::kOutput, config.output, outputs, config.BatchLimit()));
  if (config.input.empty()) return Status::Ok();
  for (const PortInfo& port : inputs) {
    const auto has_name = [&](const TensorConfig& tensor) { return tensor.name == port.name; };
    if (std::any_of(config.input.begin(), config.input.end(), has_name)) continue;
    return Mismatch(Side::kInput, port.name, "the model needs it, the configuration lists others only",
                    "add it, or list no input at all: then they are the model's");
  }
  return Status::Ok();
}

}  // namespace slipway::server
