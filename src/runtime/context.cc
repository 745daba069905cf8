// Planning and running one stream of calls.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "ops/infer.h"
#include "ops/infer_node.h"
#include "runtime/engine.h"
#include "runtime/memory_plan.h"

namespace slipway {
namespace {

constexpr size_t kMaxPlans = 8;  // shape buckets kept per context

struct AlignedFree {
  void operator()(uint8_t* memory) const { ::operator delete(memory, std::align_val_t(kArenaAlignment)); }
};

class SubgraphRunner : public GraphRunner {
 public:
  Result<std::vector<Datum>> Run(const Graph& graph, std::span<const Datum> inputs) override {
    return Interpret(graph, inputs);
  }
};

// A tensor whose bytes are known before the run.
bool IsPlannable(const Type& type) {
  return type.kind == TypeKind::kTensor && type.IsStatic() && type.dtype != DType::kString &&
         type.dtype != DType::kNone;
}

std::string Where(const PortInfo& port) { return "input '" + port.name + "'"; }

}  // namespace

// Everything that follows from the input shapes.
struct Context::ShapePlan {
  std::vector<Dims> input_dims;  // the key
  Graph types;                // nodes without weights' copies: values share storage with the engine's graph
  std::vector<Datum> values;  // by ValueId
  std::vector<bool> is_step_static;
  struct StepBuffers {
    std::vector<Datum*> inputs;
    std::vector<Datum*> outputs;
    std::vector<Type> output_types;
    std::span<uint8_t> workspace;
  };
  std::vector<StepBuffers> steps;
  std::unique_ptr<uint8_t[], AlignedFree> arena;
  int64_t arena_bytes = 0;
};

Context::Context(std::shared_ptr<const Engine> engine) : engine_(std::move(engine)) {
  input_data_.resize(engine_->inputs().size());
  output_data_.resize(engine_->outputs().size());
  output_tensors_.resize(engine_->outputs().size());
}

Context::~Context() = default;

int64_t Context::arena_bytes() const { return plans_.empty() ? 0 : plans_.front()->arena_bytes; }

// Messages are made only when something is wrong: a run that goes well does not allocate.
Status Context::CheckInput(const PortInfo& port, const Datum& input) const {
  const auto both = [&] {
    return Where(port) + " is " + ToString(port.type) + ", got " +
           (input.kind == TypeKind::kTensor ? Describe(input.tensor) : "a sequence or optional");
  };
  if (input.kind != port.type.kind) return Status(Code::kInvalidInput, both());
  if (input.kind != TypeKind::kTensor) return Status::Ok();
  const Tensor& tensor = input.tensor;
  if (tensor.IsNone()) return Status(Code::kInvalidInput, Where(port) + " is missing");
  if (port.type.dtype != DType::kNone && tensor.dtype() != port.type.dtype) {
    return Status(Code::kInvalidInput, both(),
                  "give it the dtype " + std::string(DTypeName(port.type.dtype)));
  }
  if (!port.type.shape) return Status::Ok();
  if (port.type.rank() != tensor.rank()) return Status(Code::kInvalidInput, both(), "the ranks differ");
  for (int axis = 0; axis < tensor.rank(); ++axis) {
    const Dim& dim = (*port.type.shape)[static_cast<size_t>(axis)];
    const int64_t extent = tensor.dim(axis);
    if (dim.IsKnown() && dim.value() != extent) {
      return Status(Code::kInvalidInput, both(),
                    "dimension " + std::to_string(axis) + " must be " + dim.ToString());
    }
    if (!dim.IsNamed()) continue;
    const auto range = engine_->options_.ranges.find(dim.symbol());
    if (range == engine_->options_.ranges.end()) continue;
    if (extent >= range->second.low && extent <= range->second.high) continue;
    return Status(Code::kInvalidInput,
                  both() + ": dimension '" + dim.symbol() + "' is " + std::to_string(extent),
                  "its declared range is " + std::to_string(range->second.low) + " to " +
                      std::to_string(range->second.high));
  }
  return Status::Ok();
}

Status Context::CheckInputs(std::span<const Datum> inputs) const {
  const auto& ports = engine_->inputs();
  if (inputs.size() != ports.size()) {
    return Status(Code::kInvalidInput, "the model takes " + std::to_string(ports.size()) + " inputs, got " +
                                           std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) SLIPWAY_RETURN_IF_ERROR(CheckInput(ports[i], inputs[i]));
  return Status::Ok();
}

Result<Context::ShapePlan*> Context::PlanFor(std::span<const Datum> inputs) {
  const auto fits = [&](const std::unique_ptr<ShapePlan>& plan) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (plan->input_dims[i] != inputs[i].tensor.dims()) return false;
    }
    return true;
  };
  const auto found = std::find_if(plans_.begin(), plans_.end(), fits);
  if (found != plans_.end()) {
    std::rotate(plans_.begin(), found, found + 1);
    return plans_.front().get();
  }
  SLIPWAY_ASSIGN_OR_RETURN(std::unique_ptr<ShapePlan> plan, MakePlan(inputs));
  if (plans_.size() >= kMaxPlans) plans_.pop_back();
  plans_.insert(plans_.begin(), std::move(plan));
  return plans_.front().get();
}

