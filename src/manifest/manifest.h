// The manifest: how to make a model's input from a photo and how to read its output, as plain data.
//
// The same manifest drives calibrate, run, bench, compare and serve, so that preprocessing can't differ
// between them. It comes from the model's own metadata, from a JSON file or flags, or is guessed from shapes
// (elsewhere). Every field, its JSON key, limits and documentation is listed once, in fields.h: the parser,
// the writer, the schema and the manual follow from it. See docs/manifest.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway {

// What the model is for. kRaw: tensors in, tensors out.
enum class TaskKind { kRaw, kClassification, kDetection, kSegmentation };
enum class InputKind { kImage, kTensor };
enum class ColorOrder { kRgb, kBgr, kGray };
// kStretch: both sides to the target, aspect ratio lost. kLetterbox: whole photo, padded. kCenterCrop: a
// centred cut of the target's aspect ratio, then resized. kNone: the photo must have the model's size.
enum class ResizeMode { kStretch, kLetterbox, kCenterCrop, kNone };
enum class ResizeFilter { kNearest, kBilinear, kArea, kBicubic };
// Where sample i of the result lies in the source, with s = source / target extent: (i + 0.5) s - 0.5;
// i (source - 1) / (target - 1); i s.
enum class ResizeConvention { kHalfPixel, kAlignCorners, kAsymmetric };
// Whose arithmetic to follow to the bit where it differs: float throughout; OpenCV's 11-bit fixed point;
// PIL's antialiased filters.
enum class ResizeStyle { kPlain, kOpencv, kPil };
enum class TensorLayout { kAuto, kNchw, kNhwc };
enum class DecoderKind {
  kRaw,
  kClassification,
  kYolov5,
  kYolov8,
  kYolox,
  kFastestdet,
  kSsd,             // boxes and scores, decoded or against anchors
  kSsdPostprocess,  // TFLite_Detection_PostProcess: boxes, classes, scores, count
  kAnchors,         // MediaPipe's: boxes with key points against anchors
  kMask
};
// What is still to be applied to the scores.
enum class ScoreActivation { kNone, kSigmoid, kSoftmax };
enum class BoxOrder { kXyxy, kYxyx, kXywh, kYxhw, kCxcywh, kCycxhw };
// kRatio: 0..1 of the model's input; kPixel: pixels of the model's input.
enum class CoordinateKind { kRatio, kPixel };
// How box sizes are read against anchors: exp(x) * anchor, x * anchor, or as they are.
enum class SizeCode { kExp, kLinear, kSquare };

// Names in JSON and on the command line, in enum order.
template <class E>
struct EnumNames;
template <>
struct EnumNames<TaskKind> {
  static constexpr std::array<std::string_view, 4> kNames = {"raw", "classification", "detection",
                                                             "segmentation"};
};
template <>
struct EnumNames<InputKind> {
  static constexpr std::array<std::string_view, 2> kNames = {"image", "tensor"};
};
template <>
struct EnumNames<ColorOrder> {
  static constexpr std::array<std::string_view, 3> kNames = {"rgb", "bgr", "gray"};
};
template <>
struct EnumNames<ResizeMode> {
  static constexpr std::array<std::string_view, 4> kNames = {"stretch", "letterbox", "center_crop", "none"};
};
template <>
struct EnumNames<ResizeFilter> {
  static constexpr std::array<std::string_view, 4> kNames = {"nearest", "bilinear", "area", "bicubic"};
};
template <>
struct EnumNames<ResizeConvention> {
  static constexpr std::array<std::string_view, 3> kNames = {"half_pixel", "align_corners", "asymmetric"};
};
template <>
struct EnumNames<ResizeStyle> {
  static constexpr std::array<std::string_view, 3> kNames = {"plain", "opencv", "pil"};
};
template <>
struct EnumNames<TensorLayout> {
  static constexpr std::array<std::string_view, 3> kNames = {"auto", "nchw", "nhwc"};
};
template <>
struct EnumNames<DecoderKind> {
  static constexpr std::array<std::string_view, 10> kNames = {
      "raw", "classification",  "yolov5",  "yolov8", "yolox", "fastestdet",
      "ssd", "ssd-postprocess", "anchors", "mask"};
};
template <>
struct EnumNames<ScoreActivation> {
  static constexpr std::array<std::string_view, 3> kNames = {"none", "sigmoid", "softmax"};
};
template <>
struct EnumNames<BoxOrder> {
  static constexpr std::array<std::string_view, 6> kNames = {"xyxy", "yxyx",   "xywh",
                                                             "yxhw", "cxcywh", "cycxhw"};
};
template <>
struct EnumNames<CoordinateKind> {
  static constexpr std::array<std::string_view, 2> kNames = {"ratio", "pixel"};
};
template <>
struct EnumNames<SizeCode> {
  static constexpr std::array<std::string_view, 3> kNames = {"exp", "linear", "square"};
};

