// The answer to GET /v2/models/M/config: a model's configuration as JSON, under Triton's names.
//
// Everything that clients of Triton look at is there, at its default where nobody said anything. Left out:
// the parts of Triton's ModelConfig that Slipway does not implement and that have no default (see config.h).
#pragma once

#include <string>
#include <vector>

#include "runtime/engine.h"
#include "server/models/config.h"

namespace slipway::server {

// config: as CheckAgainst(config, inputs, outputs) accepts it, with the max_batch_size that is in force.
// Inputs and outputs are those that it lists, else the model's; types and dims that it does not say are the
// model's
// (-1: open; the batch is left out while max_batch_size is not 0). What is written can be read again by
// ParseModelConfigJson. Numbers are numbers, also those of 64 bits.
std::string FormatModelConfig(const ModelConfig& config, const std::vector<PortInfo>& inputs,
                              const std::vector<PortInfo>& outputs);

}  // namespace slipway::server
