#include "cli/model_error.h"

#include <algorithm>
#include <cmath>

#include "base/scalar.h"

namespace slipway::cli {
namespace {

// NaN where both are is no difference; where one is, an infinite one.
double Difference(double got, double want) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
  const double difference = std::fabs(got - want);
  return std::isfinite(difference) ? difference : INFINITY;
}

double RelativeError(const Tensor& got, const Tensor& want) {
  if (got.dims() != want.dims()) return INFINITY;
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    const double value = LoadReal(want.dtype(), want.data(), i);
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
    difference = std::max(difference, Difference(LoadReal(got.dtype(), got.data(), i), value));
  }
  return difference == 0 ? 0 : difference / largest;
}

}  // namespace

Result<ModelError> MeasureError(const Graph& graph, const EngineOptions& options,
                                std::span<const Tensor> inputs) {
  EngineOptions plain = options;
  plain.tactics.clear();
  plain.packed.clear();
  plain.accuracy = Accuracy::kStrict;
  plain.precision = Precision::kF32;
  std::vector<Tensor> want;
  {
    SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(graph, plain));
    const auto context = engine->NewContext();
    SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run(inputs));
    for (const Tensor& output : outputs) want.push_back(output.Clone());
  }
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(graph, options));
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run(inputs));
  ModelError error;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!IsFloat(outputs[i].dtype())) continue;
    const double relative = RelativeError(outputs[i], want[i]);
    if (relative <= error.relative) continue;
    error = {relative, engine->outputs()[i].name};
  }
  return error;
}

}  // namespace slipway::cli
