// Engine: an immutable, executable network, shared by threads. Context: one stream of calls on it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/packed_array.h"
#include "build/choose.h"
#include "ir/graph.h"

namespace slipway {

struct EngineOptions {
  std::string backend = "cpu";       // "cpu", "ref": see AllBackends(); steps it can't run go to ref
  bool is_backend_required = false;  // true: a step that the backend can't run is an error
  int num_threads = 0;               // 0: all cores
  // Declared ranges of symbolic input dimensions; a run outside is refused. Missing: any positive extent.
  std::map<std::string, DimRange> ranges;
  // Which tactics may run: see build/choose.h.
  Accuracy accuracy = Accuracy::kDefault;
  Precision precision = Precision::kF32;
  // A tactic's name for every node of the graph, as a build chose them; empty: the cost model chooses.
  std::vector<std::string> tactics;
  // What these tactics packed when the build made them, for every node; empty: kernels pack.
  std::vector<std::vector<PackedPart>> packed;
  // Asked where a kernel packs a constant all the same, whose bytes nobody has looked at since `packed` was
  // to spare that; an error of it is the engine's. Empty: all constants have been checked.
  std::function<Status()> check_constants;

  // num_threads, with all cores counted.
  int ThreadCount() const { return num_threads > 0 ? num_threads : AvailableCores(); }
};

// The backends that the options name for a graph, in order: those of plugins where it has any, and ref at
// last unless the options forbid it.
Result<std::vector<const Backend*>> BackendsFor(const Graph& graph, const EngineOptions& options);

// An input or output of the network.
struct PortInfo {
  std::string name;
  Type type;
  std::optional<Quant> quant;
};

std::vector<PortInfo> PortsOf(const Graph& graph, std::span<const ValueId> ids);

// What one step does and where: for reports.
struct StepInfo {
  std::string node;
  std::string op;
  std::string tactic;
  double estimate_us = 0;  // of the cost model, on one thread
  std::vector<std::string> sources;
  std::vector<Choice::Rejection> rejected;
};

class Context;
class PackedUses;
struct ShapePlan;

// Immutable after Create; every method may be called from any thread.
class Engine : public std::enable_shared_from_this<Engine> {
 public:
  // Takes a verified graph whose types have been inferred.
  static Result<std::shared_ptr<const Engine>> Create(Graph graph, const EngineOptions& options);
  ~Engine();

  const std::vector<PortInfo>& inputs() const { return inputs_; }
  const std::vector<PortInfo>& outputs() const { return outputs_; }
  const std::vector<StepInfo>& steps() const { return step_infos_; }
  // Constants that all their readers have packed are without bytes (null).
  const Graph& graph() const { return graph_; }
  // What was given in EngineOptions::packed and is not used, and why.
  const std::vector<std::string>& notes() const { return notes_; }
  int num_threads() const { return pool_->num_threads(); }

  // The context keeps the engine alive.
  std::unique_ptr<Context> NewContext() const;

 private:
  friend class Context;
  Engine() = default;
  Result<std::unique_ptr<Kernel>> MakeKernel(size_t node, const Tactic& tactic, PackedUses& uses);

  Graph graph_;
  EngineOptions options_;
  std::vector<PortInfo> inputs_;
  std::vector<PortInfo> outputs_;
  std::vector<StepInfo> step_infos_;
  std::vector<std::string> notes_;
  std::vector<std::unique_ptr<Kernel>> kernels_;  // one per node
  std::unique_ptr<ThreadPool> pool_;
};

// Timing of steps, for profilers: called after each step with its index and duration.
using StepObserver = std::function<void(size_t step, double microseconds)>;

// Buffers for one call at a time. Used by one thread at a time.
class Context {
 public:
  ~Context();

  // inputs: one tensor per Engine::inputs(), in order, dtype and shape checked. Outputs stay valid until the
  // next Run or the context's end. The first call with new input shapes plans memory; later calls do not
  // allocate (operators whose output shapes depend on data aside).
  Result<std::span<const Tensor>> Run(std::span<const Tensor> inputs);
  // The same for inputs that may be sequences or optionals.
  Result<std::span<const Datum>> RunData(std::span<const Datum> inputs);
  // Forgets what earlier runs left in the network's states (recurrent layers, variables): the next run starts
  // as the first did. A run that fails leaves them as they were.
  void ResetStates();
  // Lets go of the last run's inputs, which are held until the next one otherwise, and of its outputs.
  void Release();

  // From the next run on: on the caller's thread alone, or on all of the engine's again. Results are the same
  // bits. For contexts that run beside each other: threads that share work wait for each other.
  void UseOneThread() { has_one_thread_ = true; }
  void UseAllThreads() { has_one_thread_ = false; }

  void SetObserver(StepObserver observer) { observer_ = std::move(observer); }
  // Told which of the engine's threads works when; null: nobody. REQUIRES: no other context runs meanwhile.
  void SetThreadObserver(ThreadPool::Observer* observer);
  // The graph with the types that the last run's inputs gave it; null before the first run.
  const Graph* last_types() const;
  // Whether the last run had nothing to do for this step: a Concat whose parts lie where they belong.
  bool WasSkipped(size_t step) const;
  // The step that the last run did this one in; nullopt: it ran by itself. A pointwise convolution runs
  // within the depthwise one behind it.
  std::optional<size_t> RanWithin(size_t step) const;
  // Bytes of activations and scratch of the current plan; 0 before the first run.
  int64_t arena_bytes() const;

 private:
  friend class Engine;

  explicit Context(std::shared_ptr<const Engine> engine);
  Status CheckInput(const PortInfo& port, const Datum& input) const;
  Status CheckInputs(std::span<const Datum> inputs) const;
  std::span<const Datum> WithStates(std::span<const Datum> inputs);
  void KeepStates(const ShapePlan& plan);
  Result<ShapePlan*> PlanFor(std::span<const Datum> inputs);
  Status RunSteps(ShapePlan& plan);
  Status PrepareDynamicStep(ShapePlan& plan, size_t step);

  std::shared_ptr<const Engine> engine_;
  std::vector<std::unique_ptr<ShapePlan>> plans_;  // most recently used first
  std::vector<Datum> input_data_;                  // scratch of Run
  std::vector<Datum> output_data_;
  std::vector<Tensor> output_tensors_;
  std::vector<Datum> states_;       // what the next run starts from
  std::vector<Datum> next_states_;  // the other buffer of each
  std::vector<Datum> all_inputs_;   // scratch: the caller's inputs, then the states; none without states
  StepObserver observer_;
  bool has_one_thread_ = false;
};

}  // namespace slipway
