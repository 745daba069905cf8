// Logarithm of a sum over axes.
#include <cmath>

#include "ops/reduce/reduce.h"
#include "ops/reduce/sums.h"

namespace slipway {

OpDef MakeReduceLogSum() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceLogSum";
  op.summary = "Logarithm of the sum over axes.";
  op.formula = "y = log(sum(x))";
  op.reference = [](RunContext& context) {
    return RunReduce(context, {.real = [](std::span<const double> x) { return std::log(Sum(x)); }});
  };
  op.cases = [] { return ReduceCases(0.25, 4); };
  op.foreign = OnnxReduceRows("ReduceLogSum", 18);
  return op;
}

}  // namespace slipway
