#include "tasks/core/guess.h"

#include <algorithm>

#include "manifest/labels_coco.h"
#include "tasks/core/image_input.h"

namespace slipway::tasks {
namespace {

int64_t ExtentAt(const Type& type, int axis) {
  if (!type.shape) return 0;
  const int at = axis < 0 ? type.rank() + axis : axis;
  if (at < 0 || at >= type.rank()) return 0;
  const Dim& dim = (*type.shape)[static_cast<size_t>(at)];
  return dim.IsKnown() ? dim.value() : 0;
}

// Cells of the usual three grids over an input.
int64_t GridCells(const ImageShape& image) {
  int64_t cells = 0;
  for (int64_t stride : {8, 16, 32}) cells += (image.width / stride) * (image.height / stride);
  return cells;
}

// Only the decoder is said (by a flag, say): the rest of the output is still to be guessed.
std::optional<DecoderKind> BareDecoder(const Manifest& manifest) {
  if (manifest.outputs.size() != 1) return std::nullopt;
  OutputSpec bare;
  bare.decoder = manifest.outputs[0].decoder;
  if (manifest.outputs[0] != bare || bare.decoder == DecoderKind::kRaw) return std::nullopt;
  return bare.decoder;
}

TaskKind TaskOf(DecoderKind decoder) {
  switch (decoder) {
    case DecoderKind::kRaw: return TaskKind::kRaw;
    case DecoderKind::kClassification: return TaskKind::kClassification;
    case DecoderKind::kMask: return TaskKind::kSegmentation;
    default: return TaskKind::kDetection;
  }
}

bool IsYolo(DecoderKind decoder) {
  return decoder == DecoderKind::kYolov5 || decoder == DecoderKind::kYolov8 || decoder == DecoderKind::kYolox;
}

// Ultralytics' for COCO, in pixels, one list a stride.
const std::vector<std::vector<double>> kYolov5Anchors = {
    {10, 13, 16, 30, 33, 23}, {30, 61, 62, 45, 59, 119}, {116, 90, 156, 198, 373, 326}};

struct Guesser {
  Manifest& manifest;
  const std::vector<PortInfo>& inputs;
  const std::vector<PortInfo>& outputs;
  std::optional<ImageShape> image;
  std::optional<DecoderKind> wanted;  // the only decoder that may be guessed

  bool May(DecoderKind decoder) const { return !wanted || *wanted == decoder; }

  void Note(std::string text) { manifest.notes.push_back(std::move(text)); }

  OutputSpec& AddOutput(TaskKind task, DecoderKind decoder, const std::string& why) {
    if (manifest.task == TaskKind::kRaw) manifest.task = task;
    if (wanted) manifest.outputs.clear();
    manifest.outputs.emplace_back();
    manifest.outputs.back().decoder = decoder;
    // Of a decoder that was named, only detectors have more than their kind to guess.
    if (!wanted || task == TaskKind::kDetection)
      Note("decoder " + std::string(NameOf(decoder)) + (wanted ? " fits: " : " guessed: ") + why);
    return manifest.outputs.back();
  }

  void UseCocoLabels(int64_t classes) {
    if (!manifest.labels.empty() || classes != 80) return;
    manifest.labels = CocoLabels80();
    Note("labels guessed: 80 classes are taken for COCO's");
  }

  InputSpec& FirstInput() {
    if (manifest.inputs.empty()) manifest.inputs.emplace_back();
    return manifest.inputs[0];
  }

  bool GuessPostprocess() {
    if (!May(DecoderKind::kSsdPostprocess) || outputs.size() != 4 || ExtentAt(outputs[3].type, 0) > 1)
      return false;
    const bool is_named = outputs[0].name.find("Detection_PostProcess") != std::string::npos;
    const bool has_boxes =
        ExtentAt(outputs[0].type, -1) == 4 && outputs[0].type.HasRank() && outputs[0].type.rank() == 3;
    if (!is_named && !has_boxes) return false;
    OutputSpec& output = AddOutput(TaskKind::kDetection, DecoderKind::kSsdPostprocess,
                                   "four outputs: boxes, classes, scores, count");
    output.box_order = BoxOrder::kYxyx;
    return true;
  }

