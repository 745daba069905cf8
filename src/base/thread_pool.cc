#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <system_error>

namespace slipway {
namespace {

// About 20 us of polling before a worker sleeps: longer than the gap between two layers, shorter than anyone
// notices.
constexpr int kSpins = 4000;

// More than any machine gains by; a slip of the keyboard must not start a hundred thousand.
constexpr int kMaxThreads = 512;

// Set once in every worker; the caller of a loop, and a thread that no pool owns, is 0.
thread_local int thread_index = 0;

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

int AvailableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int num_threads) {
  num_threads = num_threads <= 0 ? AvailableCores() : std::min(num_threads, kMaxThreads);
  // Where the system gives no more threads, the loops run on those there are.
  try {
    for (int i = 1; i < num_threads; ++i) {
      workers_.emplace_back([this, i] {
        thread_index = i;
        Work();
      });
    }
  } catch (const std::system_error&) {
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    ++generation_;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

int ThreadPool::ThreadIndex() { return thread_index; }

void ThreadPool::RunChunks() {
  while (true) {
    const int64_t begin = next_.fetch_add(loop_.chunk, std::memory_order_relaxed);
    if (begin >= loop_.count) return;
    (*loop_.body)(begin, std::min(begin + loop_.chunk, loop_.count));
  }
}

void ThreadPool::Work() {
  uint64_t seen = 0;
  while (true) {
    for (int i = 0; i < kSpins && generation_.load(std::memory_order_acquire) == seen; ++i) Pause();
    if (generation_.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
    }
    if (is_stopping_.load(std::memory_order_acquire)) return;
    seen = generation_.load(std::memory_order_acquire);
    RunChunks();
    active_.fetch_sub(1, std::memory_order_release);
  }
}

void ThreadPool::ParallelFor(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  std::unique_lock caller(caller_mutex_, std::defer_lock);
  if (workers_.empty() || count <= grain || !caller.try_lock()) return body(0, count);
  // Four chunks a thread even out uneven work; never below the grain.
  const int64_t chunk = std::max(grain, (count + 4 * num_threads() - 1) / (4 * num_threads()));
  {
    std::lock_guard lock(mutex_);
    loop_ = {&body, count, chunk};
    next_.store(0, std::memory_order_relaxed);
    active_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  RunChunks();
  while (active_.load(std::memory_order_acquire) != 0) Pause();
}

}  // namespace slipway
