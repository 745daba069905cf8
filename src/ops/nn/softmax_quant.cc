// Quantised Softmax and LogSoftmax, to the bit as LiteRT.
//
// 8-bit inputs look exponentials of the distance to the row's largest element up in a table of 256 f32
// values, then scale by the reciprocal of their sum. 16-bit inputs use two tables of 513 entries, for exp on
// [-10, 0] and for 1 / (1 + x) on [0, 1], interpolated with 7 bits. From 8 to 16 bits all is fixed point of
// 32 bits.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/scalar.h"
#include "ops/nn/fixed_functions.h"
#include "ops/nn/quantized.h"
#include "ops/nn/softmax.h"

namespace slipway {
namespace {

// exp(-scale * beta * d) for d = 0..255.
std::array<float, 256> ExpTable(float scale, float beta) {
  std::array<float, 256> table;
  const float step = -scale * beta;
  for (int d = 0; d < 256; ++d) table[static_cast<size_t>(d)] = std::exp(step * static_cast<float>(d));
  return table;
}

// Calls row(first element, step) for every line along the axis.
template <class F>
void ForEachRow(const RowSplit& split, const F& row) {
  for (int64_t o = 0; o < split.outer; ++o) {
    for (int64_t i = 0; i < split.inner; ++i) row(o * split.length * split.inner + i);
  }
}

struct Row {
  const Tensor& x;
  int64_t first, step, length;
  int64_t operator[](int64_t k) const { return LoadInt(x.dtype(), x.data(), first + k * step); }
  int64_t Largest() const {
    int64_t best = (*this)[0];
    for (int64_t k = 1; k < length; ++k) best = std::max(best, (*this)[k]);
    return best;
  }
};

void Softmax8(const Row& row, const std::array<float, 256>& table, const Quant& quant, Tensor& y) {
  const int64_t largest = row.Largest();
  float sum = 0;
  for (int64_t k = 0; k < row.length; ++k) sum += table[static_cast<size_t>(largest - row[k])];
  const float inverse = 1.0F / (sum * ScaleOf(quant));
  for (int64_t k = 0; k < row.length; ++k) {
    const float scaled = table[static_cast<size_t>(largest - row[k])] * inverse;
    const int64_t value = y.dtype() == DType::kU8
                              ? static_cast<int64_t>(scaled + 0.5F)
                              : static_cast<int64_t>(std::round(scaled)) + ZeroPointOf(quant);
    StoreInt(y.dtype(), y.data(), row.first + k * row.step,
             std::clamp(value, MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())));
  }
}

// f on [low, high] as 16-bit fractions, entry 512 for the slope of the last interval. Each entry is shifted
// by half of the error that linear interpolation makes in the middle of its interval.
std::array<int16_t, 513> InterpolationTable(double (*f)(double), double low, double high) {
  std::array<int16_t, 513> table;
  const double step = (high - low) / 512;
  const double half = step / 2;
  const double scale = 32768;
  const auto cut = [](double value) { return static_cast<int16_t>(std::clamp(value, -32768.0, 32767.0)); };
  for (int i = 0; i < 512; ++i) {
    const double here = std::round(f(low + i * step) * scale);
    const double middle = std::round(f(low + i * step + half) * scale);
    const double next = f(low + (i + 1) * step) * scale;  // LiteRT leaves this one unrounded
    const double interpolated = std::round((next + here) / 2);
    const double bias = std::round((interpolated - middle) / 2);
    table[static_cast<size_t>(i)] = cut(here - bias);
  }
  table[512] = cut(std::round(f(high) * scale));
  return table;
}

int16_t LookUp(int16_t value, const std::array<int16_t, 513>& table) {
  const auto index = static_cast<size_t>(256 + (value >> 7));
  const int32_t offset = value & 0x7F;
  const int32_t base = table[index];
  const int32_t slope = table[index + 1] - base;
  return static_cast<int16_t>(base + ((slope * offset + 64) >> 7));
}

int16_t Saturate(int64_t value) { return static_cast<int16_t>(std::clamp<int64_t>(value, -32768, 32767)); }

void Softmax16(const Row& row, FixedMultiplier multiplier, Tensor& y) {
  static const auto exp_table = InterpolationTable([](double x) { return std::exp(x); }, -10, 0);
  static const auto inverse_table = InterpolationTable([](double x) { return 1 / (1 + x); }, 0, 1);
  const int64_t largest = row.Largest();
  std::vector<int16_t> exps;
  int32_t sum = 0;
  for (int64_t k = 0; k < row.length; ++k) {
    const int32_t scaled = MultiplyByQuantizedMultiplier(static_cast<int32_t>(row[k] - largest), multiplier);
    exps.push_back(LookUp(Saturate(int64_t{scaled} + 32767), exp_table));
    sum += exps.back();
  }
  // sum = 2^(31 - headroom) * (1 + fraction); the table gives 1 / (1 + fraction).
  const int headroom = std::countl_zero(static_cast<uint32_t>(sum));
  const int64_t normal = ((static_cast<int64_t>(sum) << (headroom - 1)) + (1 << 13)) >> 14;
  const int64_t inverse = LookUp(Saturate(normal - (1 << 15) - (1 << 16)), inverse_table);
  const int shift = 31 - headroom;
  for (int64_t k = 0; k < row.length; ++k) {
    const int64_t value = (exps[static_cast<size_t>(k)] * inverse + (int64_t{1} << (shift - 1))) >> shift;
    StoreInt(y.dtype(), y.data(), row.first + k * row.step, std::clamp<int64_t>(value, 0, 32767));
  }
}

// i8 to i16, of scale 2^-16. Differences to the largest are Q5, exponentials Q0, their sum Q12.
class WideningSoftmax {
 public:
  WideningSoftmax(float scale, float beta) {
    constexpr double kLargest = 2147483647;
    const double real = static_cast<double>(beta) * static_cast<double>(scale) * (1 << (31 - kDiffBits));
    multiplier_ = QuantizeMultiplier(real > 0 ? std::min(real, kLargest) : 0);
    // Beyond these differences the exponential counts as nothing.
    const double radius = std::ldexp((1 << kDiffBits) - 1, 31 - kDiffBits - multiplier_.shift);
    least_ = -static_cast<int64_t>(std::min(std::floor(radius), kLargest));
  }

