#include "cli/array_inputs.h"

#include <algorithm>

#include "base/file.h"
#include "base/npy.h"
#include "cli/console.h"
#include "cli/random_input.h"
#include "tasks/core/session.h"

namespace slipway::cli {
namespace {

// A name that was given with an array.
Result<size_t> InputNamed(const Engine& engine, const std::string& name) {
  const auto index = tasks::FindInput(engine, name);
  if (!index.ok()) return Status(Code::kInvalidInput, index.status().message());
  return *index;
}

// An array; for an input of strings or of bytes also any other file, whose content is one string or
// u8[bytes].
Result<Tensor> ReadInput(const Type& type, const std::string& path) {
  const bool is_text = type.dtype == DType::kString;
  const bool is_bytes = type.dtype == DType::kU8 && type.shape && type.rank() == 1;
  if (path.ends_with(".npy") || (!is_text && !is_bytes)) return ReadNpy(path);
  SLIPWAY_ASSIGN_OR_RETURN(std::string content, ReadFile(path));
  if (is_bytes) {
    Tensor bytes(DType::kU8, {static_cast<int64_t>(content.size())});
    std::copy(content.begin(), content.end(), bytes.as<uint8_t>());
    return bytes;
  }
  Tensor text(DType::kString, Dims(type.shape ? type.shape->size() : 0, 1));
  *text.as<std::string>() = std::move(content);
  return text;
}

}  // namespace

Status ReadInputs(const Engine& engine, const std::vector<std::string>& data, std::vector<Tensor>& tensors) {
  size_t next = 0;
  for (const std::string& text : data) {
    if (text.ends_with(".npz")) {
      SLIPWAY_ASSIGN_OR_RETURN(auto arrays, ReadNpz(text));
      for (auto& [name, tensor] : arrays) {
        SLIPWAY_ASSIGN_OR_RETURN(size_t index, InputNamed(engine, name));
        tensors[index] = std::move(tensor);
      }
      continue;
    }
    const size_t equals = text.find('=');
    size_t index = next++;
    if (equals != std::string::npos) {
      SLIPWAY_ASSIGN_OR_RETURN(index, InputNamed(engine, text.substr(0, equals)));
    }
    if (index >= tensors.size()) {
      return Status(Code::kUsage,
                    "more arrays given than the model has inputs: " + std::to_string(tensors.size()));
    }
    SLIPWAY_ASSIGN_OR_RETURN(
        tensors[index],
        ReadInput(engine.inputs()[index].type, equals == std::string::npos ? text : text.substr(equals + 1)));
  }
  return Status::Ok();
}

void FillInputs(const Engine& engine, const std::map<std::string, DimRange>& ranges, uint64_t seed,
                std::vector<Tensor>& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].IsNone()) continue;
    const PortInfo& port = engine.inputs()[i];
    tensors[i] = RandomTensor(port, DefaultDims(port.type, ranges), seed + i);
    PrintNote("input '" + port.name + "' " + Describe(tensors[i]) + " is random (seed " +
              std::to_string(seed + i) + ")");
  }
}

}  // namespace slipway::cli
