#include "cli/model_error.h"

#include "cli/golden.h"

namespace slipway::cli {

Result<std::vector<Tensor>> PlainAnswers(const Graph& graph, EngineOptions options,
                                         std::span<const Tensor> inputs) {
  options.tactics.clear();
  options.packed.clear();
  options.accuracy = Accuracy::kStrict;
  options.precision = Precision::kF32;
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(graph, options));
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run(inputs));
  std::vector<Tensor> answers;
  for (const Tensor& output : outputs) answers.push_back(output.Clone());
  return answers;
}

Result<ModelError> MeasureError(const Engine& engine, Context& context, std::span<const Tensor> inputs,
                                std::span<const Tensor> plain) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context.Run(inputs));
  ModelError error;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!IsFloat(outputs[i].dtype())) continue;
    const GoldenDifference difference = DifferenceOf(outputs[i], plain[i]);
    const double relative = difference.largest == 0 ? 0 : difference.largest / difference.scale;
    if (relative <= error.relative) continue;
    error = {relative, engine.outputs()[i].name};
  }
  return error;
}

}  // namespace slipway::cli
