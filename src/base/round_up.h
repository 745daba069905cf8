// Whole parts and multiples of positive integers.
#pragma once

#include <cstdint>

namespace slipway {

// How many parts of `by` cover n.
constexpr int64_t DivideUp(int64_t n, int64_t by) { return (n + by - 1) / by; }
// The smallest multiple of `to` that is at least n.
constexpr int64_t RoundUp(int64_t n, int64_t to) { return DivideUp(n, to) * to; }

}  // namespace slipway
