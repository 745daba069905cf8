// Sum of squares over axes.
#include "ops/reduce/reduce.h"
#include "ops/reduce/sums.h"

namespace slipway {

OpDef MakeReduceSumSquare() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceSumSquare";
  op.summary = "Sum of squares over axes.";
  op.formula = "y = sum(x^2)";
  op.reference = [](RunContext& context) { return RunReduce(context, {.real = SumOfSquares}); };
  op.cases = [] { return ReduceCases(-4, 4); };
  op.foreign = OnnxReduceRows("ReduceSumSquare", 18);
  return op;
}

}  // namespace slipway
