#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/crowding.h"
#include "base/float_mode.h"

namespace slipway {
namespace {

// How long a worker polls before it sleeps: longer than a layer that runs on one thread, shorter than anyone
// notices.
constexpr std::chrono::microseconds kSpin{100};

// More than any machine gains by; a slip of the keyboard must not start a hundred thousand.
constexpr int kMaxThreads = 512;

// Chunks per thread: they even out uneven work.
constexpr int64_t kChunksEach = 4;

constexpr uint64_t kOpen = uint64_t{1} << 31;  // of state_
constexpr uint64_t kOneLoop = uint64_t{1} << 32;
constexpr uint64_t kInLoop = kOpen - 1;  // the count of workers

// Which pool's loop this thread is in, and as whom.
thread_local const ThreadPool* thread_pool = nullptr;
thread_local int thread_index = 0;

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#else
  std::this_thread::yield();
#endif
}

// This thread is thread `index` of a pool while it lives.
class As {
 public:
  As(const ThreadPool* pool, int index) : pool_(thread_pool), index_(thread_index) {
    thread_pool = pool;
    thread_index = index;
  }
  ~As() {
    thread_pool = pool_;
    thread_index = index_;
  }

 private:
  const ThreadPool* pool_;
  int index_;
};

constexpr uint64_t Pack(uint64_t first, uint64_t end) { return first << 32 | end; }

// Equal chunks, but for the rounding: seven rows of two threads are not dealt out as two by two.
void RunChunkOf(FunctionRef<void(int64_t, int64_t)> body, int64_t count, int64_t chunks, int64_t chunk) {
  body(chunk * count / chunks, (chunk + 1) * count / chunks);
}

}  // namespace

int AvailableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int num_threads)
    : num_threads_(num_threads <= 0 ? AvailableCores() : std::min(num_threads, kMaxThreads)),
      may_spin_(num_threads_ <= AvailableCores()),
      stretches_(std::make_unique<Stretch[]>(static_cast<size_t>(num_threads_))) {}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

int ThreadPool::ThreadIndex() { return thread_index; }

// Where the system gives no more threads, the loops run on those there are.
void ThreadPool::StartWorkers() {
  workers_.reserve(static_cast<size_t>(num_threads_ - 1));
  try {
    for (int i = 1; i < num_threads_; ++i) workers_.emplace_back([this, i] { Work(i); });
  } catch (const std::system_error&) {
  }
}

void ThreadPool::RunChunk(int64_t chunk) const { RunChunkOf(*loop_.body, loop_.count, loop_.chunks, chunk); }

void ThreadPool::RunChunks(int index) {
  for (int i = 0; i < num_threads_; ++i) {
    const bool is_own = i == 0;
    std::atomic<uint64_t>& chunks = stretches_[static_cast<size_t>((index + i) % num_threads_)].chunks;
    uint64_t left = chunks.load(std::memory_order_relaxed);
    while ((left >> 32) < (left & 0xFFFFFFFF)) {
      const uint64_t first = left >> 32;
      const uint64_t end = left & 0xFFFFFFFF;
      const uint64_t rest = is_own ? Pack(first + 1, end) : Pack(first, end - 1);
      if (!chunks.compare_exchange_weak(left, rest, std::memory_order_relaxed)) continue;
      RunChunk(static_cast<int64_t>(is_own ? first : end - 1));
      left = chunks.load(std::memory_order_relaxed);
    }
  }
}

void ThreadPool::RunPart(int index) {
  if (observer_ == nullptr) return RunChunks(index);
  const auto begin = std::chrono::steady_clock::now();
  RunChunks(index);
  observer_->OnPart(index, begin, std::chrono::steady_clock::now());
}

void ThreadPool::DealChunks(int64_t chunks) {
  for (int64_t i = 0; i < num_threads_; ++i) {
    stretches_[static_cast<size_t>(i)].chunks.store(
        Pack(static_cast<uint64_t>(i * chunks / num_threads_),
             static_cast<uint64_t>((i + 1) * chunks / num_threads_)),
        std::memory_order_relaxed);
  }
}

// A loop other than those seen, or the end.
bool ThreadPool::HasNews(uint64_t seen) const {
  return state_.load() >> 32 != seen || is_stopping_.load(std::memory_order_relaxed);
}

// False: the pool is being destroyed.
bool ThreadPool::WaitForNews(uint64_t seen) {
  if (may_spin_) {
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 64; ++i) {
        if (HasNews(seen)) return !is_stopping_;
        Pause();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  std::unique_lock lock(mutex_);
  while (true) {
    // A caller that does not read this has started its loop before this thread looks for it.
    is_anyone_asleep_.store(true);
    if (HasNews(seen)) return !is_stopping_;
    wake_.wait(lock);
  }
}

// Takes note of the last loop; false where it is over already.
bool ThreadPool::Join(uint64_t& seen) {
  uint64_t state = state_.load(std::memory_order_acquire);
  do {
    seen = state >> 32;
    if ((state & kOpen) == 0) return false;
  } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire));
  return true;
}

void ThreadPool::Work(int index) {
  const As worker(this, index);
  uint64_t seen = 0;
  uint64_t float_mode = FloatMode();
  Crowding crowding;
  while (WaitForNews(seen)) {
    if (!Join(seen)) continue;
    if (may_spin_) crowding.Joins(loop_.core);
    if (loop_.float_mode != float_mode) SetFloatMode(float_mode = loop_.float_mode);
    RunPart(index);
    state_.fetch_sub(1, std::memory_order_release);
  }
}

void ThreadPool::ParallelFor(int64_t count, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (count <= 0) return;
  // A nested loop runs as the thread that it is in.
  const As caller(this, thread_pool == this ? thread_index : 0);
  const int64_t chunks = std::min(count / std::max<int64_t>(grain, 1), kChunksEach * num_threads_);
  if (num_threads_ == 1 || chunks <= 1) return body(0, count);
  if (is_busy_.exchange(true, std::memory_order_acquire)) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) RunChunkOf(body, count, chunks, chunk);
    return;
  }
  if (workers_.empty()) StartWorkers();
  loop_ = {&body, count, chunks, FloatMode(), CurrentCore()};
  DealChunks(chunks);
  // Nobody is in a loop now: the count is 0.
  state_.store((state_.load(std::memory_order_relaxed) / kOneLoop + 1) * kOneLoop | kOpen);
  if (is_anyone_asleep_.load() && is_anyone_asleep_.exchange(false)) {
    { std::lock_guard lock(mutex_); }  // whoever is about to sleep sleeps before it is woken
    wake_.notify_all();
  }
  RunPart(thread_index);
  // All chunks are taken. Whoever has not come yet need not; the others finish theirs.
  state_.fetch_and(~kOpen, std::memory_order_relaxed);
  for (int i = 0; (state_.load(std::memory_order_acquire) & kInLoop) != 0; ++i) {
    i < 10000 ? Pause() : std::this_thread::yield();
  }
  is_busy_.store(false, std::memory_order_release);
}

}  // namespace slipway
