// How long what waits will take, for clients that are told to come back later.
#pragma once

#include <atomic>
#include <chrono>
#include <span>

#include "server/models/statistics.h"

namespace slipway::server {

struct ModelLoad {
  int64_t waiting = 0;  // requests
  Nanoseconds each{0};  // that one took of a worker so far, on average
};

ModelLoad LoadOf(const StatisticsValues& values);
// Whole seconds, from 1 to a minute. REQUIRES: workers > 0.
int SecondsToClear(std::span<const ModelLoad> models, int workers);

// The answer for a moment: it is asked for most when there is least time. From any thread.
class Backlog {
 public:
  // count() -> seconds.
  template <class Count>
  int Seconds(const Count& count) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    auto due = due_.load();
    if (now >= due && due_.compare_exchange_strong(due, now + Period())) seconds_ = count();
    return seconds_;
  }

 private:
  static constexpr std::chrono::steady_clock::rep Period() {
    return std::chrono::steady_clock::duration(std::chrono::milliseconds(100)).count();
  }

  std::atomic<std::chrono::steady_clock::rep> due_{0};
  std::atomic<int> seconds_{1};
};

}  // namespace slipway::server
