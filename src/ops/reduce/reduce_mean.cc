// Arithmetic mean over axes.
#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"
#include "ops/reduce/quantized.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/sums.h"

namespace slipway {

OpDef MakeReduceMean() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceMean";
  op.summary = "Arithmetic mean over axes; of integers truncated toward zero.";
  op.formula = "y = sum(x) / n";
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedMean(context);
    return RunReduce(
        context, {.real = [](std::span<const double> x) { return Sum(x) / static_cast<double>(x.size()); },
                  .integer =
                      [](std::span<const int64_t> x, DType dtype) {
                        return x.empty() ? int64_t{0}
                                         : SumOfIntegers(x, dtype) / static_cast<int64_t>(x.size());
                      }});
  };
  op.cases = [] { return WithQuantized(ReduceCases(-4, 4), {-4, 4}, {-1, 1}); };
  op.foreign = OnnxReduceRows("ReduceMean", 18);
  op.foreign.push_back(TensorflowReduceRow("Mean"));
  op.foreign.push_back(TfliteReduceRow("MEAN"));
  return op;
}

}  // namespace slipway
