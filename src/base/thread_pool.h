// A fixed set of threads that share loops.
//
// Workers spin briefly after a loop (layers follow each other within microseconds) and then sleep, so an idle
// engine costs nothing and does not slow whoever runs next. One loop runs at a time; a second caller, or a
// nested call, runs its loop alone rather than wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace slipway {

class ThreadPool {
 public:
  // num_threads: the caller included; 0 means all cores this process may use.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(begin, end) for chunks of at least `grain` that cover [0, count), and returns when all are
  // done. body runs on several threads at once and must not throw.
  void ParallelFor(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

  // Within a body: which of the loop's threads runs it, in [0, num_threads()); 0 outside of any. Two bodies
  // that run at the same time in one loop have different ones: the place of a thread's own scratch memory.
  static int ThreadIndex();

 private:
  struct Loop {
    const FunctionRef<void(int64_t, int64_t)>* body;
    int64_t count;
    int64_t chunk;
  };

  void Work();
  void RunChunks();

  std::vector<std::thread> workers_;
  std::mutex caller_mutex_;  // held by whoever's loop is running
  std::mutex mutex_;
  std::condition_variable wake_;
  Loop loop_{};
  std::atomic<int64_t> next_{0};
  std::atomic<uint64_t> generation_{0};  // of the running loop; odd while stopping
  std::atomic<int> active_{0};           // workers that have not finished the current loop
  std::atomic<bool> is_stopping_{false};
};

// Cores that this process may run on (at least 1).
int AvailableCores();

}  // namespace slipway
