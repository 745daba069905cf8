#include "perf/round_trip.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/thread_pool.h"

namespace slipway {
namespace {

constexpr int kRuns = 8, kTrips = 2000;
constexpr int kStop = -1;

struct alignas(128) Line {  // two lines: the prefetcher fetches them in pairs
  std::atomic<int> ball{0};
};

double NanosecondsOf(Line& there, const Line& back, int first) {
  const auto start = std::chrono::steady_clock::now();
  for (int ball = first; ball < first + kTrips; ++ball) {
    there.ball.store(ball, std::memory_order_release);
    while (back.ball.load(std::memory_order_acquire) != ball) {
    }
  }
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / kTrips;
}

}  // namespace

double MeasureRoundTrip() {
  if (AvailableCores() < 2) return 0;
  Line there, back;
  std::thread other([&] {
    for (int ball = 0; ball != kStop; ball = there.ball.load(std::memory_order_acquire))
      back.ball.store(ball, std::memory_order_release);
  });
  // The first runs start the thread; a run in which one of the two was interrupted is not the fastest.
  double fastest = NanosecondsOf(there, back, 1);
  for (int run = 1; run < kRuns; ++run)
    fastest = std::min(fastest, NanosecondsOf(there, back, 1 + run * kTrips));
  there.ball.store(kStop, std::memory_order_release);
  other.join();
  return fastest;
}

}  // namespace slipway
