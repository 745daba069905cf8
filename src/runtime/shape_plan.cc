#include "runtime/shape_plan.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/pages.h"
#include "base/round_up.h"
#include "ops/infer.h"
#include "runtime/sharing.h"
#include "runtime/storage.h"

namespace slipway {
namespace {

// Types of all values for these inputs.
Status InferTypes(Graph& graph, std::span<const Datum> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].kind != TypeKind::kTensor) continue;
    graph.value(graph.inputs[i]).type =
        Type::Of(inputs[i].tensor.dtype(), ToDimList(inputs[i].tensor.dims()));
  }
  // Inference must speak for itself: symbolic shapes from the import would hide what these inputs decide.
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.outputs) {
      if (id != kNoValue && !graph.value(id).type.IsStatic()) graph.value(id).type.shape.reset();
    }
  }
  return InferGraph(graph);
}

std::vector<Type> TypesOf(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<Type> types;
  for (ValueId id : ids) types.push_back(id == kNoValue ? Type() : graph.value(id).type);
  return types;
}

// A kernel's scratch follows from its operands' shapes: a step with one that is not known yet waits.
bool HasKnownOperands(const Graph& graph, const Node& node) {
  const auto is_known = [&](ValueId id) { return id == kNoValue || HasKnownBytes(graph.value(id).type); };
  return std::all_of(node.inputs.begin(), node.inputs.end(), is_known) &&
         std::all_of(node.outputs.begin(), node.outputs.end(), is_known);
}

// The graph in which steps that run within the one behind them do nothing and hand on their input; `plan`
// notes who runs within whom.
Graph PairSteps(std::span<const std::unique_ptr<Kernel>> kernels, ShapePlan& plan) {
  Graph flow = plan.types;
  const std::vector<int> uses = flow.UseCounts();
  for (size_t s = 0; s + 1 < flow.nodes.size(); ++s) {
    Node& first = flow.nodes[s];
    Node& node = flow.nodes[s + 1];
    const bool is_chain = first.inputs.size() > 0 && first.outputs.size() == 1 && first.HasInput(0) &&
                          node.HasInput(0) && node.inputs[0] == first.outputs[0] &&
                          uses[static_cast<size_t>(node.inputs[0])] == 1 && plan.steps[s].behind < 0;
    if (!is_chain || !plan.steps[s].is_static || !plan.steps[s + 1].is_static) continue;
    const auto first_inputs = TypesOf(flow, first.inputs), inputs = TypesOf(flow, node.inputs),
               outputs = TypesOf(flow, node.outputs);
    if (!kernels[s + 1]->CanRunBehind(*kernels[s], {first_inputs, inputs, outputs})) continue;
    node.inputs[0] = first.inputs[0];
    first.inputs.clear();
    first.outputs.clear();
    plan.steps[s].is_skipped = true;
    plan.steps[s + 1].behind = static_cast<int>(s);
    plan.steps[s + 1].inputs[0] = plan.steps[s].inputs[0];
  }
  return flow;
}

// What lies in the arena: trees of values that share storage, and workspaces of the static steps.
struct Buffers {
  struct Owner {
    ValueId value = kNoValue;  // kNoValue: the workspace of `step`
    size_t step = 0;
    ScratchSizes scratch = {};  // of a workspace
  };
  std::vector<BufferRequest> requests;
  std::vector<Owner> owners;
  std::vector<int> request_of;  // by root's ValueId; -1: none

  void Add(const BufferRequest& request, const Owner& owner) {
    requests.push_back(request);
    owners.push_back(owner);
  }
};

// One buffer per root, alive while any value in it is.
void RequestValues(const Graph& graph, const Sharing& sharing, Buffers& buffers) {
  const Lifetimes lifetimes = LifetimesOf(graph);
  buffers.request_of.assign(graph.values.size(), -1);
  for (size_t v = 0; v < graph.values.size(); ++v) {
    const ValueId root = sharing.places[v].root;
    if (root == kNoValue) continue;
    int& request = buffers.request_of[static_cast<size_t>(root)];
    const int first = lifetimes.first[v];
    const int last = std::max(first, lifetimes.last[v]);
    if (request < 0) {
      request = static_cast<int>(buffers.requests.size());
      const Type& type = graph.value(root).type;
      buffers.Add({BytesOf(type.dtype, CountOf(KnownDims(*type.shape))), first, last},
                  {root, static_cast<size_t>(first)});
    }
    BufferRequest& buffer = buffers.requests[static_cast<size_t>(request)];
    buffer.first_step = std::min(buffer.first_step, first);
    buffer.last_step = std::max(buffer.last_step, last);
  }
}

