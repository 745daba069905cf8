// Element-wise product; integers wrap around.
#include "ops/legacy_broadcast.h"
#include "ops/math/arithmetic.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeMul() {
  OpDef op = ArithmeticOp();
  op.name = "Mul";
  op.summary = "Element-wise product; integers wrap around.";
  op.formula = "c = a * b";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedMul(context);
    return RunArithmetic(
        context, {.real = [](double a, double b) { return a * b; },
                  .signed_integer =
                      [](int64_t a, int64_t b) {
                        return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
                      }});
  };
  op.cases = [] { return WithQuantized(ArithmeticCases(-4, 4), {-4, 4}, {-14, 14}); };
  op.foreign = {{Format::kOnnx, "Mul", 7},
                {Format::kOnnx, "Mul", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "Mul", 1},
                {Format::kTflite, "MUL", 1, INT_MAX, ImportTfliteActivation},
                {Format::kTflite, "STABLEHLO_MULTIPLY"}};
  return op;
}

}  // namespace slipway
