// What TFLite's recurrent kernels on f32 share: matrices of f32, or of 8 bits whose operand is quantised row
// by row as it comes ("hybrid").
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ops/nn/quantized.h"
#include "ops/run.h"

namespace slipway {

enum class RowScheme { kSymmetric, kAsymmetric };

// A vector and, where a matrix of 8 bits wants it, its quantised twin.
class HybridRow {
 public:
  HybridRow(std::span<const float> values, RowScheme scheme) : values_(values), scheme_(scheme) {}
  std::span<const float> values() const { return values_; }
  const QuantizedRow& quantized() const;

 private:
  std::span<const float> values_;
  RowScheme scheme_;
  mutable std::optional<QuantizedRow> quantized_;
};

// [rows,columns], read once per call.
class HybridMatrix {
 public:
  HybridMatrix() = default;  // none: adds nothing
  // An error when it holds integers without a scale.
  static Result<HybridMatrix> Of(const RunContext& context, size_t input);

  bool IsNone() const { return real_.empty() && steps_.empty(); }
  // sums[row] += matrix[row] * x, for rows of x.values().size() columns.
  void Accumulate(const HybridRow& x, std::span<float> sums) const;
  // The elements as reals.
  std::vector<float> ToReals() const;

 private:
  std::vector<float> real_;
  std::vector<int8_t> steps_;
  float scale_ = 1;
};

RowScheme RowSchemeOf(const Attrs& attrs);

}  // namespace slipway
