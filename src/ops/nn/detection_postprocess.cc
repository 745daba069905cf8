// TFLite's TFLite_Detection_PostProcess: SSD boxes decoded against anchors, then non-maximum suppression.
//
// Fast: boxes compete by their best class, and each survivor reports its best classes, in as many rows as may
// be asked for. Regular: every class is suppressed by itself and the best of all are kept. In LiteRT's order,
// ties to the lower index; rows that it leaves as they were are 0.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/math/elementwise.h"
#include "ops/nn/quantized.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr int64_t kMaxDetections = 1 << 20;

int64_t Rows(const Attrs& attrs) {
  return attrs.Int("max_detections") * attrs.Int("max_classes_per_detection", 1);
}

Status Infer(InferContext& context) {
  const Attrs& attrs = context.attrs();
  for (const char* name :
       {"max_detections", "max_classes_per_detection", "num_classes", "detections_per_class"}) {
    const int64_t value = attrs.Int(name);
    if (value < 1 || value > kMaxDetections)
      return context.Error(std::string(name) + " is " + std::to_string(value) + "; allowed is 1..2^20");
  }
  struct Operand {
    const char* name;
    size_t rank;
  };
  constexpr Operand kOperands[] = {{"boxes", 3}, {"scores", 3}, {"anchors", 2}};
  for (size_t i = 0; i < 3; ++i) {
    const auto& shape = context.shape(i);
    if (!shape) continue;
    const auto& [name, rank] = kOperands[i];
    const bool is_batch = shape->size() == 3 && (*shape)[0].IsKnown() && (*shape)[0].value() != 1;
    if (shape->size() == rank && !is_batch) continue;
    return context.Error(std::string(name) + " are " + ToString(context.input(i)) + "; they must be " +
                         (rank == 3 ? "[1,N,...]" : "[N,4]"));
  }
  const auto last = [&](size_t i) { return context.shape(i) ? context.shape(i)->back() : Dim(); };
  if ((last(0).IsKnown() && last(0).value() < 4) || (last(2).IsKnown() && last(2).value() != 4))
    return context.Error("boxes and anchors must have 4 numbers each");
  if (last(1).IsKnown() && last(1).value() < attrs.Int("num_classes")) {
    return context.Error("scores " + ToString(context.input(1)) + " have fewer classes than num_classes = " +
                         std::to_string(attrs.Int("num_classes")));
  }
  const auto& boxes = context.shape(0);
  for (size_t i : {size_t{1}, size_t{2}}) {
    const auto& other = context.shape(i);
    if (!boxes || !other) continue;
    const Dim& count = (*boxes)[boxes->size() - 2];
    const Dim& given = (*other)[other->size() - 2];
    if (count.IsKnown() && given.IsKnown() && count.value() != given.value()) {
      return context.Error("there are " + count.ToString() + " boxes and " + given.ToString() +
                           (i == 1 ? " rows of scores" : " anchors"));
    }
  }
  const int64_t rows = Rows(attrs);
  context.SetOutput(0, DType::kF32, {1, rows, 4});
  context.SetOutput(1, DType::kF32, {1, rows});
  context.SetOutput(2, DType::kF32, {1, rows});
  context.SetOutput(3, DType::kF32, {1});
  return Status::Ok();
}

struct Box {
  float y0, x0, y1, x1;
};

std::vector<float> Floats32(const RunContext& context, size_t i) {
  const Tensor& tensor = context.in(i);
  const Quant* quant = context.in_quant(i);
  std::vector<float> values(static_cast<size_t>(tensor.count()));
  for (size_t k = 0; k < values.size(); ++k) {
    const double value = LoadReal(tensor.dtype(), tensor.data(), static_cast<int64_t>(k));
    const bool is_quantized = IsInteger(tensor.dtype()) && quant != nullptr && !quant->scales.empty();
    values[k] = is_quantized
                    ? static_cast<float>(value - static_cast<double>(ZeroPointOf(*quant))) * ScaleOf(*quant)
                    : static_cast<float>(value);
  }
  return values;
}

