// Inputs for runs without data.
#pragma once

#include "plan/slip.h"
#include "runtime/engine.h"

namespace slipway::cli {

// Seeded: the same port, dims and seed give the same numbers. Floats in [0, 1), integers over their range
// (64-bit and 32-bit ones small and not negative, as indices are), bools, empty strings.
Tensor RandomTensor(const PortInfo& port, Dims dims, uint64_t seed);

// The port's shape with unknown dimensions as 1, or as the lowest of the range that is declared for them.
Dims DefaultDims(const Type& type, const std::map<std::string, DimRange>& ranges);

// One for each port, from seeds 1, 2, ...
std::vector<Tensor> RandomInputs(std::span<const PortInfo> ports,
                                 const std::map<std::string, DimRange>& ranges);

// The inputs of the model's first golden vector; where it has none, random ones.
std::vector<Tensor> SampleInputs(const SlipModel& model);

}  // namespace slipway::cli