  bool GuessYolo() {
    if (outputs.size() != 1 || !outputs[0].type.HasRank() || outputs[0].type.rank() != 3 || !image)
      return false;
    const Type& type = outputs[0].type;
    const int64_t a = ExtentAt(type, 1);
    const int64_t b = ExtentAt(type, 2);
    const int64_t cells = GridCells(*image);
    if (cells == 0) return false;
    const auto shape = ToString(type);
    if (May(DecoderKind::kYolov5) && a == 3 * cells && b > 5) {
      OutputSpec& output =
          AddOutput(TaskKind::kDetection, DecoderKind::kYolov5, shape + " is three anchors on three grids");
      output.box_order = BoxOrder::kCxcywh;
      // TFLite exports divide by the input's size, ONNX exports do not.
      output.coordinates = image->is_channels_first ? CoordinateKind::kPixel : CoordinateKind::kRatio;
      UseLetterbox(114, true);
      ScaleTo01();
      UseCocoLabels(b - 5);
      return true;
    }
    if (May(DecoderKind::kYolox) && a == cells && b > 5) {
      AddOutput(TaskKind::kDetection, DecoderKind::kYolox, shape + " is one row a cell of three grids")
          .box_order = BoxOrder::kCxcywh;
      UseLetterbox(114, false);
      FirstInput().color = ColorOrder::kBgr;
      Note("colour order guessed: bgr, levels 0 to 255 (YOLOX)");
      UseCocoLabels(b - 5);
      return true;
    }
    if (May(DecoderKind::kYolov8) && b == cells && a > 4) {
      OutputSpec& output = AddOutput(TaskKind::kDetection, DecoderKind::kYolov8,
                                     shape + " is one column a cell of three grids");
      output.box_order = BoxOrder::kCxcywh;
      output.coordinates = image->is_channels_first ? CoordinateKind::kPixel : CoordinateKind::kRatio;
      UseLetterbox(114, true);
      ScaleTo01();
      UseCocoLabels(a - 4);
      return true;
    }
    return false;
  }

  // [1,3,H,W,5+classes] on the three usual grids, in any order.
  bool GuessYolov5Grids() {
    if (!May(DecoderKind::kYolov5) || outputs.size() != 3 || !image || GridCells(*image) == 0) return false;
    for (int64_t stride : {8, 16, 32}) {
      const bool is_there = std::any_of(outputs.begin(), outputs.end(), [&](const PortInfo& output) {
        return output.type.HasRank() && output.type.rank() == 5 && ExtentAt(output.type, 1) == 3 &&
               ExtentAt(output.type, 2) == image->height / stride &&
               ExtentAt(output.type, 3) == image->width / stride && ExtentAt(output.type, 4) > 5;
      });
      if (!is_there) return false;
    }
    OutputSpec& output = AddOutput(TaskKind::kDetection, DecoderKind::kYolov5,
                                   "three outputs like " + ToString(outputs[0].type) + " are raw grids");
    output.box_order = BoxOrder::kCxcywh;
    output.activation = ScoreActivation::kSigmoid;
    output.strides = {8, 16, 32};
    output.anchors.emplace();
    output.anchors->boxes = kYolov5Anchors;
    Note("anchors guessed: YOLOv5's for COCO");
    UseLetterbox(114, true);
    ScaleTo01();
    UseCocoLabels(ExtentAt(outputs[0].type, 4) - 5);
    return true;
  }

