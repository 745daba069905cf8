// For the passes' tests.
#pragma once

#include <string>
#include <vector>

#include "ops/testing.h"

namespace slipway {

// Results on a ramp of numbers, open extents taken as 2; or the error.
inline std::string Outputs(const Graph& graph) {
  std::vector<Datum> inputs;
  for (ValueId id : graph.inputs) {
    Dims dims;
    for (const Dim& dim : *graph.value(id).type.shape) dims.push_back(dim.IsKnown() ? dim.value() : 2);
    Tensor tensor(graph.value(id).type.dtype, std::move(dims));
    for (int64_t i = 0; i < tensor.count(); ++i)
      StoreReal(tensor.dtype(), tensor.data(), i, 0.5 * static_cast<double>(i) - 1);
    inputs.push_back(Datum::Of(tensor));
  }
  const auto outputs = Interpret(graph, inputs);
  if (!outputs.ok()) return outputs.status().ToString();
  std::string text;
  for (const Datum& output : *outputs) text += Show(output.tensor) + "\n";
  return text;
}

}  // namespace slipway
