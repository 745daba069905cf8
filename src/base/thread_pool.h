// A fixed set of threads that share loops.
//
// A loop of given count, grain and number of threads is always cut into the same chunks. Each thread first
// works through its own stretch of them, the same from loop to loop, so that it finds what it wrote in its
// own cache; then it takes chunks from the far ends of the others' stretches.
//
// Workers are started by the first loop that needs them. After a loop they spin briefly (layers follow each
// other within microseconds) and then sleep, so an idle engine costs nothing and does not slow whoever runs
// next; where there are more threads than cores they sleep at once. A loop does not wait for a worker that is
// still asleep. One loop runs at a time; a second caller, or a nested call, runs its loop alone rather than
// wait. Bodies run under the caller's floating-point mode.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
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

  int num_threads() const { return num_threads_; }

  // Is told of each thread's part in every loop that threads share, by that thread when its part is done.
  class Observer {
   public:
    using Time = std::chrono::steady_clock::time_point;
    virtual ~Observer() = default;
    virtual void OnPart(int thread, Time begin, Time end) = 0;
  };
  // Null: nobody is told. REQUIRES: no loop runs; the observer outlives those to come.
  void SetObserver(Observer* observer) { observer_ = observer; }

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
    int64_t chunks;
    uint64_t float_mode;
    int core;  // that the caller runs on
  };
  // Chunks of one thread that nobody has taken yet: the first in the high half, the end in the low one.
  struct alignas(128) Stretch {  // two lines: the prefetcher fetches them in pairs
    std::atomic<uint64_t> chunks{0};
  };

  void StartWorkers();
  void Work(int index);
  bool HasNews(uint64_t seen) const;
  bool WaitForNews(uint64_t seen);
  bool Join(uint64_t& seen);
  void RunPart(int index);
  void RunChunks(int index);
  void RunChunk(int64_t chunk) const;
  void DealChunks(int64_t chunks);

  const int num_threads_;
  const bool may_spin_;  // there is a core for every thread
  std::vector<std::thread> workers_;
  std::unique_ptr<Stretch[]> stretches_;  // by thread index
  Observer* observer_ = nullptr;
  Loop loop_{};
  std::atomic<bool> is_busy_{false};  // someone's loop is running
  // Loops started so far, in the high half; whether workers may join the last of them, and how many are in
  // it.
  alignas(128) std::atomic<uint64_t> state_{0};
  alignas(128) std::atomic<bool> is_anyone_asleep_{false};
  std::atomic<bool> is_stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

// Cores that this process may run on (at least 1).
int AvailableCores();

}  // namespace slipway
