#include "server/models/statistics.h"

#include <algorithm>

namespace slipway::server {
namespace {

// The first whose bound the time does not exceed.
size_t FineBucketOf(Nanoseconds time) {
  const auto ns = static_cast<uint64_t>(time.count());
  size_t bucket = 0;
  while (bucket != kFineBuckets && ns > FineBoundUs(bucket) * 1000) ++bucket;
  return bucket;
}

}  // namespace

void Statistics::AddRun(int64_t rows, BatchLimit limit, const Timing& timing) {
  std::lock_guard lock(mutex_);
  ++values_.execution_count;
  ++values_.limits[static_cast<size_t>(limit)];
  StatisticsValues::Batch& batch = values_.batches[rows];
  batch.compute_input.Add(timing.compute_input);
  batch.compute_infer.Add(timing.compute_infer);
  batch.compute_output.Add(timing.compute_output);
}

void Statistics::AddSuccess(int64_t rows, const Timing& timing, Nanoseconds whole) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double seconds = std::chrono::duration<double>(whole).count();
  const auto bucket = std::ranges::lower_bound(kLatencyBounds, seconds) - kLatencyBounds.begin();
  std::lock_guard lock(mutex_);
  values_.last_inference_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  values_.inference_count += static_cast<uint64_t>(rows);
  values_.success.Add(whole);
  values_.queue.Add(timing.queue);
  values_.compute_input.Add(timing.compute_input);
  values_.compute_infer.Add(timing.compute_infer);
  values_.compute_output.Add(timing.compute_output);
  ++values_.latencies[static_cast<size_t>(bucket)];
  ++values_.fine_latencies[FineBucketOf(whole)];
}

void Statistics::AddFailure(FailureReason reason, Nanoseconds whole) {
  std::lock_guard lock(mutex_);
  values_.fail.Add(whole);
  ++values_.failures[static_cast<size_t>(reason)];
}

void Statistics::AddWaiting(int64_t change) {
  std::lock_guard lock(mutex_);
  values_.waiting += change;
}

int64_t Statistics::waiting() const {
  std::lock_guard lock(mutex_);
  return values_.waiting;
}

StatisticsValues Statistics::Read() const {
  std::lock_guard lock(mutex_);
  return values_;
}

}  // namespace slipway::server
