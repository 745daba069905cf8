// Angle of the point (b, a), in radians.
#include <cmath>

#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeAtan2() {
  OpDef op = BinaryOp(kFloats);
  op.name = "Atan2";
  op.summary = "Angle of the point (b, a), in radians.";
  op.formula = "c = atan2(a, b)";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.real = [](double a, double b) { return std::atan2(a, b); },
                               .signed_integer =
                                   [](int64_t a, int64_t b) {
                                     return static_cast<int64_t>(
                                         std::atan2(static_cast<double>(a), static_cast<double>(b)));
                                   }});
  };
  op.cases = [] { return BinaryCases(-4, 4); };
  op.foreign = {{Format::kTensorflow, "Atan2", 1}, {Format::kTflite, "ATAN2", 1}};
  return op;
}

}  // namespace slipway
