#include "server/models/served_model.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "api/golden_difference.h"
#include "api/load.h"
#include "api/tuned.h"
#include "server/models/probabilities.h"
#include "server/models/row_check.h"
#include "server/models/warmup.h"
#include "tasks/core/guess.h"

namespace slipway::server {
namespace {

// Of a network whose batch is open and whose configuration names no limit: beyond it a processor gains
// nothing.
constexpr int64_t kUsualBatch = 8;

// The symbol of the ports' first dimension, where all have the same; empty: the network has no open batch.
std::string BatchSymbol(const Engine& engine) {
  std::string symbol;
  for (const auto* ports : {&engine.inputs(), &engine.outputs()}) {
    for (const PortInfo& port : *ports) {
      if (port.type.kind != TypeKind::kTensor || !port.type.shape || port.type.shape->empty()) return {};
      const Dim& first = port.type.shape->front();
      if (!first.IsNamed() || (!symbol.empty() && first.symbol() != symbol)) return {};
      symbol = first.symbol();
    }
  }
  return symbol;
}

Result<int64_t> MaxBatchOf(const Engine& engine, const ModelConfig& config,
                           const std::map<std::string, DimRange>& ranges) {
  const std::string symbol = BatchSymbol(engine);
  if (symbol.empty()) {
    if (config.BatchLimit() <= 1) return 1;
    return Status(Code::kInvalidModel,
                  "max_batch_size is " + std::to_string(config.BatchLimit()) +
                      ", but the network's first dimension is fixed or not the same everywhere",
                  "export it with an open batch, or set max_batch_size: 0");
  }
  const auto range = ranges.find(symbol);
  const int64_t most = range == ranges.end() ? INT64_MAX : range->second.high;
  if (config.BatchLimit() > most) {
    return Status(Code::kInvalidModel, "max_batch_size is " + std::to_string(config.BatchLimit()) +
                                           ", the model declares '" + symbol + "' up to " +
                                           std::to_string(most));
  }
  // States go from run to run, not from row to row.
  if (!engine.graph().states.empty()) return 1;
  if (config.max_batch_size) return std::max<int64_t>(config.BatchLimit(), 1);
  return std::min(kUsualBatch, most);
}

// Hints of importers name flags that `slipway convert` has, and a server has not.
Status ForServing(const Status& status) {
  if (status.hint().find("--") == std::string::npos) return status;
  return Status(status.code(), status.message(), "with slipway convert: " + status.hint());
}

std::string PlatformOf(const LoadedModel& loaded) {
  return "slipway_" + (loaded.was_slip ? std::string("slip") : loaded.model.source_format);
}

}  // namespace

Result<std::shared_ptr<ServedModel>> ServedModel::Load(const std::string& path, int64_t version,
                                                       const ModelConfig& config, const std::string& manifest,
                                                       const EngineOptions& options, OutputLabels labels) {
  const auto start = std::chrono::steady_clock::now();
  std::shared_ptr<ServedModel> model(new ServedModel());
  model->path_ = path;
  model->version_ = version;
  model->config_ = config;
  model->labels_ = std::move(labels);
  LoadOptions load;
  load.engine = options;
  if (!manifest.empty()) load.manifest_overrides.push_back(manifest);
  auto read = LoadModel(path, load);
  if (!read.ok()) return ForServing(read.status());
  LoadedModel loaded = std::move(*read);
  model->platform_ = PlatformOf(loaded);
  const Graph& graph = loaded.model.graph;
  model->manifest_ =
      tasks::CompleteManifest(loaded.model.manifest.value_or(Manifest()),
                              PortsOf(graph, graph.CallerInputs()), PortsOf(graph, graph.CallerOutputs()));
  model->gives_probabilities_ = GivesProbabilities(graph, model->manifest_);
  EngineOptions engine = options;
  engine.ranges = loaded.model.ranges;
  std::string note;
  SLIPWAY_RETURN_IF_ERROR(UseTunedSection(loaded.model, path, engine, note));
  SLIPWAY_ASSIGN_OR_RETURN(model->engine_, Engine::Create(std::move(loaded.model.graph), engine));
  SLIPWAY_RETURN_IF_ERROR(CheckAgainst(config, model->engine_->inputs(), model->engine_->outputs()));
  SLIPWAY_ASSIGN_OR_RETURN(model->max_batch_, MaxBatchOf(*model->engine_, config, loaded.model.ranges));
  // A batch that nobody asked for must not change an answer.
  if (model->max_batch_ > 1 && !config.max_batch_size) {
    Lease lease(*model);
    if (!DoRowsStayApart(*model->engine_, *lease.operator->())) model->max_batch_ = 1;
  }
  model->Settle();
  SLIPWAY_RETURN_IF_ERROR(model->WarmUp(loaded.model.golden));
  model->load_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return model;
}

const std::vector<std::string>& ServedModel::LabelsOf(const std::string& output) const {
  const auto own = labels_.find(output);
  return own == labels_.end() ? manifest_.labels : own->second;
}

// What the configuration leaves open is said as it is: clients read it.
void ServedModel::Settle() {
  const bool has_batch = !BatchSymbol(*engine_).empty() && config_.max_batch_size.value_or(max_batch_) > 0;
  config_.max_batch_size = has_batch ? max_batch_ : 0;
  if (config_.platform.empty()) config_.platform = platform_;
  if (config_.backend.empty()) config_.backend = "slipway";
  if (config_.default_model_filename.empty())
    config_.default_model_filename = std::filesystem::path(path_).filename().string();
}

Status ServedModel::WarmUp(const std::vector<GoldenVector>& golden) {
  Lease lease(*this);
  Context& context = *lease.operator->();
  if (!golden.empty()) SLIPWAY_RETURN_IF_ERROR(CheckGolden(golden, context, *engine_));
  if (golden.empty() && config_.model_warmup.empty()) RunOnZeros(*engine_, context);
  return RunWarmup(config_, *engine_, context);
}

std::unique_ptr<Context> ServedModel::TakeContext() const {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Context> context = std::move(idle_.back());
      idle_.pop_back();
      return context;
    }
  }
  return engine_->NewContext();
}

void ServedModel::GiveBack(std::unique_ptr<Context> context) const {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(context));
}

}  // namespace slipway::server