Result<std::unique_ptr<Context::ShapePlan>> Context::MakePlan(std::span<const Datum> inputs) const {
  auto plan = std::make_unique<ShapePlan>();
  plan->types = engine_->graph();
  Graph& graph = plan->types;
  for (size_t i = 0; i < inputs.size(); ++i) {
    plan->input_dims.push_back(inputs[i].tensor.dims());
    Type& type = graph.value(graph.inputs[i]).type;
    if (inputs[i].kind != TypeKind::kTensor) continue;
    type = Type::Of(inputs[i].tensor.dtype(), ToDimList(inputs[i].tensor.dims()));
  }
  // Inference must speak for itself: symbolic shapes from the import would hide what these inputs decide.
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.outputs) {
      if (id != kNoValue && !graph.value(id).type.IsStatic()) graph.value(id).type.shape.reset();
    }
  }
  SLIPWAY_RETURN_IF_ERROR(InferGraph(graph));

  const size_t num_steps = graph.nodes.size();
  const auto last = static_cast<int>(num_steps);
  plan->values.resize(graph.values.size());
  std::vector<int> last_use(graph.values.size(), -1);
  for (size_t s = 0; s < num_steps; ++s) {
    for (ValueId id : graph.nodes[s].inputs) {
      if (id != kNoValue) last_use[static_cast<size_t>(id)] = static_cast<int>(s);
    }
  }
  for (ValueId id : graph.outputs) last_use[static_cast<size_t>(id)] = last;

  std::vector<BufferRequest> requests;
  std::vector<ValueId> request_values;  // kNoValue: a step's workspace
  std::vector<size_t> request_steps;
  plan->is_step_static.assign(num_steps, true);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].IsConstant()) plan->values[i] = Datum::Of(graph.values[i].data);
  }
  for (size_t s = 0; s < num_steps; ++s) {
    const Node& node = graph.nodes[s];
    const auto step = static_cast<int>(s);
    // A kernel's scratch follows from its operands' shapes: a step with one that is not known yet waits.
    for (ValueId id : node.inputs) {
      if (id != kNoValue && !IsPlannable(graph.value(id).type)) plan->is_step_static[s] = false;
    }
    for (ValueId id : node.outputs) {
      if (id != kNoValue && !IsPlannable(graph.value(id).type)) plan->is_step_static[s] = false;
    }
    if (!plan->is_step_static[s]) continue;
    for (ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      const Value& value = graph.value(id);
      const int until = std::max(step, last_use[static_cast<size_t>(id)]);
      requests.push_back({BytesOf(value.type.dtype, CountOf(KnownDims(*value.type.shape))), step, until});
      request_values.push_back(id);
      request_steps.push_back(s);
    }
    std::vector<Type> input_types;
    std::vector<Type> output_types;
    for (ValueId id : node.inputs) input_types.push_back(id == kNoValue ? Type() : graph.value(id).type);
    for (ValueId id : node.outputs) output_types.push_back(id == kNoValue ? Type() : graph.value(id).type);
    const int64_t workspace = engine_->kernels_[s]->WorkspaceBytes(input_types, output_types);
    if (workspace <= 0) continue;
    requests.push_back({workspace, step, step});
    request_values.push_back(kNoValue);
    request_steps.push_back(s);
  }

  const MemoryPlan memory = PlanMemory(requests);
  plan->arena_bytes = memory.arena_bytes;
  plan->arena.reset(static_cast<uint8_t*>(::operator new(
      static_cast<size_t>(memory.arena_bytes + kArenaSlack), std::align_val_t(kArenaAlignment))));
  std::memset(plan->arena.get(), 0, static_cast<size_t>(memory.arena_bytes + kArenaSlack));
  plan->steps.resize(num_steps);
  for (size_t r = 0; r < requests.size(); ++r) {
    uint8_t* at = plan->arena.get() + memory.offsets[r];
    if (request_values[r] == kNoValue) {
      plan->steps[request_steps[r]].workspace = {at, static_cast<size_t>(requests[r].size_bytes)};
      continue;
    }
    const Value& value = graph.value(request_values[r]);
    plan->values[static_cast<size_t>(request_values[r])] =
        Datum::Of(Tensor(value.type.dtype, KnownDims(*value.type.shape), at));
  }
  for (size_t s = 0; s < num_steps; ++s) {
    const Node& node = graph.nodes[s];
    auto& step = plan->steps[s];
    const auto datum_of = [&](ValueId id) {
      return id == kNoValue ? nullptr : &plan->values[static_cast<size_t>(id)];
    };
    for (ValueId id : node.inputs) step.inputs.push_back(datum_of(id));
    for (ValueId id : node.outputs) {
      step.outputs.push_back(datum_of(id));
      step.output_types.push_back(id == kNoValue ? Type() : graph.value(id).type);
    }
  }
  return plan;
}

