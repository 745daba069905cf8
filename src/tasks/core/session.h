// A model ready for photos: engine, one context, and the manifest that says what goes in and what comes out.
#pragma once

#include "manifest/manifest.h"
#include "runtime/engine.h"
#include "tasks/core/image_input.h"

namespace slipway::tasks {

// Real numbers of one output, dequantised; `dims` as the tensor's.
struct RealOutput {
  std::string name;
  Dims dims;
  std::vector<float> values;
};

// Used by one thread at a time.
class Session {
 public:
  // manifest: complete (see guess.h).
  Session(std::shared_ptr<const Engine> engine, Manifest manifest);

  const Manifest& manifest() const { return manifest_; }
  Manifest& manifest() { return manifest_; }
  const Engine& engine() const { return *engine_; }

  // The manifest's first image input, filled from the photo.
  Result<ImageInput> Prepare(const media::Image& photo) const;
  // Runs on a prepared input; other inputs are zero, and recurrent layers start anew: photos are independent.
  // Outputs are copies.
  Result<std::vector<RealOutput>> Run(const ImageInput& input);

 private:
  std::shared_ptr<const Engine> engine_;
  std::unique_ptr<Context> context_;
  Manifest manifest_;
};

// Which engine input a spec means; an error names the model's inputs.
Result<size_t> FindInput(const Engine& engine, const std::string& name);

// Every tensor that the spec names must be among the outputs, under a role that its decoder reads; only
// yolov5's raw grids spread one role over several. Errors name the role, the tensor and the model's outputs.
Status CheckOutputNames(const OutputSpec& spec, const std::vector<RealOutput>& outputs);

// "cat" for class index 16; "class 16" without labels.
std::string LabelOf(const Manifest& manifest, int64_t label_index);

}  // namespace slipway::tasks