  void Run(const Row& row, Tensor& y) const {
    const int64_t largest = row.Largest();
    int64_t sum = 0;
    for (int64_t k = 0; k < row.length; ++k) {
      if (row[k] - largest >= least_) sum += Fixed::Scaled(Exp(row[k] - largest), -kSumBits);
    }
    // sum = 2^(31 - headroom) * (1 + fraction).
    const auto bounded = static_cast<uint32_t>(std::min<int64_t>(sum, std::numeric_limits<int32_t>::max()));
    const int headroom = std::countl_zero(bounded);
    const auto fraction = static_cast<int32_t>((bounded << headroom) - (uint32_t{1} << 31));
    const int32_t inverse = Fixed::ReciprocalOfOnePlus(fraction);
    const int shift = std::min(kSumBits - headroom + 31 - 16, 31);
    for (int64_t k = 0; k < row.length; ++k) {
      const int64_t diff = row[k] - largest;
      const int64_t part =
          diff < least_ ? 0 : RoundingDivideByPowerOfTwo(Fixed::Multiply(inverse, Exp(diff)), shift);
      StoreInt(y.dtype(), y.data(), row.first + k * row.step,
               std::clamp<int64_t>(part - 32768, -32768, 32767));
    }
  }

 private:
  using Fixed = FixedFunctions<int32_t>;
  static constexpr int kDiffBits = 5;
  static constexpr int kSumBits = 12;

  int32_t Exp(int64_t diff) const {
    const auto shifted = static_cast<int32_t>(diff * (int64_t{1} << std::max(multiplier_.shift, 0)));
    return Fixed::ExpOfNegative(SaturatingRoundingDoublingHighMul(shifted, multiplier_.multiplier),
                                kDiffBits);
  }

  FixedMultiplier multiplier_;
  int64_t least_ = 0;
};

}  // namespace

Status RunQuantizedSoftmax(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Quant* xq = context.in_quant(0);
  const Quant* yq = context.out_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, xq, "input"));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, yq, "output"));
  if (x.count() == 0) return Status::Ok();
  const float beta = context.attrs().Float("beta", 1);
  const RowSplit split = SplitRows(context.attrs(), x.dims());
  if (x.dtype() == DType::kI16) {
    if (ZeroPointOf(*yq) != 0 || std::abs(ScaleOf(*yq) * 32768 - 1) > 1e-3F)
      return context.Error("a 16-bit output must have scale 1/32768 and zero point 0");
    // Distances of 10 and more count as 10: [-10, 0] onto [-65535, 0].
    const double real = static_cast<double>(ScaleOf(*xq)) * static_cast<double>(beta) / (10.0 / 65535.0);
    const FixedMultiplier multiplier = QuantizeMultiplier(real);
    ForEachRow(split, [&](int64_t first) {
      Softmax16({x, first, split.inner, split.length}, multiplier, y);
    });
    return Status::Ok();
  }
  if (y.dtype() == DType::kI16) {
    if (ZeroPointOf(*yq) != -32768 || std::abs(ScaleOf(*yq) * 65536 - 1) > 1e-3F)
      return context.Error("a 16-bit output of 8 bits must have scale 1/65536 and zero point -32768");
    const WideningSoftmax softmax(ScaleOf(*xq), beta);
    ForEachRow(split, [&](int64_t first) { softmax.Run({x, first, split.inner, split.length}, y); });
    return Status::Ok();
  }
  const auto table = ExpTable(ScaleOf(*xq), beta);
  ForEachRow(split, [&](int64_t first) { Softmax8({x, first, split.inner, split.length}, table, *yq, y); });
  return Status::Ok();
}

Status RunQuantizedLogSoftmax(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Quant* xq = context.in_quant(0);
  const Quant* yq = context.out_quant(0);
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, xq, "input"));
  SLIPWAY_RETURN_IF_ERROR(RequireQuant(context, yq, "output"));
  if (x.count() == 0) return Status::Ok();
  const RowSplit split = SplitRows(context.attrs(), x.dims());
  const auto table = ExpTable(ScaleOf(*xq), 1);
  const float scale = ScaleOf(*xq) / ScaleOf(*yq);
  ForEachRow(split, [&](int64_t first) {
    const Row row{x, first, split.inner, split.length};
    const int64_t largest = row.Largest();
    float sum = 0;
    for (int64_t k = 0; k < row.length; ++k) sum += table[static_cast<size_t>(largest - row[k])];
    const float offset = std::log(sum) / ScaleOf(*yq);
    for (int64_t k = 0; k < row.length; ++k) {
      const float value = scale * static_cast<float>(row[k] - largest) - offset;
      const int64_t step = static_cast<int64_t>(std::round(value)) + ZeroPointOf(*yq);
      StoreInt(y.dtype(), y.data(), row.first + k * row.step,
               std::clamp(step, MinOfInteger(y.dtype()), MaxOfInteger(y.dtype())));
    }
  });
  return Status::Ok();
}

}  // namespace slipway
