// Sum over axes.
#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"
#include "ops/reduce/quantized.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/sums.h"

namespace slipway {

OpDef MakeReduceSum() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceSum";
  op.summary = "Sum over axes; integers wrap around.";
  op.formula = "y = sum(x)";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedReduceSum(context);
    return RunReduce(context, {.real = Sum, .integer = SumOfIntegers});
  };
  op.cases = [] { return WithQuantized(ReduceCases(-4, 4), {-4, 4}, {-90, 90}); };
  op.foreign = OnnxReduceRows("ReduceSum", 13);
  op.foreign.push_back(TensorflowReduceRow("Sum"));
  op.foreign.push_back(TfliteReduceRow("SUM"));
  return op;
}

}  // namespace slipway
