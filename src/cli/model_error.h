// What a model's tactics do to its answers.
#pragma once

#include "runtime/engine.h"

namespace slipway::cli {

struct ModelError {
  double relative = 0;  // the largest difference of an element, as a part of its output's largest value
  std::string output;   // where it is
};

// Of `graph` run as `options` say, against the same in f32 by tactics that round no more than plain sums
// (Accuracy::kStrict), on these inputs. Outputs that are not floats do not count.
Result<ModelError> MeasureError(const Graph& graph, const EngineOptions& options,
                                std::span<const Tensor> inputs);

}  // namespace slipway::cli
