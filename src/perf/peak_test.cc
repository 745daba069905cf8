#include "perf/peak.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/thread_pool.h"
#include "perf/caches.h"

namespace slipway {
namespace {

TEST(MeasurePeak, OrdersItsRoofs) {
  const auto start = std::chrono::steady_clock::now();
  const Peak peak = MeasurePeak(2);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));  // on a busy machine
  EXPECT_EQ(peak.num_threads, 2);
  EXPECT_GT(peak.f32_gflops, 0);
  EXPECT_GE(peak.int8_gops, 4 * peak.f32_gflops);
  ASSERT_GE(peak.levels.size(), 3U);
  EXPECT_EQ(peak.levels.front().name, "L1");
  EXPECT_EQ(peak.levels.back().name, "memory");
  for (size_t i = 1; i < peak.levels.size(); ++i)
    EXPECT_LE(peak.levels[i].gbytes, peak.levels[i - 1].gbytes) << peak.levels[i].name;
  EXPECT_EQ(peak.load_gbytes(), peak.levels[0].gbytes);
  EXPECT_EQ(peak.round_trip_ns > 0, AvailableCores() > 1);
  EXPECT_LT(peak.round_trip_ns, 1e6);
}

TEST(CacheSizes, GrowWithDistance) {
  const CacheSizes sizes = FindCacheSizes();
  EXPECT_GE(sizes.l1_bytes, 4 << 10);
  EXPECT_GT(sizes.l2_bytes, sizes.l1_bytes);
  EXPECT_TRUE(sizes.l3_bytes == 0 || sizes.l3_bytes > sizes.l2_bytes);
}

}  // namespace
}  // namespace slipway
