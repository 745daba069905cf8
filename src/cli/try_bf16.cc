#include "cli/try_bf16.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/timing.h"
#include "cli/console.h"
#include "cli/random_input.h"

namespace slipway::cli {
namespace {

// One precision, ready to be timed.
struct Runner {
  std::shared_ptr<const Engine> engine;
  std::unique_ptr<Context> context;
  double least_ms = 1e30;

  static Result<Runner> Make(const Graph& graph, const EngineOptions& options) {
    Runner runner;
    SLIPWAY_ASSIGN_OR_RETURN(runner.engine, Engine::Create(graph, options));
    runner.context = runner.engine->NewContext();
    return runner;
  }

  Status Time(std::span<const Tensor> inputs) {
    const auto start = SteadyClock::now();
    SLIPWAY_RETURN_IF_ERROR(context->Run(inputs).status());
    least_ms = std::min(least_ms, MillisecondsSince(start));
    return Status::Ok();
  }
};

}  // namespace

std::string Bf16Trial::ToString() const {
  return fmt::format(
      "bf16: {:.2f} times as fast ({:.2f} ms, f32 {:.2f} ms), changes '{}' by {:.1e} of its largest value",
      f32_ms / bf16_ms, bf16_ms, f32_ms, error.output, error.relative);
}

Result<Bf16Trial> TryBf16(const Graph& graph, EngineOptions options, std::span<const Tensor> inputs) {
  constexpr int kLeastRuns = 4;  // the first warms up
  constexpr double kEnoughMs = 300;
  options.tactics.clear();
  options.packed.clear();
  EngineOptions bf16 = options;
  options.precision = Precision::kF32;
  bf16.precision = Precision::kBf16;
  Bf16Trial trial;
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Tensor> plain, PlainAnswers(graph, options, inputs));
  SLIPWAY_ASSIGN_OR_RETURN(Runner narrow, Runner::Make(graph, bf16));
  SLIPWAY_ASSIGN_OR_RETURN(trial.error, MeasureError(*narrow.engine, *narrow.context, inputs, plain));
  SLIPWAY_ASSIGN_OR_RETURN(Runner wide, Runner::Make(graph, options));
  const auto start = SteadyClock::now();
  for (int run = 0; run < kLeastRuns || MillisecondsSince(start) < kEnoughMs; ++run) {
    SLIPWAY_RETURN_IF_ERROR(wide.Time(inputs));
    SLIPWAY_RETURN_IF_ERROR(narrow.Time(inputs));
  }
  trial.f32_ms = wide.least_ms;
  trial.bf16_ms = narrow.least_ms;
  return trial;
}

Result<Precision> ChoosePrecision(const SlipModel& model, const EngineOptions& options, double budget) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto backends, BackendsFor(model.graph, options));
  if (const auto reason = WhyNo(Precision::kBf16, backends)) {
    PrintNote("precision f32: " + *reason);
    return Precision::kF32;
  }
  const auto trial = TryBf16(model.graph, options, SampleInputs(model));
  if (!trial.ok()) {
    PrintNote("precision f32: bf16 could not be tried: " + trial.status().message());
    return Precision::kF32;
  }
  const bool is_close = trial->error.relative <= budget;
  const bool is_taken = is_close && trial->bf16_ms < trial->f32_ms;
  PrintNote(fmt::format("precision {}: {}{}", is_taken ? "bf16" : "f32", trial->ToString(),
                        is_close ? "" : fmt::format(", the budget is {:.0e}", budget)));
  return is_taken ? Precision::kBf16 : Precision::kF32;
}

}  // namespace slipway::cli
