// A model ready for photos: engine, one context, and the manifest that says what goes in and what comes out.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "manifest/manifest.h"
#include "runtime/engine.h"
#include "tasks/core/image_input.h"

namespace slipway::tasks {

// Numbers of an output: looked at where they lie, or its own, which copies share.
class RealValues {
 public:
  RealValues() = default;
  RealValues(std::vector<float> values)  // NOLINT: numbers are numbers
      : own_(std::make_shared<const std::vector<float>>(std::move(values))), view_(*own_) {}
  static RealValues LookAt(std::span<const float> values) {
    RealValues looking;
    looking.view_ = values;
    return looking;
  }

  const float* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  const float* begin() const { return data(); }
  const float* end() const { return data() + size(); }
  float operator[](size_t i) const { return view_[i]; }

 private:
  std::shared_ptr<const std::vector<float>> own_;
  std::span<const float> view_;
};

// Real numbers of one output, dequantised; `dims` as the tensor's. Those of f32 lie in the context's memory.
struct RealOutput {
  std::string name;
  Dims dims;
  RealValues values;
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
  Result<ImageInput> Prepare(media::Image photo) const;
  // Runs on a prepared input; other inputs are zero, and recurrent layers start anew: photos are independent.
  // Outputs are valid until the next run.
  Result<std::vector<RealOutput>> Run(const ImageInput& input);

 private:
  std::shared_ptr<const Engine> engine_;
  std::unique_ptr<Context> context_;
  Manifest manifest_;
};

// The parts of a run, for callers that have contexts of their own or run several photos at once.
Result<ImageInput> PrepareImage(const Engine& engine, const Manifest& manifest, media::Image photo);
// One for each of the engine's inputs; all but the image's are zero.
Result<std::vector<Tensor>> InputsWith(const Engine& engine, const Manifest& manifest,
                                       const ImageInput& input);
// outputs: as many as the engine has, in its order; they outlive what is returned.
std::vector<RealOutput> RealOutputsOf(const Engine& engine, std::span<const Tensor> outputs);

// Which engine input a spec means; an error names the model's inputs.
Result<size_t> FindInput(const Engine& engine, const std::string& name);

// Every tensor that the spec names must be among the outputs, under a role that its decoder reads; only
// yolov5's raw grids spread one role over several. Errors name the role, the tensor and the model's outputs.
Status CheckOutputNames(const OutputSpec& spec, const std::vector<RealOutput>& outputs);

// "cat" for class index 16; "class 16" without labels.
std::string LabelOf(const Manifest& manifest, int64_t label_index);

}  // namespace slipway::tasks
