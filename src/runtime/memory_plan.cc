#include "runtime/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "base/round_up.h"

namespace slipway {
namespace {

struct Placed {
  int64_t begin, end;
  int first_step, last_step;
};

bool AreAliveTogether(const Placed& a, const BufferRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

int64_t PaddedSize(const BufferRequest& request) {
  return RoundUp(request.size_bytes + kArenaSlack, kArenaAlignment);
}

// Lowest gap for the request between those, sorted by begin, that are alive while it is.
int64_t LowestGap(const std::vector<Placed>& placed, const BufferRequest& request) {
  const int64_t size = PaddedSize(request);
  int64_t offset = 0;
  for (const Placed& other : placed) {
    if (!AreAliveTogether(other, request)) continue;
    if (other.begin - offset >= size) return offset;
    offset = std::max(offset, other.end);
  }
  return offset;
}

void InsertByBegin(const Placed& buffer, std::vector<Placed>& placed) {
  const auto behind = std::upper_bound(placed.begin(), placed.end(), buffer.begin,
                                       [](int64_t begin, const Placed& each) { return begin < each.begin; });
  placed.insert(behind, buffer);
}

}  // namespace

MemoryPlan PlanMemory(const std::vector<BufferRequest>& requests) {
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].size_bytes > requests[b].size_bytes; });
  MemoryPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<Placed> placed;
  for (size_t index : order) {
    const BufferRequest& request = requests[index];
    const int64_t begin = LowestGap(placed, request);
    const int64_t end = begin + PaddedSize(request);
    plan.offsets[index] = begin;
    plan.arena_bytes = std::max(plan.arena_bytes, end);
    InsertByBegin({begin, end, request.first_step, request.last_step}, placed);
  }
  return plan;
}

}  // namespace slipway
