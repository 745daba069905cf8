// Small things that the quantised kernels of this folder share.
#pragma once

#include <algorithm>

#include "base/fixed_point.h"
#include "base/function_ref.h"
#include "base/scalar.h"
#include "ops/activation.h"
#include "ops/run.h"

namespace slipway {

struct Scale {
  float scale;
  int32_t zero_point;
};

inline Scale ScaleOf(const Quant& quant) {
  return {quant.scales[0], static_cast<int32_t>(quant.zero_points[0])};
}

inline ClampRange FullRange(DType dtype) { return {MinOfInteger(dtype), MaxOfInteger(dtype)}; }

inline int32_t Clamp(int64_t value, ClampRange range) {
  return static_cast<int32_t>(std::clamp(value, range.low, range.high));
}

// y = clamp(zero point of y + f(x - zero point of x)) for every element.
Status RunOnSteps(RunContext& context, ClampRange range, FunctionRef<int64_t(int32_t)> f);

// y = f(x) by table, as LiteRT builds it: 8-bit inputs have an entry each; 16-bit ones 513 entries with
// linear interpolation in between.
Status RunTable(RunContext& context, FunctionRef<float(float)> f);

}  // namespace slipway
