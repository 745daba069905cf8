// Does a model give the answers that its golden vectors want?
#pragma once

#include "plan/slip.h"
#include "runtime/engine.h"

namespace slipway {

// How far an output is from a golden one.
struct GoldenDifference {
  double largest = 0;  // of all elements; infinite where types, shapes, strings, or NaN and numbers differ
  double scale = 0;    // the largest finite magnitude that is wanted

  // Zero unless they are floats.
  static double AllowedBy(const GoldenVector& golden, DType dtype, double scale);
};
GoldenDifference DifferenceOf(const Tensor& got, const Tensor& want);

// Runs the golden vectors; an error (kMismatch) names the first output that is further off than it may be.
Status CheckGolden(const std::vector<GoldenVector>& golden, Context& context, const Engine& engine);

}  // namespace slipway
