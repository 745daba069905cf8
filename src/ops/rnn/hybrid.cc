#include "ops/rnn/hybrid.h"

#include "base/scalar.h"

namespace slipway {

const QuantizedRow& HybridRow::quantized() const {
  if (!quantized_)
    quantized_ = scheme_ == RowScheme::kAsymmetric ? QuantizeAsymmetric(values_) : QuantizeSymmetric(values_);
  return *quantized_;
}

Result<HybridMatrix> HybridMatrix::Of(const RunContext& context, size_t input) {
  HybridMatrix matrix;
  if (!context.HasInput(input)) return matrix;
  const Tensor& tensor = context.in(input);
  const auto count = static_cast<size_t>(tensor.count());
  if (IsFloat(tensor.dtype())) {
    matrix.real_.resize(count);
    for (size_t i = 0; i < count; ++i)
      matrix.real_[i] = static_cast<float>(LoadReal(tensor.dtype(), tensor.data(), static_cast<int64_t>(i)));
    return matrix;
  }
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, context.in_quant(input), "a weight"));
  matrix.scale_ = ScaleOf(*context.in_quant(input));
  matrix.steps_.resize(count);
  // Old converters say u8 where they mean i8: the bytes are signed in either case.
  for (size_t i = 0; i < count; ++i)
    matrix.steps_[i] = static_cast<int8_t>(LoadInt(tensor.dtype(), tensor.data(), static_cast<int64_t>(i)));
  return matrix;
}

void HybridMatrix::Accumulate(const HybridRow& x, std::span<float> sums) const {
  if (IsNone()) return;
  const size_t columns = x.values().size();
  if (!real_.empty()) {
    for (size_t row = 0; row < sums.size(); ++row) {
      double sum = 0;
      for (size_t i = 0; i < columns; ++i)
        sum += static_cast<double>(real_[row * columns + i]) * static_cast<double>(x.values()[i]);
      sums[row] += static_cast<float>(sum);
    }
    return;
  }
  const QuantizedRow& steps = x.quantized();
  const float scale = steps.scale * scale_;
  for (size_t row = 0; row < sums.size(); ++row) {
    int32_t sum = 0;
    for (size_t i = 0; i < columns; ++i)
      sum += steps_[row * columns + i] * (steps.values[i] - steps.zero_point);
    sums[row] += static_cast<float>(sum) * scale;
  }
}

std::vector<float> HybridMatrix::ToReals() const {
  if (steps_.empty()) return real_;
  std::vector<float> reals;
  for (int8_t step : steps_) reals.push_back(scale_ * static_cast<float>(step));
  return reals;
}

RowScheme RowSchemeOf(const Attrs& attrs) {
  return attrs.Int("asymmetric_quantize_inputs") != 0 ? RowScheme::kAsymmetric : RowScheme::kSymmetric;
}

}  // namespace slipway
