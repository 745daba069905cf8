// A run as a trace in the Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing read.
//
// Tracks: the run's steps, then one for each thread, where a part of a step is a bar. A step that is not cut
// for threads shows on the first track alone.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/thread_pool.h"

namespace slipway {

struct Profile;

// Collects the times. OnPart may be called from each thread of the pool at once, OnStep from the caller's.
class Tracer : public ThreadPool::Observer {
 public:
  struct Span {
    size_t step = 0;
    Time begin, end;
  };

  explicit Tracer(int num_threads) : parts_(static_cast<size_t>(num_threads)) {}
  void OnPart(int thread, Time begin, Time end) override {
    parts_[static_cast<size_t>(thread)].push_back({0, begin, end});
  }
  // A step is over that took so long.
  void OnStep(size_t step, double us);

  const std::vector<Span>& steps() const { return steps_; }
  // Of each thread, with the steps that they belong to.
  std::vector<std::vector<Span>> parts() const;

 private:
  std::vector<Span> steps_;
  std::vector<std::vector<Span>> parts_;
};

// One JSON object. `profile`: of the network that ran.
std::string ToTraceJson(const Profile& profile, const Tracer& tracer);

}  // namespace slipway
