// How far apart two cores are.
#pragma once

namespace slipway {

// Nanoseconds that a cache line takes to another thread's core and back, where the system puts the two now;
// 0 with a single core. About 40 on hyper-threads of one core, 100 where cores share a last-level cache, and
// several times that where they do not: then every value that threads share costs as much more. A virtual
// machine's cores may change from one to another within seconds.
double MeasureRoundTrip();

}  // namespace slipway
