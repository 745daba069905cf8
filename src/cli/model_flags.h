// Flags that every verb shares: which model, how to read it, where to run it, how to treat photos.
#pragma once

#include <CLI/CLI.hpp>

#include "api/load.h"
#include "tasks/core/session.h"

namespace slipway::cli {

// Who chose an engine's kernels.
struct HowChosen {
  enum class Source { kCostModel, kTimes, kSection };
  Source source = Source::kCostModel;
  bool wants_choices = false;
  std::vector<Choice> choices;  // of every node, with what else fits
};

struct ModelFlags {
  std::string model;
  std::vector<std::string> inputs;   // NAME[shape]
  std::vector<std::string> outputs;  // NAME
  std::vector<std::string> dims;     // NAME=extent, NAME=lowest..highest
  std::string signature;             // SavedModel
  std::string prototxt;              // Caffe: path of the net's description
  std::string wts;                   // path of weights that replace the model's
  bool is_wts_partial = false;
  std::vector<std::string> plugins;  // paths of plugin libraries
  bool allow_custom = false;
  bool has_plugin_checks = false;
  std::string manifest_path;
  std::string labels_path;
  std::string color, resize, decoder;
  std::vector<double> mean, std;
  std::optional<int64_t> rotate;
  bool is_mirrored = false;
  std::optional<double> score, iou, cross_iou;
  std::optional<int64_t> max_detections, top_k;
  std::string backend = "cpu";
  int threads = 0;
  std::string accuracy = "default";
  std::string precision = "f32";
  double bf16_budget = 2e-2;               // of --precision auto
  std::vector<std::string> timing_caches;  // paths
  double tune_seconds = 0;                 // 0: the cost model and what the timing caches know
  bool is_unoptimized = false;

  // The model, and flags for importing it.
  void AddModel(CLI::App* command);
  // Flags that override the manifest.
  void AddManifest(CLI::App* command);
  // --backend, --threads, --accuracy, --precision, --tune-seconds, --timing-cache
  void AddEngine(CLI::App* command);

  Result<LoadOptions> ToLoadOptions() const;
  Result<LoadedModel> Load() const;
  // The same for MakeEngine alone: of a tuned .slip file, what other uses need may go unchecked.
  Result<LoadedModel> LoadToRun() const;
  // Times choose the kernels, not a tuned section.
  bool IsTimed() const { return !timing_caches.empty() || tune_seconds > 0; }
  bool IsPrecisionAuto() const { return precision == "auto"; }
  // --precision auto counts as f32 until ChoosePrecision has tried the model.
  Result<EngineOptions> ToEngineOptions() const;
  // As the flags say; without flags about timing, as the model is tuned for this machine. Notes go to stderr.
  Result<std::shared_ptr<const Engine>> MakeEngine(const LoadedModel& loaded) const;
  // The same, and the graph goes to the engine: weights that kernels have packed are not held twice.
  // how: if not null, gets who chose, and where it asks for them, what else would have fitted.
  Result<std::shared_ptr<const Engine>> MakeEngine(LoadedModel&& loaded, HowChosen* how = nullptr) const;
  // Loads, completes the manifest by guessing, prints notes to stderr.
  Result<tasks::Session> MakeSession() const;

 private:
  Status LoadPlugins() const;
};

// The model's manifest with its gaps guessed; what was assumed or guessed goes to stderr.
Manifest CompleteManifestOf(const LoadedModel& loaded);

// Photos named on the command line: files, folders (their images, sorted), "@list.txt" or - for a list on
// stdin, a path a line.
Result<std::vector<std::string>> ExpandPhotos(const std::vector<std::string>& arguments);

}  // namespace slipway::cli
