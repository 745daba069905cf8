#include "formats/tensorflow/detection.h"

#include "manifest/labels_coco.h"

namespace slipway::tensorflow {
namespace {

InputSpec MakeInput(const Preprocessor& preprocessor) {
  InputSpec input;
  input.tensor = preprocessor.input;
  input.resize.mode = ResizeMode::kStretch;
  input.resize.filter = preprocessor.is_nearest ? ResizeFilter::kNearest : ResizeFilter::kBilinear;
  input.resize.convention = preprocessor.is_align_corners ? ResizeConvention::kAlignCorners
                            : preprocessor.is_half_pixel  ? ResizeConvention::kHalfPixel
                                                          : ResizeConvention::kAsymmetric;
  input.resize.style = ResizeStyle::kPlain;
  input.resize.width = preprocessor.width;
  input.resize.height = preprocessor.height;
  input.color = preprocessor.channels == 1 ? ColorOrder::kGray : ColorOrder::kRgb;
  input.layout = TensorLayout::kNhwc;
  // (x - mean) / std = x * scale + offset
  input.mean = {-preprocessor.offset / preprocessor.scale};
  input.std = {1 / preprocessor.scale};
  return input;
}

bool EndsWith(const Type& type, std::initializer_list<int64_t> tail) {
  if (!type.shape || type.shape->size() < tail.size()) return false;
  size_t at = type.shape->size() - tail.size();
  for (int64_t extent : tail) {
    const Dim& dim = (*type.shape)[at++];
    if (!dim.IsKnown() || dim.value() != extent) return false;
  }
  return true;
}

}  // namespace

Manifest MakeManifest(const Preprocessor& preprocessor, const Graph& graph) {
  Manifest manifest;
  manifest.inputs.push_back(MakeInput(preprocessor));
  const Value* boxes = nullptr;
  const Value* scores = nullptr;
  for (ValueId id : graph.outputs) {
    const Value& value = graph.value(id);
    if (EndsWith(value.type, {4}) && boxes == nullptr) {
      boxes = &value;
    } else if (value.type.shape && value.type.rank() == 3) {
      scores = &value;
    }
  }
  if (boxes == nullptr || scores == nullptr) return manifest;
  manifest.task = TaskKind::kDetection;
  OutputSpec output;
  output.decoder = DecoderKind::kSsd;
  output.tensors["boxes"] = {boxes->name};
  output.tensors["scores"] = {scores->name};
  output.box_order = BoxOrder::kYxyx;
  output.coordinates = CoordinateKind::kRatio;
  const Dim& classes = scores->type.shape->back();
  // COCO's category numbers are 1 to 90; scores leave the background out.
  if (classes.IsKnown() && classes.value() == 90) {
    output.class_offset = 1;
    manifest.labels = CocoLabels91();
    manifest.notes.push_back("90 classes: taken for COCO's categories 1 to 90");
  }
  manifest.outputs.push_back(std::move(output));
  return manifest;
}

}  // namespace slipway::tensorflow
