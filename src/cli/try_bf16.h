// What bf16 gains and costs a model on this machine.
#pragma once

#include "cli/model_error.h"
#include "plan/slip.h"
#include "runtime/engine.h"

namespace slipway::cli {

struct Bf16Trial {
  double f32_ms = 0, bf16_ms = 0;  // the least of some runs in turns, kernels chosen by the cost model
  ModelError error;                // of bf16

  // "bf16: 1.6 times as fast (20.1 ms, f32 33.0 ms), changes 'output' by 6.1e-03 of its largest value"
  std::string ToString() const;
};

// Runs both on the inputs. An error where the machine has no bf16.
Result<Bf16Trial> TryBf16(const Graph& graph, EngineOptions options, std::span<const Tensor> inputs);

// --precision auto: bf16 where it is faster and changes no output by more than `budget`, relative to its
// largest value, on the model's golden vectors or else on random inputs; a note says why or why not.
Result<Precision> ChoosePrecision(const SlipModel& model, const EngineOptions& options, double budget);

}  // namespace slipway::cli
