// A histogram of latencies with a fixed relative precision, in the manner of HdrHistogram: buckets of width 1
// below 2^kPrecisionBits, then as many to each further power of two. Recording is a shift and an increment.
//
// Left out: values beyond 2^kValueBits share the last bucket (min, mean and max stay exact).
#pragma once

#include <cstdint>
#include <vector>

namespace slipway::serve {

class Histogram {
 public:
  // A bucket is at most 2^-10, about 0.1 %, of its values wide.
  static constexpr int kPrecisionBits = 10;
  // Nanoseconds to more than an hour.
  static constexpr int kValueBits = 42;

  Histogram();

  void Record(uint64_t value);
  // Adds all that the other has recorded.
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  // All 0 while nothing is recorded.
  uint64_t min() const { return count_ == 0 ? 0 : min_; }
  uint64_t max() const { return max_; }
  double Mean() const;
  // Nearest rank: at least `percent` % of the values are no greater. Never below the true value, and above it
  // by a bucket's width at most. `percent` is held within 0..100; 0 gives the least value's.
  uint64_t Percentile(double percent) const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t min_ = UINT64_MAX;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace slipway::serve
