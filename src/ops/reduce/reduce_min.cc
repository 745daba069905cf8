// Smallest element over axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/scalar.h"
#include "ops/reduce/reduce.h"

namespace slipway {
namespace {

double Smallest(std::span<const double> x) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double best = kInfinity;
  for (double value : x) best = std::isnan(best) || std::isnan(value) ? NAN : std::fmin(best, value);
  return best;
}

int64_t SmallestInteger(std::span<const int64_t> x, DType dtype) {
  if (dtype == DType::kU64) {
    uint64_t best = UINT64_MAX;
    for (int64_t value : x) best = std::min(best, static_cast<uint64_t>(value));
    return static_cast<int64_t>(best);
  }
  int64_t best = dtype == DType::kBool ? 1 : MaxOfInteger(dtype);
  for (int64_t value : x) best = std::min(best, value);
  return best;
}

}  // namespace

OpDef MakeReduceMin() {
  OpDef op = ReduceOp(kNumbers | kBools);
  op.name = "ReduceMin";
  op.summary = "Smallest element over axes; NaN wins; of nothing the type's highest.";
  op.formula = "y = min(x)";
  op.reference = [](RunContext& context) {
    return RunReduce(context, {.real = Smallest, .integer = SmallestInteger});
  };
  op.cases = [] { return ReduceCases(-4, 4); };
  op.foreign = OnnxReduceRows("ReduceMin", 18);
  op.foreign.push_back(TensorflowReduceRow("Min"));
  op.foreign.push_back(TfliteReduceRow("REDUCE_MIN"));
  return op;
}

}  // namespace slipway
