#include "runtime/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "base/round_up.h"

namespace slipway {
namespace {

struct Placed {
  int64_t begin, end;
  int first_step, last_step;

  int64_t middle() const { return begin + (end - begin) / 2; }
  // Where the share of thread `thread` begins, and that of the thread before ends.
  int64_t ShareAt(int64_t thread, int64_t threads) const { return begin + (end - begin) * thread / threads; }
};

bool AreAliveTogether(const Placed& a, const BufferRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

int64_t PaddedSize(const BufferRequest& request) {
  return RoundUp(request.size_bytes + kArenaSlack, kArenaAlignment);
}

int64_t Overlap(int64_t a_begin, int64_t a_end, int64_t b_begin, int64_t b_end) {
  return std::max<int64_t>(0, std::min(a_end, b_end) - std::max(a_begin, b_begin));
}

// Bytes that belong to one thread's share of a and to another's of b.
int64_t ForeignBytes(const Placed& a, const Placed& b, int64_t threads) {
  int64_t bytes = Overlap(a.begin, a.end, b.begin, b.end);
  for (int64_t t = 0; bytes > 0 && t < threads; ++t) {
    bytes -= Overlap(a.ShareAt(t, threads), a.ShareAt(t + 1, threads), b.ShareAt(t, threads),
                     b.ShareAt(t + 1, threads));
  }
  return bytes;
}

class Packer {
 public:
  // threads: 1 where it does not matter who writes what.
  explicit Packer(int64_t threads) : threads_(threads) {}

  int64_t arena_bytes() const { return arena_bytes_; }

  // The buffer's offset.
  int64_t Place(const BufferRequest& request) {
    Placed best = LowestGap(request, 0);
    if (threads_ > 1) best = BesideItsLike(request, best);
    arena_bytes_ = std::max(arena_bytes_, best.end);
    const auto behind =
        std::upper_bound(placed_.begin(), placed_.end(), best.begin,
                         [](int64_t begin, const Placed& each) { return begin < each.begin; });
    placed_.insert(behind, best);
    if (std::ssize(middles_) < kMiddles && !std::count(middles_.begin(), middles_.end(), best.middle()))
      middles_.push_back(best.middle());
    return best.begin;
  }

 private:
  // Middles that are tried: of the largest buffers, which matter most. They bound the time of a plan.
  static constexpr int64_t kMiddles = 12;

  // The first gap from `from` on between those that are alive while the request is.
  Placed LowestGap(const BufferRequest& request, int64_t from) const {
    const int64_t size = PaddedSize(request);
    int64_t offset = from;
    for (const Placed& other : placed_) {
      if (!AreAliveTogether(other, request)) continue;
      if (other.begin - offset >= size) break;
      offset = std::max(offset, other.end);
    }
    return {offset, offset + size, request.first_step, request.last_step};
  }

  // Of the places that make the arena no larger than `lowest` does, where the fewest bytes were another
  // thread's.
  Placed BesideItsLike(const BufferRequest& request, const Placed& lowest) const {
    const int64_t limit = std::max(arena_bytes_, lowest.end);
    Placed best = lowest;
    int64_t fewest = ForeignBytesOf(lowest);
    for (int64_t middle : middles_) {
      if (fewest == 0) break;
      const int64_t from = (middle - PaddedSize(request) / 2) / kArenaAlignment * kArenaAlignment;
      const Placed place = LowestGap(request, std::max<int64_t>(from, 0));
      if (place.end > limit) continue;
      const int64_t foreign = ForeignBytesOf(place);
      if (foreign >= fewest) continue;
      fewest = foreign;
      best = place;
    }
    return best;
  }

  int64_t ForeignBytesOf(const Placed& buffer) const {
    int64_t bytes = 0;
    for (const Placed& other : placed_) bytes += ForeignBytes(other, buffer, threads_);
    return bytes;
  }

  int64_t threads_, arena_bytes_ = 0;
  std::vector<Placed> placed_;  // sorted by begin
  std::vector<int64_t> middles_;
};

MemoryPlan Pack(const std::vector<BufferRequest>& requests, int64_t threads) {
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return requests[a].size_bytes > requests[b].size_bytes; });
  MemoryPlan plan;
  plan.offsets.assign(requests.size(), 0);
  Packer packer(threads);
  for (size_t index : order) plan.offsets[index] = packer.Place(requests[index]);
  plan.arena_bytes = packer.arena_bytes();
  return plan;
}

}  // namespace

MemoryPlan PlanMemory(const std::vector<BufferRequest>& requests, int threads) {
  MemoryPlan smallest = Pack(requests, 1);
  if (threads == 1) return smallest;
  MemoryPlan shared = Pack(requests, threads);
  return shared.arena_bytes <= smallest.arena_bytes + smallest.arena_bytes / 16 ? shared : smallest;
}

}  // namespace slipway
