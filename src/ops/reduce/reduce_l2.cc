// Euclidean norm over axes.
#include <cmath>

#include "ops/reduce/reduce.h"
#include "ops/reduce/sums.h"

namespace slipway {

OpDef MakeReduceL2() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceL2";
  op.summary = "Euclidean norm over axes.";
  op.formula = "y = sqrt(sum(x^2))";
  op.reference = [](RunContext& context) {
    return RunReduce(context, {.real = [](std::span<const double> x) { return std::sqrt(SumOfSquares(x)); }});
  };
  op.cases = [] { return ReduceCases(-4, 4); };
  op.foreign = OnnxReduceRows("ReduceL2", 18);
  op.foreign.push_back(TensorflowReduceRow("EuclideanNorm"));
  return op;
}

}  // namespace slipway