  // Only with COCO's classes: other grids of stride 16 are as likely maps of scores.
  bool GuessFastestdet() {
    if (!May(DecoderKind::kFastestdet) || outputs.size() != 1 || !image || !outputs[0].type.HasRank())
      return false;
    const Type& type = outputs[0].type;
    constexpr int64_t kStride = 16;
    const bool is_grid = type.rank() == 4 && ExtentAt(type, 2) * kStride == image->height &&
                         ExtentAt(type, 3) * kStride == image->width && ExtentAt(type, 1) == 5 + 80;
    if (!is_grid) return false;
    AddOutput(TaskKind::kDetection, DecoderKind::kFastestdet,
              ToString(type) + " is a grid of objectness, box and class scores");
    FirstInput().color = ColorOrder::kBgr;
    Note("colour order guessed: bgr (FastestDet)");
    ScaleTo01();
    UseCocoLabels(80);
    return true;
  }

  void UseLetterbox(double pad, bool is_centered) {
    InputSpec& input = FirstInput();
    if (input.resize != ResizeSpec()) return;
    input.resize.mode = ResizeMode::kLetterbox;
    input.resize.style = ResizeStyle::kOpencv;
    input.resize.letterbox.pad_value = pad;
    input.resize.letterbox.centered = is_centered;
    Note("resize guessed: letterbox, as YOLO models are trained");
  }

  void ScaleTo01() {
    InputSpec& input = FirstInput();
    if (!input.std.empty() || !IsFloat(inputs[0].type.dtype)) return;
    input.std = {255};
    Note("normalisation guessed: levels divided by 255");
  }

  bool GuessFaceAnchors() {
    if (!May(DecoderKind::kAnchors) || outputs.size() != 2 || !image) return false;
    const bool is_first_boxes = ExtentAt(outputs[0].type, -1) == 16;
    const PortInfo& boxes = outputs[is_first_boxes ? 0 : 1];
    const PortInfo& scores = outputs[is_first_boxes ? 1 : 0];
    const int64_t count = ExtentAt(boxes.type, 1);
    if (ExtentAt(boxes.type, -1) != 16 || ExtentAt(scores.type, -1) != 1 || count != ExtentAt(scores.type, 1))
      return false;
    std::vector<int64_t> strides;
    if (count == 896) strides = {8, 16, 16, 16};
    if (count == 2304) strides = {4};
    if (strides.empty()) return false;
    OutputSpec& output = AddOutput(TaskKind::kDetection, DecoderKind::kAnchors,
                                   std::to_string(count) + " rows of 16 are MediaPipe's face detector");
    output.tensors = {{"boxes", {boxes.name}}, {"scores", {scores.name}}};
    output.strides = strides;
    output.activation = ScoreActivation::kSigmoid;
    output.coordinates = CoordinateKind::kPixel;
    output.box_order = BoxOrder::kCxcywh;
    output.keypoints = 6;
    AnchorSpec anchors;
    anchors.fixed_size = true;
    anchors.size_code = SizeCode::kLinear;
    anchors.interpolated_ratio = count == 896 ? 1 : 0;
    output.anchors = anchors;
    if (manifest.labels.empty()) manifest.labels = {"face"};
    InputSpec& input = FirstInput();
    if (input.std.empty() && input.mean.empty()) {
      input.mean = {127.5};
      input.std = {127.5};
      Note("normalisation guessed: levels to -1..1 (MediaPipe)");
    }
    if (input.resize == ResizeSpec()) {
      input.resize.mode = ResizeMode::kLetterbox;
      input.resize.letterbox.pad_value = 0;
    }
    return true;
  }

  bool GuessSsd() {
    if (!May(DecoderKind::kSsd) || outputs.size() != 2) return false;
    const bool is_first_boxes = ExtentAt(outputs[0].type, -1) == 4;
    const PortInfo& boxes = outputs[is_first_boxes ? 0 : 1];
    const PortInfo& scores = outputs[is_first_boxes ? 1 : 0];
    const int64_t anchors = ExtentAt(boxes.type, 1);
    if (ExtentAt(boxes.type, -1) != 4 || anchors < 16 || anchors != ExtentAt(scores.type, 1)) return false;
    OutputSpec& output = AddOutput(TaskKind::kDetection, DecoderKind::kSsd,
                                   "boxes " + ToString(boxes.type) + " and scores " + ToString(scores.type));
    output.tensors = {{"boxes", {boxes.name}}, {"scores", {scores.name}}};
    if (ExtentAt(scores.type, -1) == 2) {
      output.background = 0;
      if (manifest.labels.empty()) manifest.labels = {"background", "object"};
    }
    return true;
  }

