// A model's weights replaced by those of a .wts file, by name.
#pragma once

#include <string_view>

#include "ir/graph.h"
#include "slipway/wts.h"

namespace slipway {

struct FillOptions {
  bool leaves_unknown = false;  // arrays that no constant is called after are left out instead of refused
};

struct FillReport {
  int64_t filled = 0;                // constants
  std::vector<std::string> kept;     // float constants of more than one element that the file does not have
  std::vector<std::string> unknown;  // arrays left out: see FillOptions
};

// Every constant of `graph`, those of sub-graphs included, that an array is called after takes the array's
// elements, in its own shape and row-major; f16, bf16 and f64 are rounded to. Storage is shared, never
// written to. PyTorch's counters "*.num_batches_tracked", which no inference reads, are passed over.
//
// All that does not fit is one error (kInvalidModel), and the graph stays as it was: counts that differ,
// constants that are no floats or are quantised, arrays that no constant is called after. `name` stands for
// the file in messages.
Result<FillReport> FillWeights(Graph& graph, const WtsWeights& weights, std::string_view name,
                               const FillOptions& options = {});

}  // namespace slipway