std::vector<Box> DecodeBoxes(const RunContext& context) {
  const std::vector<float> codes = Floats32(context, 0);
  const std::vector<float> anchors = Floats32(context, 2);
  const Attrs& attrs = context.attrs();
  const float ys = attrs.Float("y_scale"), xs = attrs.Float("x_scale"), hs = attrs.Float("h_scale"),
              ws = attrs.Float("w_scale");
  const int64_t depth = context.in(0).dim(-1);
  std::vector<Box> boxes;
  for (size_t i = 0; i * 4 < anchors.size(); ++i) {
    const float* code = codes.data() + i * static_cast<size_t>(depth);
    const float* anchor = anchors.data() + i * 4;  // y, x, h, w
    // In double, then rounded to f32, as LiteRT does.
    const auto center = [&](int axis, float scale) {
      return static_cast<float>(static_cast<double>(code[axis]) / static_cast<double>(scale) *
                                    static_cast<double>(anchor[axis + 2]) +
                                static_cast<double>(anchor[axis]));
    };
    const auto half = [&](int axis, float scale) {
      return static_cast<float>(0.5 * std::exp(static_cast<double>(code[axis]) / static_cast<double>(scale)) *
                                static_cast<double>(anchor[axis]));
    };
    const float y = center(0, ys), x = center(1, xs), h = half(2, hs), w = half(3, ws);
    boxes.push_back({y - h, x - w, y + h, x + w});
  }
  return boxes;
}

float Overlap(const Box& a, const Box& b) {
  const float area_a = (a.y1 - a.y0) * (a.x1 - a.x0);
  const float area_b = (b.y1 - b.y0) * (b.x1 - b.x0);
  if (area_a <= 0 || area_b <= 0) return 0;
  const float height = std::max(std::min(a.y1, b.y1) - std::max(a.y0, b.y0), 0.0F);
  const float width = std::max(std::min(a.x1, b.x1) - std::max(a.x0, b.x0), 0.0F);
  const float both = height * width;
  return both / (area_a + area_b - both);
}

struct Limits {
  float score, overlap;
};

// Indices of the boxes that survive, best first, at most `most`.
std::vector<size_t> Suppress(const std::vector<Box>& boxes, const std::vector<float>& scores,
                             const Limits& limits, int64_t most) {
  std::vector<size_t> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] >= limits.score) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<size_t> kept;
  for (size_t candidate : order) {
    if (static_cast<int64_t>(kept.size()) >= most) break;
    const bool is_covered = std::any_of(kept.begin(), kept.end(), [&](size_t other) {
      return Overlap(boxes[other], boxes[candidate]) > limits.overlap;
    });
    if (!is_covered) kept.push_back(candidate);
  }
  return kept;
}

struct Detection {
  size_t row;
  size_t box;
  int64_t label;
  float score;
};

struct Detections {
  std::vector<Detection> rows;
  size_t count = 0;  // fast: of boxes, however many classes each reports
};

struct Scores {
  std::vector<float> values;
  int64_t stride = 0;   // classes per box, background included
  int64_t offset = 0;   // of class 0 behind the background
  int64_t classes = 0;  // without background
  float at(size_t box, int64_t label) const {
    return values[box * static_cast<size_t>(stride) + static_cast<size_t>(offset + label)];
  }
};

Detections RunFast(const std::vector<Box>& boxes, const Scores& scores, const Limits& limits,
                   const Attrs& attrs) {
  std::vector<float> best(boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    best[i] = scores.at(i, 0);
    for (int64_t label = 1; label < scores.classes; ++label) best[i] = std::max(best[i], scores.at(i, label));
  }
  const int64_t rows_per_box = attrs.Int("max_classes_per_detection", 1);
  Detections detections;
  std::vector<int64_t> labels(static_cast<size_t>(scores.classes));
  for (size_t box : Suppress(boxes, best, limits, attrs.Int("max_detections"))) {
    std::iota(labels.begin(), labels.end(), int64_t{0});
    std::stable_sort(labels.begin(), labels.end(),
                     [&](int64_t a, int64_t b) { return scores.at(box, a) > scores.at(box, b); });
    const size_t first = detections.count++ * static_cast<size_t>(rows_per_box);
    for (int64_t k = 0; k < std::min(rows_per_box, scores.classes); ++k) {
      const int64_t label = labels[static_cast<size_t>(k)];
      detections.rows.push_back({first + static_cast<size_t>(k), box, label, scores.at(box, label)});
    }
  }
  return detections;
}

