// Times a model file on a backend: the median of many runs, and what each kind of step costs.
//
// slipway_model_bench MODEL [BACKEND=cpu] [THREADS=2] [RUNS=30] [steps]
//
// "steps": every step, with the estimate of the cost model, in place of the sums.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>
#include <string_view>

#include "formats/registry/import_model.h"
#include "passes/pipeline.h"
#include "runtime/engine.h"

namespace slipway {
namespace {

std::vector<Tensor> MakeInputs(const Engine& engine) {
  std::vector<Tensor> inputs;
  for (const PortInfo& port : engine.inputs()) {
    Dims dims;
    for (const Dim& dim : *port.type.shape) dims.push_back(dim.IsKnown() ? dim.value() : 1);
    Tensor tensor(port.type.dtype, dims);
    if (tensor.dtype() == DType::kF32) {
      for (int64_t i = 0; i < tensor.count(); ++i) tensor.as<float>()[i] = static_cast<float>(i % 255) / 255;
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

double MillisecondsOf(Context& context, const std::vector<Tensor>& inputs) {
  const auto start = std::chrono::steady_clock::now();
  const auto outputs = context.Run(inputs);
  if (!outputs.ok()) {
    std::fprintf(stderr, "%s\n", outputs.status().message().c_str());
    std::exit(1);
  }
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Every step's least time of some runs beside the cost model's estimate.
void PrintSteps(const Engine& engine, Context& context, const std::vector<Tensor>& inputs) {
  constexpr int kRuns = 10;
  std::vector<double> least(engine.steps().size(), 1e30);
  context.SetObserver([&](size_t step, double us) { least[step] = std::min(least[step], us); });
  for (int i = 0; i < kRuns; ++i) MillisecondsOf(context, inputs);
  for (size_t i = 0; i < least.size(); ++i) {
    const StepInfo& info = engine.steps()[i];
    std::printf("%9.1f us  estimate %9.1f  %-28s %s %s\n", least[i], info.estimate_us, info.tactic.c_str(),
                info.op.c_str(), info.node.c_str());
  }
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL [BACKEND] [THREADS] [RUNS] [steps] [bf16]\n", argv[0]);
    return 2;
  }
  auto model = ImportModel(argv[1]);
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", model.status().message().c_str());
    return 1;
  }
  const auto passes = Optimize(model->graph, PipelineOptions::FromEnvironment());
  EngineOptions options;
  if (argc > 2) options.backend = argv[2];
  options.num_threads = argc > 3 ? std::atoi(argv[3]) : 2;
  const int runs = argc > 4 ? std::max(1, std::atoi(argv[4])) : 30;
  const std::span<char*> words(argv + std::min(argc, 5), argv + argc);
  const auto has = [&](std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (has("bf16")) options.precision = Precision::kBf16;
  auto engine = Engine::Create(std::move(model->graph), options);
  if (!passes.ok() || !engine.ok()) {
    std::fprintf(stderr, "%s\n", (passes.ok() ? engine.status() : passes.status()).message().c_str());
    return 1;
  }
  const auto context = (*engine)->NewContext();
  const std::vector<Tensor> inputs = MakeInputs(**engine);
  MillisecondsOf(*context, inputs);
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) times.push_back(MillisecondsOf(*context, inputs));
  std::sort(times.begin(), times.end());
  std::printf("%s %s, %d threads: median %.2f ms, best %.2f ms\n", argv[1], options.backend.c_str(),
              (*engine)->num_threads(), times[times.size() / 2], times[0]);
  std::map<std::string, double> costs;
  context->SetObserver([&](size_t step, double us) {
    const StepInfo& info = (*engine)->steps()[step];
    costs[info.op + " " + info.tactic] += us;
  });
  MillisecondsOf(*context, inputs);
  if (has("steps")) {
    PrintSteps(**engine, *context, inputs);
    return 0;
  }
  for (const auto& [what, us] : costs) std::printf("  %8.0f us  %s\n", us, what.c_str());
  return 0;
}

}  // namespace
}  // namespace slipway

int main(int argc, char** argv) { return slipway::Main(argc, argv); }
