// The thread pool: every index once, whoever calls, and always the same chunks; and what threads do to
// floats.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/float_mode.h"

namespace slipway {
namespace {

class Threads : public testing::TestWithParam<int> {};

TEST_P(Threads, CoverEveryIndexOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.num_threads(), GetParam());
  for (const int64_t count : {0, 1, 7, 1000}) {
    for (const int64_t grain : {1, 3, 5000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(count));
      pool.ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
      });
      for (const auto& hit : hits) ASSERT_EQ(hit, 1) << count << " by " << grain;
    }
  }
}

TEST_P(Threads, RunNestedLoops) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> sum{0};
  pool.ParallelFor(10, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      pool.ParallelFor(10, 1, [&](int64_t from, int64_t to) { sum += to - from; });
    }
  });
  EXPECT_EQ(sum, 100);
}

class CountingObserver : public ThreadPool::Observer {
 public:
  void OnPart(int thread, Time begin, Time end) override {
    EXPECT_LE(begin, end);
    ++parts[static_cast<size_t>(thread)];
  }
  std::array<std::atomic<int>, 8> parts{};
};

TEST_P(Threads, TellAnObserverOfEachPart) {
  ThreadPool pool(GetParam());
  CountingObserver observer;
  const auto loop = [&] { pool.ParallelFor(1000, 1, [](int64_t, int64_t) {}); };
  pool.SetObserver(&observer);
  for (int i = 0; i < 10; ++i) loop();
  EXPECT_EQ(observer.parts[0], GetParam() == 1 ? 0 : 10) << "one thread shares nothing out";
  for (const auto& count : observer.parts) EXPECT_LE(count, 10);
  pool.SetObserver(nullptr);
  const int before = observer.parts[0];
  loop();
  EXPECT_EQ(observer.parts[0], before);
}

TEST(ThreadPool, TakesAnAbsurdNumberForALargeOne) {
  ThreadPool pool(1 << 30);
  EXPECT_LE(pool.num_threads(), 512);
  std::atomic<int64_t> sum{0};
  pool.ParallelFor(1000, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  EXPECT_EQ(sum, 1000);
}

std::set<std::pair<int64_t, int64_t>> ChunksOf(ThreadPool& pool, int64_t count, int64_t grain) {
  std::mutex mutex;
  std::set<std::pair<int64_t, int64_t>> chunks;
  pool.ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    chunks.emplace(begin, end);
  });
  return chunks;
}

// So that a kernel that adds up within a chunk gives the same bits every time.
TEST_P(Threads, CutALoopTheSameWayEveryTime) {
  ThreadPool pool(GetParam());
  for (const int64_t count : {2, 100, 12345}) {
    const auto first = ChunksOf(pool, count, 3);
    for (int round = 0; round < 50; ++round) ASSERT_EQ(ChunksOf(pool, count, 3), first);
  }
}

// Where the others are busy the caller runs a loop alone, but cut alike.
TEST_P(Threads, CutALoopTheSameWayForOneAlone) {
  ThreadPool pool(GetParam());
  const auto shared = ChunksOf(pool, 100, 3);
  pool.ParallelFor(2, 1, [&](int64_t, int64_t) { EXPECT_EQ(ChunksOf(pool, 100, 3), shared); });
}

TEST_P(Threads, HaveAnIndexEach) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> inside(static_cast<size_t>(GetParam()));
  for (int round = 0; round < 200; ++round) {
    pool.ParallelFor(64, 1, [&](int64_t, int64_t) {
      auto& mine = inside[static_cast<size_t>(ThreadPool::ThreadIndex())];
      EXPECT_EQ(mine.fetch_add(1), 0);
      mine.fetch_sub(1);
    });
  }
  EXPECT_EQ(ThreadPool::ThreadIndex(), 0);
}

// One of them has the workers, the other runs alone; neither waits.
TEST_P(Threads, ServeTwoCallers) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> sum{0};
  const auto call = [&] {
    for (int round = 0; round < 2000; ++round) {
      pool.ParallelFor(16, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    }
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(sum, 2 * 2000 * 16);
}

// Workers that sleep are woken, and a loop is done whether or not they come in time.
TEST_P(Threads, ComeBackFromSleep) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds(50 * round));
    std::atomic<int64_t> sum{0};
    pool.ParallelFor(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    ASSERT_EQ(sum, 100);
  }
}

TEST_P(Threads, TakeTheCallersFloatMode) {
  ThreadPool pool(GetParam());
  volatile float tiny = 1e-39F;
  const auto count_denormals = [&] {
    std::atomic<int> denormals{0};
    pool.ParallelFor(100, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) denormals += tiny * 1.0F != 0 ? 1 : 0;
    });
    return denormals.load();
  };
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(count_denormals(), 100);
    const FlushDenormals flush;
    EXPECT_EQ(count_denormals(), 0);
  }
}

TEST(ThreadPool, EndsWithoutEverHavingRun) { ThreadPool pool(4); }

INSTANTIATE_TEST_SUITE_P(Pool, Threads, testing::Values(1, 2, 3, 5));

}  // namespace
}  // namespace slipway
