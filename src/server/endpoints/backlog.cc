#include "server/endpoints/backlog.h"

#include <algorithm>
#include <cmath>

namespace slipway::server {
namespace {

constexpr double kMostSeconds = 60;  // beyond it nobody knows

}  // namespace

// A network that several requests share is counted by its runs; what is done for each, by requests.
ModelLoad LoadOf(const StatisticsValues& values) {
  ModelLoad load{.waiting = values.waiting};
  if (values.success.count == 0) return load;
  uint64_t ns = values.compute_input.ns + values.compute_output.ns;
  for (const auto& [size, batch] : values.batches) ns += batch.compute_infer.ns;
  load.each = Nanoseconds(ns / values.success.count);
  return load;
}

int SecondsToClear(std::span<const ModelLoad> models, int workers) {
  double seconds = 0;
  for (const ModelLoad& model : models)
    seconds += static_cast<double>(model.waiting) * std::chrono::duration<double>(model.each).count();
  return static_cast<int>(std::clamp(std::ceil(seconds / workers), 1.0, kMostSeconds));
}

}  // namespace slipway::server
