// From any model file to something that runs: import or read, override the manifest, optimise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/model.h"
#include "passes/pipeline.h"
#include "plan/slip.h"
#include "runtime/engine.h"

namespace slipway {

struct LoadOptions {
  ImportOptions import;
  // A .wts file whose arrays replace the imported model's weights, by name, before anything is optimised
  // (formats/wts/fill.h); "" for none.
  std::string wts_path;
  bool leaves_unknown_wts = false;
  std::map<std::string, DimRange> ranges;  // to declare for dimensions that stay symbolic, by name
  bool is_optimized = true;
  PipelineOptions passes = PipelineOptions::FromEnvironment();
  // How the engine will run it, where one will be made at once: a .slip file that is tuned for that is read
  // no further than that needs.
  std::optional<EngineOptions> engine;
  // JSON laid over the model's own manifest; empty: nothing. From --manifest file.json and flags, in that
  // order.
  std::vector<std::string> manifest_overrides;
};

struct LoadedModel {
  SlipModel model;
  std::vector<std::string> notes;  // what was assumed or left out
  std::vector<PassReport> passes;
  bool was_slip = false;
};

// .onnx, .tflite, .pb, model.json or .slip, recognised by content. Import options are refused for .slip
// files.
Result<LoadedModel> LoadModel(const std::string& path, const LoadOptions& options = {});

// "slipway 0.1.0"
std::string ProducerName();

}  // namespace slipway