void RequestWorkspaces(const ShapePlan& plan, std::span<const std::unique_ptr<Kernel>> kernels,
                       Buffers& buffers) {
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const ShapePlan::Step& step = plan.steps[s];
    if (!step.is_static || step.is_skipped) continue;
    const std::vector<Type> inputs = TypesOf(plan.types, plan.types.nodes[s].inputs);
    const auto scratch =
        step.behind < 0 ? ScratchSizes::Of(*kernels[s], inputs, step.output_types, plan.num_threads)
                        : ScratchSizes::OfPair(
                              *kernels[static_cast<size_t>(step.behind)], *kernels[s],
                              {TypesOf(plan.types, plan.types.nodes[static_cast<size_t>(step.behind)].inputs),
                               inputs, step.output_types},
                              plan.num_threads);
    if (scratch.total_bytes() == 0) continue;
    buffers.Add({scratch.total_bytes(), static_cast<int>(s), static_cast<int>(s)}, {kNoValue, s, scratch});
  }
}

Status TooLarge(const std::string& what, int64_t bytes) {
  return Status(Code::kInvalidInput,
                what + " of " + std::to_string(bytes) + " bytes; this machine has " +
                    std::to_string(MachineMemoryBytes()),
                "run with smaller inputs or a smaller batch");
}

// No buffer alone is larger than the machine: what is added up afterwards cannot overflow.
Status CheckSizes(const Buffers& buffers, const ShapePlan& plan) {
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Node& node = plan.types.nodes[s];
    for (size_t i = 0; plan.steps[s].is_static && i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue)
        SLIPWAY_RETURN_IF_ERROR(CheckMemoryFor(node, plan.steps[s].output_types[i]));
    }
  }
  for (size_t r = 0; r < buffers.requests.size(); ++r) {
    const Buffers::Owner& owner = buffers.owners[r];
    if (owner.value != kNoValue || buffers.requests[r].size_bytes <= MachineMemoryBytes()) continue;
    const Node& node = plan.types.nodes[owner.step];
    return TooLarge(node.op + " '" + node.name + "' needs scratch memory", buffers.requests[r].size_bytes);
  }
  return Status::Ok();
}

// The arena for `memory`, zeroed.
Status AllocateArena(const MemoryPlan& memory, ShapePlan& plan) {
  const auto bytes = static_cast<size_t>(memory.arena_bytes + kArenaSlack);
  if (memory.arena_bytes > MachineMemoryBytes())
    return TooLarge("these inputs need activations", memory.arena_bytes);
  try {
    plan.arena = std::static_pointer_cast<uint8_t>(AllocateLargePages(bytes));
  } catch (const std::bad_alloc&) {
    return TooLarge("these inputs need activations", memory.arena_bytes);
  }
  plan.arena_bytes = memory.arena_bytes;
  return Status::Ok();
}

Status PlaceBuffers(const Buffers& buffers, const Sharing& sharing, ShapePlan& plan) {
  SLIPWAY_RETURN_IF_ERROR(CheckSizes(buffers, plan));
  const MemoryPlan memory = PlanMemory(buffers.requests, plan.num_threads);
  SLIPWAY_RETURN_IF_ERROR(AllocateArena(memory, plan));
  const auto bytes_of = [&](size_t r) -> std::span<uint8_t> {
    return {plan.arena.get() + memory.offsets[r], static_cast<size_t>(buffers.requests[r].size_bytes)};
  };
  for (size_t r = 0; r < buffers.requests.size(); ++r) {
    const Buffers::Owner& owner = buffers.owners[r];
    if (owner.value == kNoValue) {
      plan.steps[owner.step].workspace = owner.scratch.Shared(bytes_of(r));
      plan.steps[owner.step].thread_workspaces = owner.scratch.Threads(bytes_of(r));
    }
    const auto last = static_cast<size_t>(buffers.requests[r].last_step);
    if (last < plan.steps.size()) plan.freed.push_back({last, bytes_of(r)});
  }
  std::stable_sort(plan.freed.begin(), plan.freed.end(),
                   [](const ShapePlan::Freed& a, const ShapePlan::Freed& b) { return a.step < b.step; });
  for (size_t v = 0; v < plan.values.size(); ++v) {
    const Place& place = sharing.places[v];
    if (place.root == kNoValue) continue;
    const Type& type = plan.types.values[v].type;
    const int request = buffers.request_of[static_cast<size_t>(place.root)];
    uint8_t* at = bytes_of(static_cast<size_t>(request)).data() + place.offset_bytes;
    plan.values[v] = Datum::Of(Tensor(type.dtype, KnownDims(*type.shape), at));
  }
  return Status::Ok();
}

std::vector<int64_t> StepsOf(const Sharing& sharing, const std::vector<ValueId>& ids) {
  std::vector<int64_t> steps;
  for (ValueId id : ids) {
    steps.push_back(id == kNoValue ? 0 : sharing.places[static_cast<size_t>(id)].step);
  }
  return steps;
}

