// Functions of quantised integers by table.
#include <array>
#include <cmath>

#include "ops/math/quantized.h"
#include "ops/math/quantized_parts.h"

namespace slipway {
namespace {

// round(value) within the range; what is no number counts as the lowest.
int64_t RoundInto(float value, int32_t zero_point, ClampRange range) {
  if (std::isnan(value)) return range.low;
  const float limit = 1 << 24;
  const auto rounded = static_cast<int64_t>(std::round(std::clamp(value, -limit, limit)));
  return Clamp(rounded + zero_point, range);
}

using Table16 = std::array<int16_t, 513>;

// f over all 16-bit inputs in 512 steps, in steps of the output; entry 512 only ends the last interval. Each
// entry is shifted by half of the error that linear interpolation makes in the middle of its interval.
Table16 MakeTable16(const Scale& in, const Scale& out, FunctionRef<float(float)> f) {
  const float lowest = in.scale * static_cast<float>(-32768 - in.zero_point);
  const float highest = in.scale * static_cast<float>(32767 - in.zero_point);
  const float out_lowest = out.scale * static_cast<float>(-32768 - out.zero_point);
  const float out_highest = out.scale * static_cast<float>(32767 - out.zero_point);
  const float step = (highest - lowest) / 512;
  const float half_step = step / 2;
  const float inverse = 65536.0F / (out_highest - out_lowest);
  const auto cut = [](float value) {
    return static_cast<int16_t>(std::isnan(value) ? -32768.0F : std::clamp(value, -32768.0F, 32767.0F));
  };
  Table16 table;
  for (int i = 0; i < 512; ++i) {
    const float here = std::round(f(lowest + static_cast<float>(i) * step) * inverse);
    const float middle = std::round(f(lowest + static_cast<float>(i) * step + half_step) * inverse);
    const float next = f(lowest + static_cast<float>(i + 1) * step) * inverse;
    const float interpolated = std::round((next + here) / 2);
    table[static_cast<size_t>(i)] = cut(here - std::round((interpolated - middle) / 2));
  }
  table[512] = cut(std::round(f(highest) * inverse));
  return table;
}

int16_t LookUp(const Table16& table, int16_t value) {
  const auto index = static_cast<size_t>(256 + (value >> 7));
  const int32_t base = table[index];
  const auto slope = static_cast<int16_t>(table[index + 1] - base);
  return static_cast<int16_t>(base + ((slope * (value & 0x7F) + 64) >> 7));
}

}  // namespace

Status RunTable(RunContext& context, FunctionRef<float(float)> f) {
  SLIPWAY_RETURN_IF_ERROR(CheckPerTensor(context, 1));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Scale in = ScaleOf(*context.in_quant(0));
  const Scale out = ScaleOf(*context.out_quant(0));
  const int64_t count = x.count();
  if (x.dtype() == DType::kI16 && y.dtype() == DType::kI16) {
    const Table16 table = MakeTable16(in, out, f);
    for (int64_t i = 0; i < count; ++i) y.as<int16_t>()[i] = LookUp(table, x.as<int16_t>()[i]);
    return Status::Ok();
  }
  const float inverse = 1.0F / out.scale;
  const ClampRange range = FullRange(y.dtype());
  for (int64_t i = 0; i < count; ++i) {
    const auto q = static_cast<int32_t>(LoadInt(x.dtype(), x.data(), i));
    const float real = f(in.scale * static_cast<float>(q - in.zero_point));
    StoreInt(y.dtype(), y.data(), i, RoundInto(real * inverse, out.zero_point, range));
  }
  return Status::Ok();
}

}  // namespace slipway