template <class E>
std::string_view NameOf(E value) {
  return EnumNames<E>::kNames[static_cast<size_t>(value)];
}
template <class E>
std::optional<E> ParseEnum(std::string_view name) {
  for (size_t i = 0; i < EnumNames<E>::kNames.size(); ++i) {
    if (EnumNames<E>::kNames[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

struct LetterboxSpec {
  double pad_value = 114;  // level 0..255 of every channel
  // 0: pad to the whole target; n: only to the next multiple of n (dynamic shapes).
  int64_t stride = 0;
  bool centered = true;  // false: photo at the top left
  bool enlarge = true;   // false: small photos are padded, not scaled up

  bool operator==(const LetterboxSpec&) const = default;
};

struct ResizeSpec {
  ResizeMode mode = ResizeMode::kStretch;
  ResizeFilter filter = ResizeFilter::kBilinear;
  ResizeConvention convention = ResizeConvention::kHalfPixel;
  ResizeStyle style = ResizeStyle::kPlain;
  int64_t width = 0;         // pixels; 0: the tensor's
  int64_t height = 0;        // pixels; 0: the tensor's
  double crop_fraction = 1;  // center_crop: share of the largest fitting window that is kept (0.875 is usual)
  LetterboxSpec letterbox;

  bool operator==(const ResizeSpec&) const = default;
};

// real = scale * (q - zero_point)
struct QuantSpec {
  double scale = 1;
  int64_t zero_point = 0;

  bool operator==(const QuantSpec&) const = default;
};

// One input tensor. Levels 0..255 in `color` order, then (x - mean) / std per channel, then quantised or
// cast.
struct InputSpec {
  std::string tensor;  // empty: the model's only (or first) input
  InputKind kind = InputKind::kImage;
  ColorOrder color = ColorOrder::kRgb;
  int64_t rotate = 0;   // degrees clockwise that bring the photo upright: 0, 90, 180 or 270
  bool mirror = false;  // then left and right change places
  ResizeSpec resize;
  std::vector<double> mean;  // one, or one per channel; empty: 0
  std::vector<double> std;   // one, or one per channel; empty: 1
  TensorLayout layout = TensorLayout::kAuto;
  std::string dtype;               // "f32", "u8", ...; empty: the tensor's
  std::optional<QuantSpec> quant;  // none: the tensor's

  bool operator==(const InputSpec&) const = default;
};

// Anchors (priors): given one by one, or generated on grids of the given strides.
struct AnchorSpec {
  // yolo: per stride w0,h0,w1,h1,... in pixels; ssd and anchors: one [cx,cy,w,h] each, in ratios.
  std::vector<std::vector<double>> boxes;
  std::vector<std::vector<double>> min_sizes;  // per stride: sides of square priors, pixels
  std::vector<double> aspect_ratios;           // w / h
  double min_scale = 0;                        // of the first and last stride: side as a ratio of the input
  double max_scale = 0;
  double interpolated_ratio = 0;  // aspect ratio of an extra anchor between two scales; 0: none
  bool fixed_size = false;        // all anchors are 1 x 1: only their centres count (MediaPipe)
  double offset = 0.5;            // of centres within a grid cell
  // Multiplied with x, y, w, h of the raw box ([0.1,0.1,0.2,0.2] is usual). Empty: 1.
  std::vector<double> variances;
  SizeCode size_code = SizeCode::kExp;

  bool operator==(const AnchorSpec&) const = default;
};

// One decoder and the output tensors that it reads.
struct OutputSpec {
  DecoderKind decoder = DecoderKind::kRaw;
  // Role -> tensor names (several where a role is spread over strides). Roles: kRoles. Empty: all outputs,
  // roles by shape.
  std::map<std::string, std::vector<std::string>> tensors;
  ScoreActivation activation = ScoreActivation::kNone;
  BoxOrder box_order = BoxOrder::kXyxy;
  CoordinateKind coordinates = CoordinateKind::kRatio;
  std::vector<int64_t> strides;  // pixels, one per grid
  std::optional<AnchorSpec> anchors;
  int64_t keypoints = 0;     // per box
  int64_t class_offset = 0;  // class index + class_offset = index into labels
  int64_t background = -1;   // class index that means "nothing"; -1: none
  double score_scale = 1;    // scores are multiplied by it (255: u8 probabilities given as levels)

  bool operator==(const OutputSpec&) const = default;
};
inline constexpr std::array<std::string_view, 9> kRoles = {
    "predictions", "boxes", "scores", "classes", "count", "objectness", "keypoints", "mask", "logits"};

struct Thresholds {
  double score = 0.25;           // lower scores are dropped
  double iou = 0.45;             // non-maximum suppression within a class
  double cross_class_iou = 0.7;  // then across classes; 1: off
  int64_t max_detections = 100;  // per photo
  int64_t top_k = 5;             // classification

  bool operator==(const Thresholds&) const = default;
};

struct Manifest {
  std::string name;
  std::string description;
  std::string version;
  std::string author;
  std::string license;
  TaskKind task = TaskKind::kRaw;
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  std::vector<std::string> labels;  // by label index
  Thresholds thresholds;
  std::vector<std::string> notes;  // what was guessed, said aloud

  bool operator==(const Manifest&) const = default;
};

// Reads a manifest; absent keys have their defaults. Errors (kInvalidModel): not JSON, an unknown key (the
// nearest one is named), a wrong kind or value (with its path, "outputs[0].anchors", and what is allowed).
Result<Manifest> ParseManifest(std::string_view json);

// Canonical text: keys in the documented order, defaults left out, two-space indent, ends with a newline.
// ParseManifest gives the same manifest back.
std::string ToJson(const Manifest& manifest);
// The same on one line, defaults left out.
std::string ToCompactJson(const Manifest& manifest);

// `base` with what `json` says put over it: objects key by key, lists of objects element by element (a longer
// list appends), other values replaced; null sets a key back to its default. Errors as for ParseManifest.
Result<Manifest> OverrideManifest(const Manifest& base, std::string_view json);
// The same from another manifest: whatever differs from the default in `over` wins.
Result<Manifest> MergeManifests(const Manifest& base, const Manifest& over);

// The JSON Schema (draft 2020-12) of a manifest: docs/manifest.schema.json.
std::string ManifestSchema();

}  // namespace slipway
