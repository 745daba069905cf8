#include "cli/golden.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/scalar.h"
#include "cli/console.h"
#include "cli/random_input.h"
#include "runtime/engine.h"

namespace slipway::cli {
namespace {

// A bar over the steps; once, where it takes long, a note says what takes it and how to do without.
class GoldenProgress {
 public:
  explicit GoldenProgress(size_t num_steps) : bar_("golden vectors", num_steps), num_steps_(num_steps) {}

  void Step(size_t step) {
    bar_.Advance();
    constexpr auto kLong = std::chrono::seconds(10);
    if (is_told_ || std::chrono::steady_clock::now() - start_ < kLong) return;
    is_told_ = true;
    bar_.Clear();
    PrintNote("golden vectors take long: the reference backend is at node " + std::to_string(step + 1) +
              " of " + std::to_string(num_steps_) + "; --no-golden leaves them out");
  }

 private:
  Progress bar_;
  size_t num_steps_;
  bool is_told_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

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
  GoldenProgress progress(engine->steps().size());
  context->SetObserver([&](size_t step, double) { progress.Step(step); });
  const auto outputs = context->Run(golden.inputs);
  if (!outputs.ok()) {
    // Extents that were left open need not be able to be 1, and an empty string is no file.
    const bool is_chosen = std::any_of(
        engine->inputs().begin(), engine->inputs().end(),
        [](const PortInfo& port) { return !port.type.IsStatic() || port.type.dtype == DType::kString; });
    return is_chosen ? Status::Ok() : outputs.status();
  }
  for (const Tensor& output : *outputs) golden.outputs.push_back(output.Clone());
  model.golden.push_back(std::move(golden));
  return Status::Ok();
}

Result<double> WidenGolden(SlipModel& model) {
  EngineOptions options;
  options.ranges = model.ranges;
  SLIPWAY_ASSIGN_OR_RETURN(auto engine, Engine::Create(model.graph, options));
  auto context = engine->NewContext();
  double worst = 0;
  for (GoldenVector& golden : model.golden) {
    context->ResetStates();
    SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run(golden.inputs));
    for (size_t i = 0; i < golden.outputs.size(); ++i) {
      const GoldenDifference difference = DifferenceOf(outputs[i], golden.outputs[i]);
      const bool is_float = IsFloat(golden.outputs[i].dtype());
      if (difference.largest == 0) continue;
      if (!is_float || !std::isfinite(difference.largest)) {
        return Status(Code::kMismatch,
                      "output '" + engine->outputs()[i].name + "' of golden vector '" + golden.name +
                          "' changes with the weights, and what it holds has no tolerance",
                      "convert without --weights f16, or with --no-golden");
      }
      const double relative = difference.scale > 0 ? difference.largest / difference.scale : 0;
      worst = std::max(worst, relative);
      golden.relative = std::max(golden.relative, static_cast<float>(2 * relative));
    }
  }
  return worst;
}

}  // namespace slipway::cli
