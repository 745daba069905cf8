// One stream of calls: checks the inputs, keeps a plan per shape, runs the steps.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>

#include "base/float_mode.h"
#include "ops/infer.h"
#include "ops/infer_node.h"
#include "runtime/engine.h"
#include "runtime/shape_plan.h"

namespace slipway {
namespace {

constexpr size_t kMaxPlans = 8;  // shape buckets kept per context

class SubgraphRunner : public GraphRunner {
 public:
  Result<std::vector<Datum>> Run(const Graph& graph, std::span<const Datum> inputs) override {
    return Interpret(graph, inputs);
  }
};

// REQUIRES: the same dtype and shape.
void CopyBytes(const Tensor& from, Tensor& to) {
  if (to.size_bytes() > 0) std::memcpy(to.data(), from.data(), static_cast<size_t>(to.size_bytes()));
}

// Has no state: any number of threads use it at once.
ThreadPool& PoolOfOne() {
  static ThreadPool pool(1);
  return pool;
}

std::string Where(const PortInfo& port) { return "input '" + port.name + "'"; }

}  // namespace

Context::Context(std::shared_ptr<const Engine> engine) : engine_(std::move(engine)) {
  input_data_.resize(engine_->inputs().size());
  output_data_.resize(engine_->outputs().size());
  output_tensors_.resize(engine_->outputs().size());
  for (const Tensor& start : engine_->graph().states) {
    states_.push_back(Datum::Of(start.Clone()));
    next_states_.push_back(Datum::Of(start.Clone()));
  }
  if (!states_.empty()) all_inputs_.resize(engine_->graph().inputs.size());
}

Context::~Context() = default;

int64_t Context::arena_bytes() const { return plans_.empty() ? 0 : plans_.front()->arena_bytes; }

void Context::ResetStates() {
  for (size_t i = 0; i < states_.size(); ++i) CopyBytes(engine_->graph().states[i], states_[i].tensor);
}

void Context::Release() {
  std::ranges::fill(input_data_, Datum());
  std::ranges::fill(output_data_, Datum());
  std::ranges::fill(output_tensors_, Tensor());
  std::ranges::fill(all_inputs_, Datum());
  if (plans_.empty()) return;
  for (const ValueId id : engine_->graph().inputs) plans_.front()->values[static_cast<size_t>(id)] = Datum();
}

// The graph's inputs: what the caller gives, then the states.
std::span<const Datum> Context::WithStates(std::span<const Datum> inputs) {
  if (states_.empty()) return inputs;
  std::copy(inputs.begin(), inputs.end(), all_inputs_.begin());
  std::copy(states_.begin(), states_.end(), all_inputs_.begin() + static_cast<std::ptrdiff_t>(inputs.size()));
  return all_inputs_;
}

// Into the other buffer: what a run hands on may be what it was given, of another state too.
void Context::KeepStates(const ShapePlan& plan) {
  const Graph& graph = engine_->graph();
  for (size_t i = 0; i < states_.size(); ++i) {
    const ValueId id = graph.outputs[graph.CallerOutputs().size() + i];
    CopyBytes(plan.values[static_cast<size_t>(id)].tensor, next_states_[i].tensor);
  }
  states_.swap(next_states_);
}

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

Result<ShapePlan*> Context::PlanFor(std::span<const Datum> inputs) {
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
  SLIPWAY_ASSIGN_OR_RETURN(std::unique_ptr<ShapePlan> plan,
                           MakeShapePlan(engine_->graph(), engine_->kernels_, inputs,
                                         {.mode = MemoryModeFromEnvironment(),
                                          .num_threads = engine_->num_threads(),
                                          .precision = engine_->options_.precision}));
  if (plans_.size() >= kMaxPlans) plans_.pop_back();
  plans_.insert(plans_.begin(), std::move(plan));
  return plans_.front().get();
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
      SLIPWAY_RETURN_IF_ERROR(CheckMemoryFor(node, type));
      datum.tensor = Tensor(type.dtype, KnownDims(*type.shape));
    }
    step.output_types[i] = std::move(type);
  }
  return Status::Ok();
}

