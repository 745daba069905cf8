// Where the makers' code lies in the program.
#include "ops/makers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace slipway {
namespace {

// Bytes from the first maker to the last one's beginning.
uintptr_t Span() {
  std::vector<uintptr_t> makers;
#define SLIPWAY_OP(name) makers.push_back(reinterpret_cast<uintptr_t>(&Make##name));
#include "ops/ops.inc"
#undef SLIPWAY_OP
  const auto [first, last] = std::minmax_element(makers.begin(), makers.end());
  return *last - *first;
}

// Each file's maker would otherwise stand beside what its operator computes with: eight times as far.
TEST(Makers, LieTogether) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
  GTEST_SKIP() << "their code is far larger";
#endif
  EXPECT_LT(Span(), uintptr_t{2} << 20);
}

}  // namespace
}  // namespace slipway
