#include "runtime/engine.h"

#include <algorithm>

#include "ops/infer.h"
#include "plugin/backend.h"
#include "plugin/nodes.h"

namespace slipway {
namespace {

PortInfo PortOf(const Value& value) { return {value.name, value.type, value.quant}; }

}  // namespace

Result<std::vector<const Backend*>> BackendsFor(const Graph& graph, const EngineOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<const Backend*> backends,
                           BackendsNamed(options.backend, options.is_backend_required));
  if (HasPluginNodes(graph)) backends.insert(backends.begin() + 1, &PluginBackend());
  return backends;
}

Engine::~Engine() = default;

Result<std::shared_ptr<const Engine>> Engine::Create(Graph graph, const EngineOptions& options) {
  SLIPWAY_RETURN_IF_ERROR(CheckNoneWaits(graph));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<const Backend*> backends, BackendsFor(graph, options));

  auto engine = std::shared_ptr<Engine>(new Engine);
  engine->graph_ = std::move(graph);
  engine->options_ = options;
  engine->pool_ = std::make_unique<ThreadPool>(options.num_threads);
  const Graph& network = engine->graph_;
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<Choice> choices, ChooseTactics(network, backends,
                                                                      {.accuracy = options.accuracy,
                                                                       .precision = options.precision,
                                                                       .names = options.tactics}));
  for (size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    SLIPWAY_ASSIGN_OR_RETURN(Step step, MakeStep(network, node));
    SLIPWAY_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, choices[i].tactic->Make(step));
    engine->kernels_.push_back(std::move(kernel));
    engine->step_infos_.push_back({node.name, node.op, choices[i].tactic->name(), choices[i].estimate_us,
                                   node.sources, std::move(choices[i].rejected)});
  }
  for (ValueId id : network.CallerInputs()) engine->inputs_.push_back(PortOf(network.value(id)));
  for (ValueId id : network.CallerOutputs()) engine->outputs_.push_back(PortOf(network.value(id)));
  return std::shared_ptr<const Engine>(std::move(engine));
}

std::unique_ptr<Context> Engine::NewContext() const {
  return std::unique_ptr<Context>(new Context(shared_from_this()));
}

}  // namespace slipway
