#include "runtime/shape_plan.h"

#include <algorithm>
#include <cstring>

#include "base/pages.h"
#include "ops/infer.h"

namespace slipway {
namespace {

// A tensor whose bytes are known before the run.
bool IsPlannable(const Type& type) {
  return type.kind == TypeKind::kTensor && type.IsStatic() && type.dtype != DType::kString &&
         type.dtype != DType::kNone;
}

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

// The last step that reads each value, by ValueId; one past the last step for the graph's outputs, -1 for
// values that nothing reads.
std::vector<int> LastUses(const Graph& graph) {
  std::vector<int> last_use(graph.values.size(), -1);
  for (size_t s = 0; s < graph.nodes.size(); ++s) {
    for (ValueId id : graph.nodes[s].inputs) {
      if (id != kNoValue) last_use[static_cast<size_t>(id)] = static_cast<int>(s);
    }
  }
  for (ValueId id : graph.outputs) last_use[static_cast<size_t>(id)] = static_cast<int>(graph.nodes.size());
  return last_use;
}

std::vector<Type> TypesOf(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<Type> types;
  for (ValueId id : ids) types.push_back(id == kNoValue ? Type() : graph.value(id).type);
  return types;
}

// A kernel's scratch follows from its operands' shapes: a step with one that is not known yet waits.
bool HasKnownOperands(const Graph& graph, const Node& node) {
  const auto is_known = [&](ValueId id) { return id == kNoValue || IsPlannable(graph.value(id).type); };
  return std::all_of(node.inputs.begin(), node.inputs.end(), is_known) &&
         std::all_of(node.outputs.begin(), node.outputs.end(), is_known);
}

// What lies in the arena: outputs and workspaces of the static steps.
struct Buffers {
  struct Owner {
    ValueId value = kNoValue;  // kNoValue: the workspace of `step`
    size_t step = 0;
  };
  std::vector<BufferRequest> requests;
  std::vector<Owner> owners;

  void Add(const BufferRequest& request, const Owner& owner) {
    requests.push_back(request);
    owners.push_back(owner);
  }
};

Buffers RequestBuffers(const ShapePlan& plan, std::span<const std::unique_ptr<Kernel>> kernels) {
  const Graph& graph = plan.types;
  const std::vector<int> last_use = LastUses(graph);
  Buffers buffers;
  for (size_t s = 0; s < graph.nodes.size(); ++s) {
    if (!plan.steps[s].is_static) continue;
    const Node& node = graph.nodes[s];
    const auto step = static_cast<int>(s);
    for (ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      const Type& type = graph.value(id).type;
      buffers.Add({BytesOf(type.dtype, CountOf(KnownDims(*type.shape))), step,
                   std::max(step, last_use[static_cast<size_t>(id)])},
                  {id, s});
    }
    const int64_t workspace =
        kernels[s]->WorkspaceBytes(TypesOf(graph, node.inputs), plan.steps[s].output_types);
    if (workspace > 0) buffers.Add({workspace, step, step}, {kNoValue, s});
  }
  return buffers;
}

Status TooLarge(const std::string& what, int64_t bytes) {
  return Status(Code::kInvalidInput,
                what + " of " + std::to_string(bytes) + " bytes; this machine has " +
                    std::to_string(MachineMemoryBytes()),
                "run with smaller inputs or a smaller batch");
}

// No buffer alone is larger than the machine: what is added up afterwards cannot overflow.
Status CheckSizes(const Buffers& buffers, const ShapePlan& plan) {
  for (size_t r = 0; r < buffers.requests.size(); ++r) {
    const Buffers::Owner& owner = buffers.owners[r];
    const Node& node = plan.types.nodes[owner.step];
    if (owner.value != kNoValue) {
      SLIPWAY_RETURN_IF_ERROR(CheckMemoryFor(node, plan.types.value(owner.value).type));
    } else if (buffers.requests[r].size_bytes > MachineMemoryBytes()) {
      return TooLarge(node.op + " '" + node.name + "' needs scratch memory", buffers.requests[r].size_bytes);
    }
  }
  return Status::Ok();
}

Status PlaceBuffers(const Buffers& buffers, ShapePlan& plan) {
  SLIPWAY_RETURN_IF_ERROR(CheckSizes(buffers, plan));
  const MemoryPlan memory = PlanMemory(buffers.requests);
  const auto bytes = static_cast<size_t>(memory.arena_bytes + kArenaSlack);
  void* arena = memory.arena_bytes > MachineMemoryBytes()
                    ? nullptr
                    : ::operator new(bytes, std::align_val_t(kArenaAlignment), std::nothrow);
  if (arena == nullptr) return TooLarge("these inputs need activations", memory.arena_bytes);
  plan.arena_bytes = memory.arena_bytes;
  plan.arena.reset(static_cast<uint8_t*>(arena));
  std::memset(plan.arena.get(), 0, bytes);
  for (size_t r = 0; r < buffers.requests.size(); ++r) {
    uint8_t* at = plan.arena.get() + memory.offsets[r];
    const Buffers::Owner& owner = buffers.owners[r];
    if (owner.value == kNoValue) {
      plan.steps[owner.step].workspace = {at, static_cast<size_t>(buffers.requests[r].size_bytes)};
      continue;
    }
    const Type& type = plan.types.value(owner.value).type;
    plan.values[static_cast<size_t>(owner.value)] = Datum::Of(Tensor(type.dtype, KnownDims(*type.shape), at));
  }
  return Status::Ok();
}

}  // namespace

Status CheckMemoryFor(const Node& node, const Type& type) {
  const int64_t bytes = BytesOf(type.dtype, CountOf(KnownDims(*type.shape)));
  if (bytes <= MachineMemoryBytes()) return Status::Ok();
  return TooLarge(node.op + " '" + node.name + "' needs a result " + ToString(type), bytes);
}

Result<std::unique_ptr<ShapePlan>> MakeShapePlan(const Graph& graph,
                                                 std::span<const std::unique_ptr<Kernel>> kernels,
                                                 std::span<const Datum> inputs) {
  auto plan = std::make_unique<ShapePlan>();
  plan->types = graph;
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
    step.output_types = TypesOf(plan->types, node.outputs);
    step.is_static = HasKnownOperands(plan->types, node);
  }
  SLIPWAY_RETURN_IF_ERROR(PlaceBuffers(RequestBuffers(*plan, kernels), *plan));
  return plan;
}

}  // namespace slipway
