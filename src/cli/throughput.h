// How much several contexts of one engine do together in a second.
#pragma once

#include <functional>
#include <span>

#include "runtime/engine.h"

namespace slipway::cli {

struct Throughput {
  int contexts = 1;
  double per_second = 0;  // of all of them
  double median_ms = 0;   // of one meanwhile
};

// What one of the streams does again and again.
using Step = std::function<Status()>;

// Each stream runs in a thread of its own, which makes its step first, for about so long.
Result<Throughput> MeasureStreams(int streams, double seconds, const std::function<Step()>& new_step);

// Inferences.
Result<Throughput> MeasureThroughput(const Engine& engine, std::span<const Tensor> inputs, int contexts,
                                     double seconds);

}  // namespace slipway::cli
