// Element-wise difference; integers wrap around.
#include "ops/legacy_broadcast.h"
#include "ops/math/arithmetic.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeSub() {
  OpDef op = ArithmeticOp();
  op.name = "Sub";
  op.summary = "Element-wise difference; integers wrap around.";
  op.formula = "c = a - b";
  op.infer = [](InferContext& context) {
    return InferOnExtents(context, [](const Dim& a, const Dim& b) { return a - b; });
  };
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedSum(context, -1);
    return RunArithmetic(
        context, {.real = [](double a, double b) { return a - b; },
                  .signed_integer =
                      [](int64_t a, int64_t b) {
                        return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
                      }});
  };
  op.cases = [] { return WithQuantized(ArithmeticCases(-4, 4), {-4, 4}, {-7, 7}); };
  op.foreign = {{Format::kOnnx, "Sub", 7},
                {Format::kOnnx, "Sub", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "Sub", 1},
                {Format::kTflite, "SUB", 1, INT_MAX, ImportTfliteActivation}};
  return op;
}

}  // namespace slipway
