#include "runtime/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "base/round_up.h"

namespace slipway {
namespace {

struct Placed {
  int64_t begin;
  int64_t end;
};

bool AreAliveTogether(const BufferRequest& a, const BufferRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

int64_t PaddedSize(const BufferRequest& request) {
  return RoundUp(request.size_bytes + kArenaSlack, kArenaAlignment);
}

// Lowest gap of at least `size` between intervals sorted by begin.
int64_t LowestGap(const std::vector<Placed>& taken, int64_t size) {
  int64_t offset = 0;
  for (const Placed& interval : taken) {
    if (interval.begin - offset >= size) return offset;
    offset = std::max(offset, interval.end);
  }
  return offset;
}

}  // namespace

MemoryPlan PlanMemory(const std::vector<BufferRequest>& requests) {
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].size_bytes > requests[b].size_bytes; });
  MemoryPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<size_t> placed;
  for (size_t index : order) {
    std::vector<Placed> taken;
    for (size_t other : placed) {
      if (!AreAliveTogether(requests[index], requests[other])) continue;
      taken.push_back({plan.offsets[other], plan.offsets[other] + PaddedSize(requests[other])});
    }
    std::sort(taken.begin(), taken.end(), [](const Placed& a, const Placed& b) { return a.begin < b.begin; });
    plan.offsets[index] = LowestGap(taken, PaddedSize(requests[index]));
    plan.arena_bytes = std::max(plan.arena_bytes, plan.offsets[index] + PaddedSize(requests[index]));
    placed.push_back(index);
  }
  return plan;
}

}  // namespace slipway
