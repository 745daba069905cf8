#include "serve/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace slipway::serve {
namespace {

constexpr uint64_t kPerPower = uint64_t{1} << Histogram::kPrecisionBits;
constexpr uint64_t kLargest = (uint64_t{1} << Histogram::kValueBits) - 1;

// How far a value is shifted to the right until kPrecisionBits + 1 bits of it are left.
int ShiftOf(uint64_t value) {
  return std::max(0, static_cast<int>(std::bit_width(value)) - Histogram::kPrecisionBits - 1);
}

size_t BucketOf(uint64_t value) {
  value = std::min(value, kLargest);
  const int shift = ShiftOf(value);
  return static_cast<uint64_t>(shift) * kPerPower + (value >> shift);
}

// The greatest value of a bucket.
uint64_t UpperBound(size_t bucket) {
  if (bucket < 2 * kPerPower) return bucket;
  const uint64_t shift = bucket / kPerPower - 1;
  return ((bucket - shift * kPerPower + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : counts_(BucketOf(kLargest) + 1) {}

void Histogram::Record(uint64_t value) {
  ++counts_[BucketOf(value)];
  ++count_;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::Mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

uint64_t Histogram::Percentile(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  const uint64_t wanted = std::clamp<uint64_t>(rank, 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    // The last bucket has no upper bound of its own.
    if (seen >= wanted) return i + 1 == counts_.size() ? max_ : std::min(UpperBound(i), max_);
  }
  return max_;
}

}  // namespace slipway::serve
