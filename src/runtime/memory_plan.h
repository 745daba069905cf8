// Packs buffers that live at different times into one arena.
//
// Greedy by size, as in TFLM's planner: the largest buffer first, each at the lowest offset where it overlaps
// no already placed buffer that is alive at the same time. Not optimal, within a few percent on networks.
//
// Several threads share out a buffer from its beginning to its end: a thread that writes where another wrote
// before waits for that core's cache, five times as long where the cores have no cache in common. So, where
// it costs little, a buffer is moved so that its middle is that of an earlier one: then shares of the two
// that overlap are of the same thread (of two threads all of them; of more, most).
#pragma once

#include <cstdint>
#include <vector>

namespace slipway {

struct BufferRequest {
  int64_t size_bytes = 0;
  int first_step = 0;  // alive from here
  int last_step = 0;   // to here, inclusive
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  // per request, multiples of kArenaAlignment
  int64_t arena_bytes = 0;
};

inline constexpr int64_t kArenaAlignment = 64;  // a cache line
// Readable bytes behind every buffer, so that vector kernels may load a whole register at the end.
inline constexpr int64_t kArenaSlack = 64;

// threads: that share out each buffer. The plan of several is larger than that of one by a sixteenth at most.
MemoryPlan PlanMemory(const std::vector<BufferRequest>& requests, int threads);

}  // namespace slipway
