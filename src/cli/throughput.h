// How many inferences a second several contexts of one engine make together.
#pragma once

#include <span>

#include "runtime/engine.h"

namespace slipway::cli {

struct Throughput {
  int contexts = 1;
  double per_second = 0;  // of all of them
  double median_ms = 0;   // of one inference meanwhile
};

// Each context runs in a thread of its own, again and again for about so long.
Result<Throughput> MeasureThroughput(const Engine& engine, std::span<const Tensor> inputs, int contexts,
                                     double seconds);

}  // namespace slipway::cli
