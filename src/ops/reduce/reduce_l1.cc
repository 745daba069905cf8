// Sum of magnitudes over axes.
#include <cmath>

#include "ops/reduce/reduce.h"

namespace slipway {

OpDef MakeReduceL1() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceL1";
  op.summary = "Sum of magnitudes over axes.";
  op.formula = "y = sum(|x|)";
  op.reference = [](RunContext& context) {
    return RunReduce(context, {.real = [](std::span<const double> x) {
                       double sum = 0;
                       for (double value : x) sum += std::fabs(value);
                       return sum;
                     }});
  };
  op.cases = [] { return ReduceCases(-4, 4); };
  op.foreign = OnnxReduceRows("ReduceL1", 18);
  return op;
}

}  // namespace slipway
