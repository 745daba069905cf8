// What a model's tactics do to its answers.
#pragma once

#include "runtime/engine.h"

namespace slipway::cli {

struct ModelError {
  double relative = 0;  // the largest difference of an element, as a part of its output's largest value
  std::string output;   // where it is
};

// What the graph answers in f32 by tactics that round no more than plain sums (Accuracy::kStrict), otherwise
// as `options` say.
Result<std::vector<Tensor>> PlainAnswers(const Graph& graph, EngineOptions options,
                                         std::span<const Tensor> inputs);

// Of the engine's answers against PlainAnswers of the same inputs. Outputs that are not floats do not count.
Result<ModelError> MeasureError(const Engine& engine, Context& context, std::span<const Tensor> inputs,
                                std::span<const Tensor> plain);

}  // namespace slipway::cli