// Lays the values of the static steps into an arena.
Status PlanStorage(std::span<const std::unique_ptr<Kernel>> kernels, const std::vector<bool>& is_static,
                   MemoryMode mode, ShapePlan& plan) {
  const bool is_plain = mode == MemoryMode::kPlain;
  const Graph flow = is_plain ? plan.types : PairSteps(kernels, plan);
  const Sharing sharing = is_plain ? ShareNothing(flow, is_static) : ShareStorage(flow, kernels, is_static);
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    plan.steps[s].is_skipped |= sharing.is_skipped[s];
    plan.steps[s].input_steps = StepsOf(sharing, flow.nodes[s].inputs);
    plan.steps[s].output_steps = StepsOf(sharing, flow.nodes[s].outputs);
  }
  Buffers buffers;
  RequestValues(flow, sharing, buffers);
  RequestWorkspaces(plan, kernels, buffers);
  SLIPWAY_RETURN_IF_ERROR(PlaceBuffers(buffers, sharing, plan));
  if (mode != MemoryMode::kPoison) plan.freed.clear();
  return Status::Ok();
}

}  // namespace

Status CheckMemoryFor(const Node& node, const Type& type) {
  const int64_t bytes = BytesOf(type.dtype, CountOf(KnownDims(*type.shape)));
  if (bytes <= MachineMemoryBytes()) return Status::Ok();
  return TooLarge(node.op + " '" + node.name + "' needs a result " + ToString(type), bytes);
}

MemoryMode MemoryModeFromEnvironment() {
  const char* text = std::getenv("SLIPWAY_MEMORY");
  const std::string_view name = text == nullptr ? "" : text;
  if (name == "plain") return MemoryMode::kPlain;
  return name == "poison" ? MemoryMode::kPoison : MemoryMode::kShared;
}

ScratchSizes ScratchSizes::Of(const Kernel& kernel, std::span<const Type> inputs,
                              std::span<const Type> outputs, int num_threads) {
  ScratchSizes sizes;
  sizes.shared_bytes = kernel.WorkspaceBytes(inputs, outputs);
  sizes.per_thread_bytes = RoundUp(kernel.ThreadWorkspaceBytes(inputs, outputs), kArenaAlignment);
  sizes.num_threads = num_threads;
  return sizes;
}

ScratchSizes ScratchSizes::OfPair(const Kernel& first, const Kernel& kernel, const PairTypes& types,
                                  int num_threads) {
  ScratchSizes sizes;
  sizes.per_thread_bytes = RoundUp(kernel.ThreadWorkspaceBehind(first, types), kArenaAlignment);
  sizes.num_threads = num_threads;
  return sizes;
}

int64_t ScratchSizes::threads_begin() const {
  return per_thread_bytes == 0 ? shared_bytes : RoundUp(shared_bytes, kArenaAlignment);
}

std::span<uint8_t> ScratchSizes::Shared(std::span<uint8_t> scratch) const {
  return scratch.first(static_cast<size_t>(shared_bytes));
}

std::span<uint8_t> ScratchSizes::Threads(std::span<uint8_t> scratch) const {
  return scratch.subspan(static_cast<size_t>(threads_begin()));
}

Result<std::unique_ptr<ShapePlan>> MakeShapePlan(const Graph& graph,
                                                 std::span<const std::unique_ptr<Kernel>> kernels,
                                                 std::span<const Datum> inputs, const PlanOptions& options) {
  auto plan = std::make_unique<ShapePlan>();
  plan->types = graph;
  plan->num_threads = options.num_threads;
  for (const Datum& input : inputs) plan->input_dims.push_back(input.tensor.dims());
  SLIPWAY_RETURN_IF_ERROR(InferTypes(plan->types, inputs));

  plan->values.resize(graph.values.size());
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].IsConstant()) plan->values[i] = Datum::Of(graph.values[i].data);
  }
  plan->steps.resize(graph.nodes.size());
  const auto datum_of = [&](ValueId id) {
    return id == kNoValue ? nullptr : &plan->values[static_cast<size_t>(id)];
  };
  for (size_t s = 0; s < graph.nodes.size(); ++s) {
    const Node& node = graph.nodes[s];
    ShapePlan::Step& step = plan->steps[s];
    for (ValueId id : node.inputs) step.inputs.push_back(datum_of(id));
    for (ValueId id : node.outputs) step.outputs.push_back(datum_of(id));
    step.is_static = HasKnownOperands(plan->types, node);
  }
  std::vector<bool> is_static;
  for (const ShapePlan::Step& step : plan->steps) is_static.push_back(step.is_static);
  if (options.precision == Precision::kBf16) StoreInBf16(kernels, is_static, plan->types);
  for (size_t s = 0; s < graph.nodes.size(); ++s)
    plan->steps[s].output_types = TypesOf(plan->types, graph.nodes[s].outputs);
  SLIPWAY_RETURN_IF_ERROR(PlanStorage(kernels, is_static, options.mode, *plan));
  return plan;
}

}  // namespace slipway