Detections RunRegular(const std::vector<Box>& boxes, const Scores& scores, const Limits& limits,
                      const Attrs& attrs) {
  std::vector<Detection> all;
  std::vector<float> own(boxes.size());
  for (int64_t label = 0; label < scores.classes; ++label) {
    for (size_t i = 0; i < boxes.size(); ++i) own[i] = scores.at(i, label);
    for (size_t box : Suppress(boxes, own, limits, attrs.Int("detections_per_class", 100)))
      all.push_back({0, box, label, own[box]});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  if (static_cast<int64_t>(all.size()) > attrs.Int("max_detections"))
    all.resize(static_cast<size_t>(attrs.Int("max_detections")));
  for (size_t i = 0; i < all.size(); ++i) all[i].row = i;
  const size_t count = all.size();
  return {std::move(all), count};
}

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const std::vector<Box> boxes = DecodeBoxes(context);
  Scores scores{Floats32(context, 1), context.in(1).dim(-1), 0, attrs.Int("num_classes")};
  scores.offset = scores.stride - scores.classes;
  const Limits limits{attrs.Float("nms_score_threshold"), attrs.Float("nms_iou_threshold")};
  if (!(limits.overlap > 0 && limits.overlap <= 1))
    return context.Error("nms_iou_threshold must be within (0, 1]");
  const bool is_regular = attrs.Int("use_regular_nms") != 0;
  const Detections detections =
      is_regular ? RunRegular(boxes, scores, limits, attrs) : RunFast(boxes, scores, limits, attrs);
  for (size_t i = 0; i < 3; ++i) std::ranges::fill(context.out(i).values<float>(), 0.0F);
  for (const Detection& found : detections.rows) {
    const Box& box = boxes[found.box];
    const float corners[] = {box.y0, box.x0, box.y1, box.x1};
    std::copy(corners, corners + 4, context.out(0).as<float>() + 4 * found.row);
    context.out(1).as<float>()[found.row] = static_cast<float>(found.label);
    context.out(2).as<float>()[found.row] = found.score;
  }
  context.out(3).as<float>()[0] = static_cast<float>(detections.count);
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  for (int64_t is_regular : {0, 1}) {
    cases.push_back({is_regular != 0 ? "regular" : "fast",
                     {{.dims = {1, 40, 4}, .low = -3, .high = 3},
                      {.dims = {1, 40, 6}, .low = 0, .high = 1},
                      {.dims = {40, 4}, .low = 0.1, .high = 0.6, .is_constant = true}},
                     {{"max_detections", int64_t{10}},
                      {"num_classes", int64_t{5}},
                      {"use_regular_nms", is_regular},
                      {"nms_score_threshold", 0.3F}},
                     4});
  }
  TestCase quantized = cases[0];
  quantized.label = "u8";
  for (TestInput& input : quantized.inputs) {
    input.dtype = DType::kU8;
    input.quant = QuantOver(DType::kU8, {input.low, input.high});
    input.low = 0;
    input.high = 255;
  }
  cases.push_back(std::move(quantized));
  return cases;
}

}  // namespace

OpDef MakeDetectionPostProcess() {
  OpDef op;
  op.name = "DetectionPostProcess";
  op.group = "nn";
  op.summary =
      "Decodes SSD boxes against anchors and keeps the best by non-maximum suppression; unused rows are 0.";
  op.formula = "center = code / scale * anchor_size + anchor_center, size = exp(code / scale) * anchor_size";
  const DTypeSet types = {DType::kF32, DType::kU8, DType::kI8};
  op.inputs = {{"boxes", types, "[1,N,4]: y, x, h, w relative to the anchor"},
               {"scores", types, "[1,N,classes], background first if there is one"},
               {"anchors", types, "[N,4]: center y, x, height, width"}};
  op.outputs = {
      {"boxes", {DType::kF32}, "[1,D,4]: y0, x0, y1, x1; D = max_detections * max_classes_per_detection"},
      {"classes", {DType::kF32}, "[1,D], from 0 without background"},
      {"scores", {DType::kF32}, "[1,D], falling"},
      {"count",
       {DType::kF32},
       "[1]: boxes; each has max_classes_per_detection rows when fast, one when regular"}};
  op.attrs = {Required(IntAttr("max_detections", 10, "boxes kept")),
              IntAttr("max_classes_per_detection", 1, "fast: classes reported per box, a row each"),
              IntAttr("detections_per_class", 100, "regular: boxes kept per class"),
              IntAttr("use_regular_nms", 0, "1: suppress each class by itself"),
              FloatAttr("nms_score_threshold", 0, "lowest score kept"),
              FloatAttr("nms_iou_threshold", 0.5F, "overlap above which the lesser box goes"),
              Required(IntAttr("num_classes", 1, "classes without background")),
              FloatAttr("y_scale", 10, "divides the code's y"),
              FloatAttr("x_scale", 10, "divides the code's x"),
              FloatAttr("h_scale", 5, "divides the code's height"),
              FloatAttr("w_scale", 5, "divides the code's width")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return 10 * context.CountOfInput(0) + context.CountOfInput(1);
  };
  op.cases = Cases;
  op.foreign = {{Format::kTflite, "TFLite_Detection_PostProcess"}};
  return op;
}

}  // namespace slipway
