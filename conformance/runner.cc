#include "runner.h"

#include "runtime/engine.h"
#include "type_check.h"

namespace slipway::conformance {
namespace {

class InterpretRunner : public Runner {
 public:
  explicit InterpretRunner(const Graph& graph) : graph_(graph) {}
  Result<std::vector<Datum>> Run(std::span<const Datum> inputs) override {
    return InterpretChecked(graph_, inputs);
  }

 private:
  const Graph& graph_;
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

Result<std::unique_ptr<Runner>> MakeRunner(const std::string& backend, const Graph& graph) {
  if (backend == "interpret" || backend == "symbolic")
    return std::unique_ptr<Runner>(new InterpretRunner(graph));
  EngineOptions options;
  options.backend = backend;
  options.num_threads = 1;
  SLIPWAY_ASSIGN_OR_RETURN(std::shared_ptr<const Engine> engine, Engine::Create(graph, options));
  return std::unique_ptr<Runner>(new EngineRunner(std::move(engine)));
}

}  // namespace slipway::conformance
