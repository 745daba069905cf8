// Runs before a version serves, so that its first request finds memory planned and pages present.
//
// A sample of model_warmup is run as it says: inputs of its shapes, of zeros or of random numbers, `count`
// times. Where the configuration has none, a run on zeros of the model's own shapes does.
//
// Left out: data of files (the configuration refuses them by name).
#pragma once

#include "runtime/engine.h"
#include "server/models/config.h"

namespace slipway::server {

// config: with a max_batch_size that says whether dims are behind a batch. Errors name the sample: it does
// not fit the model, or the network refuses it.
Status RunWarmup(const ModelConfig& config, const Engine& engine, Context& context);

// One run on zeros; open extents are 1. What the network says of them is no defect: they may not suit it.
void RunOnZeros(const Engine& engine, Context& context);

}  // namespace slipway::server
