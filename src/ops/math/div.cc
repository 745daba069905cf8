// Element-wise quotient; integers are truncated toward zero, x / 0 gives 0 for them.
#include "ops/legacy_broadcast.h"
#include "ops/math/arithmetic.h"
#include "ops/math/quantized.h"

namespace slipway {

OpDef MakeDiv() {
  OpDef op = ArithmeticOp();
  op.name = "Div";
  op.summary = "Element-wise quotient; integers are truncated toward zero, x / 0 gives 0 for them.";
  op.formula = "c = a / b";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedDiv(context);
    return RunArithmetic(
        context,
        {.real = [](double a, double b) { return a / b; },
         .signed_integer =
             [](int64_t a, int64_t b) {
               return b == 0 ? 0 : b == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(a)) : a / b;
             },
         .unsigned_integer = [](uint64_t a, uint64_t b) { return b == 0 ? 0 : a / b; }});
  };
  op.cases = [] { return WithQuantized(ArithmeticCases(1, 4), {0, 4}, {0, 9}); };
  op.foreign = {{Format::kOnnx, "Div", 7},
                {Format::kOnnx, "Div", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "RealDiv", 1},
                {Format::kTensorflow, "Div", 1},
                {Format::kTensorflow, "TruncateDiv"},
                {Format::kTflite, "DIV", 1, INT_MAX, ImportTfliteActivation}};
  return op;
}

}  // namespace slipway
