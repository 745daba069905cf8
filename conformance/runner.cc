#include "runner.h"

#include "runtime/engine.h"
#include "type_check.h"

namespace slipway::conformance {
namespace {

class InterpretRunner : public Runner {
 public:
  explicit InterpretRunner(const Graph& graph) : graph_(graph) {
    for (const Tensor& start : graph.states) states_.push_back(Datum::Of(start));
  }
  Result<std::vector<Datum>> Run(std::span<const Datum> inputs) override {
    std::vector<Datum> all(inputs.begin(), inputs.end());
    all.insert(all.end(), states_.begin(), states_.end());
    SLIPWAY_ASSIGN_OR_RETURN(std::vector<Datum> outputs, InterpretChecked(graph_, all));
    const auto first_state = outputs.begin() + static_cast<std::ptrdiff_t>(graph_.CallerOutputs().size());
    states_.assign(first_state, outputs.end());
    outputs.erase(first_state, outputs.end());
    return outputs;
  }

 private:
  const Graph& graph_;
  std::vector<Datum> states_;  // what the next run starts from
};

// The engine's outputs live in its context; copies outlive it.
Datum Copy(const Datum& datum) {
  Datum copy = datum;
  copy.tensor = datum.tensor.IsNone() ? Tensor() : datum.tensor.Clone();
  if (datum.sequence == nullptr) return copy;
  auto tensors = std::make_shared<std::vector<Tensor>>();
  for (const Tensor& tensor : *datum.sequence) tensors->push_back(tensor.Clone());
  copy.sequence = std::move(tensors);
  return copy;
}

class EngineRunner : public Runner {
 public:
  explicit EngineRunner(std::shared_ptr<const Engine> engine) : context_(engine->NewContext()) {}
  Result<std::vector<Datum>> Run(std::span<const Datum> inputs) override {
    SLIPWAY_ASSIGN_OR_RETURN(const std::span<const Datum> outputs, context_->RunData(inputs));
    std::vector<Datum> copies;
    for (const Datum& output : outputs) copies.push_back(Copy(output));
    return copies;
  }

 private:
  std::unique_ptr<Context> context_;
};

}  // namespace

Result<std::unique_ptr<Runner>> MakeRunner(const std::string& backend, const Graph& graph,
                                           Precision precision) {
  if (backend == "interpret" || backend == "symbolic")
    return std::unique_ptr<Runner>(new InterpretRunner(graph));
  EngineOptions options;
  options.backend = backend;
  options.num_threads = 1;
  options.precision = precision;
  SLIPWAY_ASSIGN_OR_RETURN(std::shared_ptr<const Engine> engine, Engine::Create(graph, options));
  return std::unique_ptr<Runner>(new EngineRunner(std::move(engine)));
}

}  // namespace slipway::conformance
