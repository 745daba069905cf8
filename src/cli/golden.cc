#include "cli/golden.h"

#include <algorithm>
#include <chrono>

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

}  // namespace slipway::cli