  bool GuessMask() {
    if (!May(DecoderKind::kMask) || outputs.size() != 1 || !outputs[0].type.HasRank() ||
        outputs[0].type.rank() != 4 || !image)
      return false;
    const int64_t h = ExtentAt(outputs[0].type, image->is_channels_first ? 2 : 1);
    const int64_t w = ExtentAt(outputs[0].type, image->is_channels_first ? 3 : 2);
    if (h * w < 64) return false;
    AddOutput(TaskKind::kSegmentation, DecoderKind::kMask,
              "output " + ToString(outputs[0].type) + " is a map of scores");
    return true;
  }

  bool GuessClasses() {
    if (!May(DecoderKind::kClassification) || outputs.size() != 1 || !outputs[0].type.HasRank()) return false;
    const Type& type = outputs[0].type;
    int64_t others = 1;
    for (int axis = 1; axis + 1 < type.rank(); ++axis) others *= ExtentAt(type, axis);
    if (type.rank() < 1 || (type.rank() > 2 && others != 1)) return false;
    AddOutput(TaskKind::kClassification, DecoderKind::kClassification,
              "output " + ToString(type) + " is one score a class");
    return true;
  }

  void GuessOutputs() {
    const bool is_found = GuessPostprocess() || GuessYolo() || GuessYolov5Grids() || GuessFaceAnchors() ||
                          GuessSsd() || GuessFastestdet() || GuessMask() || GuessClasses();
    if (is_found || !wanted || !IsYolo(*wanted)) return;
    // Other strides than the usual, or open extents: what all of them have in common.
    manifest.outputs[0].box_order = BoxOrder::kCxcywh;
    if (image && image->is_channels_first) manifest.outputs[0].coordinates = CoordinateKind::kPixel;
    Note("box order guessed: cxcywh in " + std::string(NameOf(manifest.outputs[0].coordinates)) +
         "s; the outputs have not the usual shapes of " + std::string(NameOf(*wanted)));
    UseLetterbox(114, *wanted != DecoderKind::kYolox);
    if (*wanted != DecoderKind::kYolox) ScaleTo01();
  }

  void GuessInput() {
    if (!image) return;
    InputSpec& input = FirstInput();
    const bool is_float = IsFloat(inputs[0].type.dtype);
    if (input == InputSpec() && is_float && manifest.task != TaskKind::kDetection) {
      input.std = {255};
      Note("normalisation guessed: levels divided by 255; mean and std say otherwise");
    }
  }
};

}  // namespace

Manifest CompleteManifest(Manifest manifest, const std::vector<PortInfo>& inputs,
                          const std::vector<PortInfo>& outputs) {
  Guesser guesser{manifest, inputs, outputs, std::nullopt, std::nullopt};
  if (!inputs.empty()) {
    const TensorLayout layout = manifest.inputs.empty() ? TensorLayout::kAuto : manifest.inputs[0].layout;
    guesser.image = ImageShapeOf(inputs[0].type, layout);
  }
  guesser.wanted = BareDecoder(manifest);
  if (manifest.outputs.empty() || guesser.wanted) guesser.GuessOutputs();
  if (manifest.task == TaskKind::kRaw && !manifest.outputs.empty())
    manifest.task = TaskOf(manifest.outputs[0].decoder);
  guesser.GuessInput();
  if (manifest.inputs.empty() && guesser.image) manifest.inputs.emplace_back();
  return manifest;
}

}  // namespace slipway::tasks
