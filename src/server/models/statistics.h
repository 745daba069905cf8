// What one version of a model has done so far: for the statistics endpoint, the metrics and the explanation
// of batch sizes. Every method may be called from any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>

namespace slipway::server {

using Nanoseconds = std::chrono::nanoseconds;

// Requests, or runs, and the time that all of them took together.
struct Tally {
  uint64_t count = 0;
  uint64_t ns = 0;

  void Add(Nanoseconds time, uint64_t times = 1) {
    count += times;
    ns += times * static_cast<uint64_t>(time.count());
  }
};

// Why a request did not get an answer of the model's.
enum class FailureReason { kRejected, kCanceled, kBackend, kOther };
inline constexpr size_t kFailureReasons = 4;

// Why a run's batch was not larger.
enum class BatchLimit { kFixed, kFull, kAlone, kOtherShape };
inline constexpr size_t kBatchLimits = 4;

// Upper bounds of the latency histogram's buckets, in seconds; above them is +Inf.
inline constexpr std::array<double, 14> kLatencyBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                          0.1,    0.25,  0.5,    1,     2.5,  5,     10};

// The same in steps of a sixth, from 20 us to 18 s, for quantiles: those of the coarse one could be half off.
inline constexpr size_t kFineBuckets = 80;
constexpr uint64_t FineBoundUs(size_t bucket) {
  constexpr std::array<uint64_t, 4> kSteps = {20, 24, 28, 34};  // an octave in four
  return kSteps[bucket % 4] << (bucket / 4);
}

struct Timing {
  Nanoseconds queue{0};           // waiting, both before and after the input was made
  Nanoseconds compute_input{0};   // decoding, resizing, joining a batch
  Nanoseconds compute_infer{0};   // the network
  Nanoseconds compute_output{0};  // reading the answer
};

struct StatisticsValues {
  int64_t last_inference_ms = 0;  // since the epoch; 0: none
  uint64_t inference_count = 0;   // of batch rows
  uint64_t execution_count = 0;   // of runs
  Tally success, fail, queue, compute_input, compute_infer, compute_output;
  struct Batch {
    Tally compute_input, compute_infer, compute_output;
  };
  std::map<int64_t, Batch> batches;  // by size
  std::array<uint64_t, kFailureReasons> failures{};
  std::array<uint64_t, kBatchLimits> limits{};
  std::array<uint64_t, kLatencyBounds.size() + 1> latencies{};
  std::array<uint64_t, kFineBuckets + 1> fine_latencies{};
  int64_t waiting = 0;  // requests now
};

class Statistics {
 public:
  // A run of `rows` in all, for so many requests.
  void AddRun(int64_t rows, BatchLimit limit, const Timing& timing);
  // A request that was answered.
  void AddSuccess(int64_t rows, const Timing& timing, Nanoseconds whole);
  void AddFailure(FailureReason reason, Nanoseconds whole);
  void AddWaiting(int64_t change);

  StatisticsValues Read() const;
  int64_t waiting() const;

 private:
  mutable std::mutex mutex_;
  StatisticsValues values_;
};

}  // namespace slipway::server
