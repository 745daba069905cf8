// Logarithm of a sum of exponentials over axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/reduce/reduce.h"

namespace slipway {
namespace {

double LogSumExp(std::span<const double> x) {
  double largest = -std::numeric_limits<double>::infinity();
  for (double value : x) largest = std::max(largest, value);
  if (std::isinf(largest)) return largest;  // nothing, or an infinity that outweighs the rest
  double sum = 0;
  for (double value : x) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

}  // namespace

OpDef MakeReduceLogSumExp() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceLogSumExp";
  op.summary = "Logarithm of the sum of exponentials over axes, without overflow.";
  op.formula = "y = log(sum(exp(x)))";
  op.reference = [](RunContext& context) { return RunReduce(context, {.real = LogSumExp}); };
  op.cases = [] { return ReduceCases(-4, 4); };
  op.foreign = OnnxReduceRows("ReduceLogSumExp", 18);
  return op;
}

}  // namespace slipway