const Graph* Context::last_types() const { return plans_.empty() ? nullptr : &plans_.front()->types; }

bool Context::WasSkipped(size_t step) const {
  return !plans_.empty() && plans_.front()->steps[step].is_skipped;
}

std::optional<size_t> Context::RanWithin(size_t step) const {
  if (plans_.empty() || step + 1 >= plans_.front()->steps.size()) return std::nullopt;
  const bool is_next = plans_.front()->steps[step + 1].behind == static_cast<int>(step);
  return is_next ? std::optional(step + 1) : std::nullopt;
}

void Context::SetThreadObserver(ThreadPool::Observer* observer) { engine_->pool_->SetObserver(observer); }

Status Context::RunSteps(ShapePlan& plan) {
  ThreadPool& pool = has_one_thread_ ? PoolOfOne() : *engine_->pool_;
  SubgraphRunner runner;
  std::vector<uint8_t> dynamic_workspace;
  auto freed = plan.freed.begin();
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    auto& step = plan.steps[s];
    std::span<uint8_t> workspace = step.workspace;
    std::span<uint8_t> thread_workspaces = step.thread_workspaces;
    if (!step.is_static) {
      SLIPWAY_RETURN_IF_ERROR(PrepareDynamicStep(plan, s));
      std::vector<Type> input_types;
      for (const Datum* datum : step.inputs) {
        input_types.push_back(datum == nullptr || datum->tensor.IsNone()
                                  ? Type()
                                  : Type::Of(datum->tensor.dtype(), ToDimList(datum->tensor.dims())));
      }
      const ScratchSizes sizes =
          ScratchSizes::Of(*engine_->kernels_[s], input_types, step.output_types, engine_->num_threads());
      const int64_t bytes = sizes.total_bytes();
      dynamic_workspace.resize(static_cast<size_t>(bytes + 2 * kArenaAlignment));
      void* start = dynamic_workspace.data();
      size_t space = dynamic_workspace.size();
      std::align(kArenaAlignment, static_cast<size_t>(bytes), start, space);
      const std::span<uint8_t> scratch(static_cast<uint8_t*>(start), static_cast<size_t>(bytes));
      workspace = sizes.Shared(scratch);
      thread_workspaces = sizes.Threads(scratch);
    }
    const KernelArgs args{step.inputs, step.outputs,     step.output_types, workspace,        pool,
                          &runner,     step.input_steps, step.output_steps, thread_workspaces};
    const auto start = observer_ ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    const Kernel& kernel = *engine_->kernels_[s];
    if (step.behind >= 0)
      SLIPWAY_RETURN_IF_ERROR(kernel.RunBehind(*engine_->kernels_[static_cast<size_t>(step.behind)], args));
    else if (!step.is_skipped)
      SLIPWAY_RETURN_IF_ERROR(kernel.Run(args));
    while (freed != plan.freed.end() && freed->step == s) {
      std::memset(freed->bytes.data(), 0xFF, freed->bytes.size());  // NaN in every float
      ++freed;
    }
    if (observer_) {
      const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - start;
      observer_(s, elapsed.count());
    }
  }
  return Status::Ok();
}

Result<std::span<const Datum>> Context::RunData(std::span<const Datum> inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckInputs(inputs));
  const Graph& graph = engine_->graph();
  inputs = WithStates(inputs);
  SLIPWAY_ASSIGN_OR_RETURN(ShapePlan * plan, PlanFor(inputs));
  for (size_t i = 0; i < inputs.size(); ++i) plan->values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  std::optional<FlushDenormals> flush;
  if (engine_->options_.backend != "ref") flush.emplace();  // the yardstick keeps every number
  // Results whose size only the data decide are allocated on the way.
  try {
    SLIPWAY_RETURN_IF_ERROR(RunSteps(*plan));
  } catch (const std::bad_alloc&) {
    return Status(Code::kInvalidInput, "there is not enough memory for what these inputs ask for",
                  "run with smaller inputs or a smaller batch");
  }
  KeepStates(*plan);
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
