// Buffers in one arena: never in each other's way, never more than needed.
#include "runtime/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace slipway {
namespace {

std::vector<BufferRequest> RandomRequests(std::mt19937& random) {
  std::vector<BufferRequest> requests(random() % 40);
  for (BufferRequest& request : requests) {
    request.size_bytes = random() % 5 == 0 ? random() % 3 : random() % 10000;
    request.first_step = static_cast<int>(random() % 30);
    request.last_step = request.first_step + static_cast<int>(random() % 6);
  }
  return requests;
}

bool AreAliveTogether(const BufferRequest& a, const BufferRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

// The most bytes alive at any step: no plan can be smaller.
int64_t LowerBound(const std::vector<BufferRequest>& requests) {
  int64_t most = 0;
  for (int step = 0; step < 40; ++step) {
    int64_t alive = 0;
    for (const BufferRequest& each : requests) {
      if (each.first_step <= step && step <= each.last_step) alive += each.size_bytes;
    }
    most = std::max(most, alive);
  }
  return most;
}

TEST(MemoryPlan, HoldsItsPromisesOnRandomRequests) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    const std::vector<BufferRequest> requests = RandomRequests(random);
    const MemoryPlan plan = PlanMemory(requests, 1 + round % 4);
    ASSERT_EQ(plan.offsets.size(), requests.size());
    int64_t sum = 0;
    for (size_t a = 0; a < requests.size(); ++a) {
      const int64_t end = plan.offsets[a] + requests[a].size_bytes + kArenaSlack;
      ASSERT_EQ(plan.offsets[a] % kArenaAlignment, 0);
      ASSERT_LE(end, plan.arena_bytes) << "the slack behind a buffer is readable";
      sum += requests[a].size_bytes + kArenaSlack + kArenaAlignment - 1;
      for (size_t b = 0; b < a; ++b) {
        if (!AreAliveTogether(requests[a], requests[b])) continue;
        const bool is_apart = plan.offsets[a] + requests[a].size_bytes <= plan.offsets[b] ||
                              plan.offsets[b] + requests[b].size_bytes <= plan.offsets[a];
        ASSERT_TRUE(is_apart) << "round " << round << ": buffers " << a << " and " << b;
      }
    }
    ASSERT_LE(plan.arena_bytes, sum);
    ASSERT_GE(plan.arena_bytes, LowerBound(requests));
  }
}

TEST(MemoryPlan, AChainNeedsTwoBuffers) {
  std::vector<BufferRequest> chain;
  for (int step = 0; step < 10; ++step) chain.push_back({1000, step, step + 1});
  EXPECT_EQ(PlanMemory(chain, 1).arena_bytes, 2 * 1088);  // 1000 + 64 readable behind, in cache lines
}

// A thread of two finds its half of a buffer where its halves of earlier ones were.
TEST(MemoryPlan, ThreadsKeepTheirHalves) {
  // Large and small by turns, each read by the step behind.
  std::vector<BufferRequest> chain;
  for (int step = 0; step < 8; ++step) chain.push_back({step < 4 ? 100'000 : 50'000, step, step + 1});
  const auto middle_of = [&](const MemoryPlan& plan, size_t r) {
    return plan.offsets[r] + chain[r].size_bytes / 2;
  };
  const MemoryPlan one = PlanMemory(chain, 1), two = PlanMemory(chain, 2);
  EXPECT_EQ(two.arena_bytes, one.arena_bytes);
  for (size_t r = 4; r < 8; ++r) {
    EXPECT_GT(std::abs(middle_of(one, r) - middle_of(one, r % 2)), 10'000);
    EXPECT_LE(std::abs(middle_of(two, r) - middle_of(two, r % 2)), kArenaAlignment);
  }
}

// Moving buffers to suit threads must not make the arena much larger.
TEST(MemoryPlan, SharesCostLittle) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    const std::vector<BufferRequest> requests = RandomRequests(random);
    const int64_t smallest = PlanMemory(requests, 1).arena_bytes;
    EXPECT_LE(PlanMemory(requests, 2).arena_bytes, smallest + smallest / 16);
  }
}

TEST(MemoryPlan, NothingNeedsNothing) { EXPECT_EQ(PlanMemory({}, 2).arena_bytes, 0); }

}  // namespace
}  // namespace slipway
