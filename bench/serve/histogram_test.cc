#include "serve/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace slipway::serve {
namespace {

// Times from a microsecond to some ten seconds, evenly over the powers of two.
std::vector<uint64_t> Times(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> power(10, 34);
  std::vector<uint64_t> values(count);
  for (uint64_t& value : values) value = static_cast<uint64_t>(std::exp2(power(random)));
  return values;
}

TEST(HistogramTest, EmptyIsZero) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0u);
  EXPECT_EQ(empty.min(), 0u);
  EXPECT_EQ(empty.max(), 0u);
  EXPECT_EQ(empty.Mean(), 0);
  EXPECT_EQ(empty.Percentile(99), 0u);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 100; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Percentile(0), 1u);
  EXPECT_EQ(histogram.Percentile(50), 50u);
  EXPECT_EQ(histogram.Percentile(99), 99u);
  EXPECT_EQ(histogram.Percentile(99.9), 100u);
  EXPECT_EQ(histogram.Percentile(250), 100u);
  EXPECT_EQ(histogram.Mean(), 50.5);
}

TEST(HistogramTest, PercentilesKeepTheirPrecision) {
  Histogram histogram;
  std::vector<uint64_t> values = Times(20000, 1);
  for (uint64_t value : values) histogram.Record(value);
  std::sort(values.begin(), values.end());
  for (double percent : {0.1, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * 20000));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto found = static_cast<double>(histogram.Percentile(percent));
    EXPECT_GE(found, exact) << percent;
    EXPECT_LE(found, exact * (1 + std::exp2(-Histogram::kPrecisionBits))) << percent;
  }
}

// Around every power of two, where the buckets change their width.
TEST(HistogramTest, NoValueIsReadAsLessThanItIs) {
  for (int power = 1; power < Histogram::kValueBits; ++power) {
    for (uint64_t value : {(uint64_t{1} << power) - 1, uint64_t{1} << power, (uint64_t{1} << power) + 1}) {
      Histogram histogram;
      histogram.Record(value);
      histogram.Record(UINT64_MAX);
      EXPECT_GE(histogram.Percentile(50), value);
      EXPECT_LE(histogram.Percentile(50) - value, value >> Histogram::kPrecisionBits);
    }
  }
}

TEST(HistogramTest, MergingIsRecordingAll) {
  Histogram left, right, all;
  for (uint64_t value : Times(500, 2)) left.Record(value);
  for (uint64_t value : Times(700, 3)) right.Record(value);
  for (uint64_t value : Times(500, 2)) all.Record(value);
  for (uint64_t value : Times(700, 3)) all.Record(value);
  left.Merge(right);
  EXPECT_EQ(left.count(), 1200u);
  EXPECT_EQ(left.min(), all.min());
  EXPECT_EQ(left.max(), all.max());
  EXPECT_NEAR(left.Mean(), all.Mean(), 1e-9 * all.Mean());
  for (int percent = 0; percent <= 100; ++percent) {
    EXPECT_EQ(left.Percentile(percent), all.Percentile(percent));
  }
}

TEST(HistogramTest, MergingNothingChangesNothing) {
  Histogram histogram;
  histogram.Record(7);
  histogram.Merge(Histogram());
  EXPECT_EQ(histogram.min(), 7u);
  EXPECT_EQ(histogram.max(), 7u);
}

TEST(HistogramTest, HugeValuesShareTheLastBucket) {
  Histogram histogram;
  histogram.Record(3);
  histogram.Record(UINT64_MAX);
  EXPECT_EQ(histogram.Percentile(50), 3u);
  EXPECT_EQ(histogram.Percentile(100), UINT64_MAX);
}

}  // namespace
}  // namespace slipway::serve
