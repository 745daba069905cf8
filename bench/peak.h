// What one core of this machine can do at most: the roof under which every measured rate must stay.
#pragma once

namespace slipway {

struct Peak {
  double f32_gflops = 0;   // fused multiply-adds on registers, counted as two
  double int8_gops = 0;    // four 8-bit products to each f32 lane, as dot-product instructions do at best
  double load_gbytes = 0;  // loads that hit the first-level cache
};

// Takes about 0.1 s; the best of several short runs on the widest vectors of this machine.
Peak MeasurePeak();

}  // namespace slipway
