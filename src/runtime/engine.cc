#include "runtime/engine.h"

#include <algorithm>

#include "backends/api/packed_inputs.h"
#include "base/pages.h"
#include "build/packed_uses.h"
#include "plugin/backend.h"
#include "plugin/nodes.h"

namespace slipway {
namespace {

// Its shape stays. Bytes of a file that was read to pack them leave memory, whoever else holds them.
void LetGo(Tensor& constant, bool was_read) {
  constexpr int64_t kWorthwhile = 64 * 1024;
  if (was_read && constant.size_bytes() >= kWorthwhile)
    OfferPages(constant.bytes(), static_cast<size_t>(constant.size_bytes()));
  constant = Tensor(constant.dtype(), constant.dims(), nullptr);
}

}  // namespace

Result<std::vector<const Backend*>> BackendsFor(const Graph& graph, const EngineOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<const Backend*> backends,
                           BackendsNamed(options.backend, options.is_backend_required));
  if (HasPluginNodes(graph)) backends.insert(backends.begin() + 1, &PluginBackend());
  return backends;
}

std::vector<PortInfo> PortsOf(const Graph& graph, std::span<const ValueId> ids) {
  std::vector<PortInfo> ports;
  for (ValueId id : ids) ports.push_back({graph.value(id).name, graph.value(id).type, graph.value(id).quant});
  return ports;
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
  PackedUses uses(network);
  for (size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    SLIPWAY_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, engine->MakeKernel(i, *choices[i].tactic, uses));
    engine->kernels_.push_back(std::move(kernel));
    engine->step_infos_.push_back({node.name, node.op, choices[i].tactic->name(), choices[i].estimate_us,
                                   node.sources, std::move(choices[i].rejected)});
  }
  if (!engine->notes_.empty() && options.check_constants) SLIPWAY_RETURN_IF_ERROR(options.check_constants());
  engine->options_.packed.clear();
  engine->options_.check_constants = nullptr;
  engine->inputs_ = PortsOf(network, network.CallerInputs());
  engine->outputs_ = PortsOf(network, network.CallerOutputs());
  return std::shared_ptr<const Engine>(std::move(engine));
}

// Lets go of the constants that nobody reads any more once this kernel has packed them.
Result<std::unique_ptr<Kernel>> Engine::MakeKernel(size_t node, const Tactic& tactic, PackedUses& uses) {
  SLIPWAY_ASSIGN_OR_RETURN(Step step, MakeStep(graph_, graph_.nodes[node]));
  const bool is_given = node < options_.packed.size() && !options_.packed[node].empty();
  PackedInputs packed(is_given ? std::move(options_.packed[node]) : std::vector<PackedPart>());
  step.packed = &packed;
  SLIPWAY_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, tactic.Make(step));
  const bool is_used = is_given && packed.complaint().empty();
  for (ValueId id : uses.Add(graph_.nodes[node], packed)) LetGo(graph_.value(id).data, !is_used);
  if (is_given && !is_used) {
    notes_.push_back("node '" + graph_.nodes[node].name + "': what " + tactic.name() +
                     " packed in a build is not used: " + packed.complaint());
  }
  return kernel;
}

std::unique_ptr<Context> Engine::NewContext() const {
  return std::unique_ptr<Context>(new Context(shared_from_this()));
}

}  // namespace slipway
