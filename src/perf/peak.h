// What this machine can do at most: the roofs under which every measured rate must stay.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slipway {

// Where data may come from, and how fast.
struct MemoryLevel {
  std::string name;   // "L1", "L2", "L3", "memory"
  int64_t bytes = 0;  // of the level, per core but for L3 and memory; memory: 0
  double gbytes = 0;  // loads a second, 1e9 bytes, of all threads together
};

// Rates of all threads together, in 1e9 a second.
struct Peak {
  int num_threads = 1;
  double f32_gflops = 0;            // fused multiply-adds on registers, counted as two
  double bf16_gflops = 0;           // pairs of products, summed in f32; 0: the processor has none
  double int8_gops = 0;             // dot-product instructions, but no less than four products to an f32 lane
  std::vector<MemoryLevel> levels;  // near to far; L1 is the first, memory the last
  double round_trip_ns = 0;         // between two threads' cores (round_trip.h); 0 of one thread

  // Loads that hit the first-level cache: no kernel reads faster.
  double load_gbytes() const { return levels.front().gbytes; }
};

// The two sides of a comparison ran at different boost clocks: a rate this far above a roof is a mistake of
// the measurement.
inline constexpr double kRoofSlack = 1.1;

// Takes a few tenths of a second; the best of several short runs on the widest vectors of this machine, with
// so many threads at once.
Peak MeasurePeak(int num_threads = 1);

}  // namespace slipway