// Shapes that only the data decide: infers again with the actual inputs, then allocates.
Status Context::PrepareDynamicStep(ShapePlan& plan, size_t s) {
  const Node& node = plan.types.nodes[s];
  auto& step = plan.steps[s];
  std::vector<InferContext::Input> inputs(node.inputs.size());
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (step.inputs[i] == nullptr) continue;
    const Value& value = plan.types.value(node.inputs[i]);
    const Datum& datum = *step.inputs[i];
    inputs[i].type = value.type;
    inputs[i].quant = value.quant ? &*value.quant : nullptr;
    if (datum.kind != TypeKind::kTensor || datum.tensor.IsNone()) continue;
    inputs[i].type = Type::Of(datum.tensor.dtype(), ToDimList(datum.tensor.dims()));
    inputs[i].constant = &datum.tensor;
  }
  std::vector<InferContext::Output> outputs(node.outputs.size());
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    const Value& value = plan.types.value(node.outputs[i]);
    outputs[i].quant = value.quant ? &*value.quant : nullptr;
  }
  InferContext infer(*FindOp(node.op), node, std::move(inputs), std::move(outputs));
  SLIPWAY_RETURN_IF_ERROR(InferNode(infer));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (step.outputs[i] == nullptr) continue;
    Type type = infer.output(i).type;
    if (type.dtype == DType::kNone) type.dtype = step.output_types[i].dtype;
    // Fresh each time: what is left of the last run may share its storage with an input or with a sequence.
    Datum& datum = *step.outputs[i];
    datum = Datum();
    datum.kind = type.kind;
    if (type.kind == TypeKind::kTensor && type.IsStatic()) {
      datum.tensor = Tensor(type.dtype, KnownDims(*type.shape));
    }
    step.output_types[i] = std::move(type);
  }
  return Status::Ok();
}

Status Context::RunSteps(ShapePlan& plan) {
  SubgraphRunner runner;
  std::vector<uint8_t> dynamic_workspace;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    auto& step = plan.steps[s];
    std::span<uint8_t> workspace = step.workspace;
    if (!plan.is_step_static[s]) {
      SLIPWAY_RETURN_IF_ERROR(PrepareDynamicStep(plan, s));
      std::vector<Type> input_types;
      for (const Datum* datum : step.inputs) {
        input_types.push_back(datum == nullptr || datum->tensor.IsNone()
                                  ? Type()
                                  : Type::Of(datum->tensor.dtype(), ToDimList(datum->tensor.dims())));
      }
      const int64_t bytes = engine_->kernels_[s]->WorkspaceBytes(input_types, step.output_types);
      dynamic_workspace.resize(static_cast<size_t>(bytes + 2 * kArenaAlignment));
      void* start = dynamic_workspace.data();
      size_t space = dynamic_workspace.size();
      std::align(kArenaAlignment, static_cast<size_t>(bytes), start, space);
      workspace = {static_cast<uint8_t*>(start), static_cast<size_t>(bytes)};
    }
    const KernelArgs args{step.inputs, step.outputs, step.output_types, workspace, *engine_->pool_, &runner};
    const auto start = observer_ ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    SLIPWAY_RETURN_IF_ERROR(engine_->kernels_[s]->Run(args));
    if (observer_) {
      const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - start;
      observer_(s, elapsed.count());
    }
  }
  return Status::Ok();
}

Result<std::span<const Datum>> Context::RunData(std::span<const Datum> inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckInputs(inputs));
  SLIPWAY_ASSIGN_OR_RETURN(ShapePlan * plan, PlanFor(inputs));
  const Graph& graph = engine_->graph();
  for (size_t i = 0; i < inputs.size(); ++i) plan->values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  SLIPWAY_RETURN_IF_ERROR(RunSteps(*plan));
  for (size_t i = 0; i < output_data_.size(); ++i) {
    output_data_[i] = plan->values[static_cast<size_t>(graph.outputs[i])];
  }
  return std::span<const Datum>(output_data_);
}

Result<std::span<const Tensor>> Context::Run(std::span<const Tensor> inputs) {
  if (inputs.size() != input_data_.size()) {
    return Status(Code::kInvalidInput, "the model takes " + std::to_string(input_data_.size()) +
                                           " inputs, got " + std::to_string(inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) input_data_[i].tensor = inputs[i];
  SLIPWAY_ASSIGN_OR_RETURN(std::span<const Datum> outputs, RunData(input_data_));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].kind != TypeKind::kTensor) {
      return Status(Code::kInvalidInput, "output '" + engine_->outputs()[i].name + "' is not a tensor");
    }
    output_tensors_[i] = outputs[i].tensor;
  }
  return std::span<const Tensor>(output_tensors_);
}

}  // namespace slipway
