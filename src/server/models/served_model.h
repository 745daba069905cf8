// One version of a model, loaded and checked: engine, manifest, configuration, and contexts to run it in.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "manifest/manifest.h"
#include "plan/slip.h"
#include "runtime/engine.h"
#include "server/models/config.h"
#include "server/models/labels.h"
#include "server/models/statistics.h"

namespace slipway::server {

// Immutable but for its statistics and idle contexts; every method may be called from any thread. Held by
// whoever still works with it: a version that was replaced goes when its last request is answered.
class ServedModel {
 public:
  // Loads the file, runs its golden vectors, if it has some, and warms it up (warmup.h). config: overrides
  // what the file says; its name is the model's. manifest: JSON laid over the file's own; empty: nothing is.
  // labels: of outputs that have their own.
  static Result<std::shared_ptr<ServedModel>> Load(const std::string& path, int64_t version,
                                                   const ModelConfig& config, const std::string& manifest,
                                                   const EngineOptions& options, OutputLabels labels = {});

  const std::string& name() const { return config_.name; }
  int64_t version() const { return version_; }
  const std::string& path() const { return path_; }
  const Engine& engine() const { return *engine_; }
  const Manifest& manifest() const { return manifest_; }
  const ModelConfig& config() const { return config_; }
  // Of the classes of an output: those of its own, or else the manifest's.
  const std::vector<std::string>& LabelsOf(const std::string& output) const;
  const std::string& platform() const { return platform_; }  // "slipway_slip", "slipway_onnx", ...
  // Whether classes' scores are from 0 to 1 and say how sure the network is: the manifest applies a softmax
  // or sigmoid, or the network ends in one.
  bool gives_probabilities() const { return gives_probabilities_; }
  // Rows that one run may take; 1 where the network's batch is fixed or there is none.
  int64_t max_batch() const { return max_batch_; }
  double load_seconds() const { return load_seconds_; }
  Statistics& statistics() const { return statistics_; }

  // A context for one run at a time, given back when the lease ends.
  class Lease {
   public:
    explicit Lease(const ServedModel& model) : model_(model), context_(model.TakeContext()) {}
    ~Lease() {
      context_->Release();  // a request's tensors do not wait with it for the next
      model_.GiveBack(std::move(context_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Context* operator->() { return context_.get(); }

   private:
    const ServedModel& model_;
    std::unique_ptr<Context> context_;
  };

 private:
  ServedModel() = default;
  void Settle();
  Status WarmUp(const std::vector<GoldenVector>& golden);
  std::unique_ptr<Context> TakeContext() const;
  void GiveBack(std::unique_ptr<Context> context) const;

  std::string path_, platform_;
  int64_t version_ = 1;
  ModelConfig config_;
  Manifest manifest_;
  OutputLabels labels_;
  std::shared_ptr<const Engine> engine_;
  int64_t max_batch_ = 1;
  double load_seconds_ = 0;
  bool gives_probabilities_ = false;
  mutable Statistics statistics_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Context>> idle_;
};

}  // namespace slipway::server
