// Symbolic dimensions: a known extent, a named unknown ("N"), or an expression over them ("(N*2)").
//
// Expressions are kept as canonical text, so two dimensions that are computed the same way compare equal.
// Multiples and offsets are folded, and what cancels is cancelled: see dim.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slipway/tensor.h"

namespace slipway {

class Dim {
 public:
  Dim() = default;                       // unknown and unlike every other
  Dim(int64_t value) : value_(value) {}  // NOLINT: a number is a dimension
  // The unknown that is called `name`; equal names are equal dimensions.
  static Dim Symbol(std::string name);

  bool IsKnown() const { return value_ != kUnknown; }
  bool IsNamed() const { return !IsKnown() && !symbol_.empty(); }
  // REQUIRES: IsKnown().
  int64_t value() const { return value_; }
  const std::string& symbol() const { return symbol_; }

  // Surely the same extent. Anonymous unknowns equal nothing, not even themselves.
  bool SurelyEquals(const Dim& other) const;
  // Identical as written (two anonymous unknowns are).
  bool operator==(const Dim& other) const = default;

  std::string ToString() const;  // "3", "N", "?"

 private:
  // Contents of shape tensors are Dims too and may be negative (Reshape's -1), hence a sentinel far away.
  static constexpr int64_t kUnknown = INT64_MIN;
  int64_t value_ = kUnknown;
  std::string symbol_;
};

Dim operator+(const Dim& a, const Dim& b);
Dim operator-(const Dim& a, const Dim& b);
Dim operator*(const Dim& a, const Dim& b);
// Rounds towards minus infinity. Unknown when b is 0.
Dim FloorDiv(const Dim& a, const Dim& b);
Dim CeilDiv(const Dim& a, const Dim& b);

// Extents of a tensor of known rank.
using DimList = std::vector<Dim>;

DimList ToDimList(const Dims& dims);
bool AllKnown(const DimList& dims);
// REQUIRES: AllKnown(dims).
Dims KnownDims(const DimList& dims);
// For a run on made up data.
Dims WithUnknownsAsOne(const DimList& dims);
std::string ToString(const DimList& dims);  // "[N,3,224,224]"

// Extents that a symbolic dimension may have, both ends included.
struct DimRange {
  int64_t low = 1;
  int64_t high = INT64_MAX;

  bool operator==(const DimRange&) const = default;
};

}  // namespace slipway
