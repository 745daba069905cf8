#include "cli/random_input.h"

#include <random>

#include "base/scalar.h"

namespace slipway::cli {

Tensor RandomTensor(const PortInfo& port, Dims dims, uint64_t seed) {
  Tensor tensor(port.type.dtype, std::move(dims));
  std::mt19937_64 random(seed);
  const DType dtype = tensor.dtype();
  const int64_t count = tensor.count();
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t bits = random();
    if (dtype == DType::kString) break;
    if (IsFloat(dtype)) {
      StoreReal(dtype, tensor.data(), i, static_cast<double>(bits >> 40) / 16777216.0);
    } else if (BitsOf(dtype) >= 32) {
      StoreInt(dtype, tensor.data(), i, static_cast<int64_t>(bits % 2));
    } else {
      StoreInt(dtype, tensor.data(), i, static_cast<int64_t>(bits));
    }
  }
  return tensor;
}

Dims DefaultDims(const Type& type, const std::map<std::string, DimRange>& ranges) {
  Dims dims;
  if (!type.shape) return dims;
  for (const Dim& dim : *type.shape) {
    const auto range = ranges.find(dim.IsNamed() ? dim.symbol() : std::string());
    dims.push_back(dim.IsKnown() ? dim.value() : range == ranges.end() ? 1 : range->second.low);
  }
  return dims;
}

std::vector<Tensor> RandomInputs(std::span<const PortInfo> ports,
                                 const std::map<std::string, DimRange>& ranges) {
  std::vector<Tensor> inputs;
  for (const PortInfo& port : ports)
    inputs.push_back(RandomTensor(port, DefaultDims(port.type, ranges), 1 + inputs.size()));
  return inputs;
}

std::vector<Tensor> SampleInputs(const SlipModel& model) {
  if (!model.golden.empty()) return model.golden.front().inputs;
  return RandomInputs(PortsOf(model.graph, model.graph.CallerInputs()), model.ranges);
}

}  // namespace slipway::cli
