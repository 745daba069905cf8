#include "cli/golden.h"

#include <algorithm>

#include "cli/random_input.h"
#include "runtime/engine.h"

namespace slipway::cli {

Status AddGolden(SlipModel& model) {
  EngineOptions options;
  options.backend = "ref";
  SLIPWAY_ASSIGN_OR_RETURN(auto engine, Engine::Create(model.graph, options));
  GoldenVector golden;
  golden.name = "random";
  for (const PortInfo& port : engine->inputs()) {
    if (!port.type.HasRank()) return Status::Ok();  // no shape to choose
    golden.inputs.push_back(RandomTensor(port, DefaultDims(port.type, model.ranges), 1));
  }
  auto context = engine->NewContext();
  const auto outputs = context->Run(golden.inputs);
  if (!outputs.ok()) {
    // Extents that were left open need not be able to be 1.
    const bool is_chosen = std::any_of(engine->inputs().begin(), engine->inputs().end(),
                                       [](const PortInfo& port) { return !port.type.IsStatic(); });
    return is_chosen ? Status::Ok() : outputs.status();
  }
  for (const Tensor& output : *outputs) golden.outputs.push_back(output.Clone());
  model.golden.push_back(std::move(golden));
  return Status::Ok();
}

}  // namespace slipway::cli
