// Non-maximum suppression as ONNX has it: per image and class, the best boxes that overlap no better one too
// much.
#include <numeric>

#include "ops/import.h"
#include "ops/index/box_overlap.h"
#include "ops/index/indices.h"
#include "ops/infer.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, DType::kI64, {Dim(), 3});
  const auto& boxes = context.shape(0);
  const auto& scores = context.shape(1);
  if (!boxes || !scores) return Status::Ok();
  const auto agree = [](const Dim& a, const Dim& b) {
    return !a.IsKnown() || !b.IsKnown() || a.value() == b.value();
  };
  const bool fits = boxes->size() == 3 && scores->size() == 3 && agree((*boxes)[0], (*scores)[0]) &&
                    agree((*boxes)[1], (*scores)[2]) && agree((*boxes)[2], 4);
  if (!fits) {
    return context.Error("boxes are " + ToString(*boxes) + ", scores " + ToString(*scores) +
                         "; they must be [images,boxes,4] and [images,classes,boxes]");
  }
  return Status::Ok();
}

Box BoxAt(const float* box, bool is_center) {
  if (!is_center) return Sorted({box[0], box[1], box[2], box[3]});
  return {box[1] - box[3] / 2, box[0] - box[2] / 2, box[1] + box[3] / 2, box[0] + box[2] / 2};
}

float ScalarOr(const RunContext& context, size_t i, float otherwise) {
  if (!context.HasInput(i) || context.in(i).count() == 0) return otherwise;
  return static_cast<float>(LoadReal(context.in(i).dtype(), context.in(i).data(), 0));
}

Status Reference(RunContext& context) {
  const Tensor& boxes = context.in(0);
  const Tensor& scores = context.in(1);
  const bool is_center = context.attrs().Int("center_point_box") != 0;
  const int64_t most = context.HasInput(2) && context.in(2).count() > 0
                           ? LoadInt(context.in(2).dtype(), context.in(2).data(), 0)
                           : 0;
  const float max_overlap = ScalarOr(context, 3, 0);
  const bool has_threshold = context.HasInput(4) && context.in(4).count() > 0;
  const float min_score = ScalarOr(context, 4, 0);
  const int64_t n = boxes.dim(1);
  std::vector<int64_t> kept;
  for (int64_t image = 0; image < scores.dim(0); ++image) {
    for (int64_t label = 0; label < scores.dim(1); ++label) {
      const float* score = scores.as<float>() + (image * scores.dim(1) + label) * n;
      std::vector<int64_t> order;
      for (int64_t i = 0; i < n; ++i) {
        if (!has_threshold || score[i] > min_score) order.push_back(i);
      }
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return score[a] > score[b]; });
      std::vector<Box> chosen;
      for (int64_t i : order) {
        if (static_cast<int64_t>(chosen.size()) >= most) break;
        const Box box = BoxAt(boxes.as<float>() + (image * n + i) * 4, is_center);
        const bool is_covered = std::any_of(chosen.begin(), chosen.end(), [&](const Box& better) {
          return Overlap(box, better) > max_overlap;
        });
        if (is_covered) continue;
        chosen.push_back(box);
        kept.insert(kept.end(), {image, label, i});
      }
    }
  }
  Tensor& y = context.AllocateOutput(0, {static_cast<int64_t>(kept.size()) / 3, 3});
  std::copy(kept.begin(), kept.end(), y.as<int64_t>());
  return Status::Ok();
}

}  // namespace

OpDef MakeNonMaxSuppression() {
  OpDef op;
  op.name = "NonMaxSuppression";
  op.group = "index";
  op.summary =
      "Per image and class, the best boxes, leaving out those that overlap a better one by more than a "
      "threshold.";
  op.inputs = {{"boxes", {DType::kF32}, "[images,boxes,4]"},
               {"scores", {DType::kF32}, "[images,classes,boxes]"},
               {"max_output_boxes_per_class", kInts, "one number; none: 0", Arity::kOptional},
               {"iou_threshold", {DType::kF32}, "one number; none: 0", Arity::kOptional},
               {"score_threshold", {DType::kF32}, "one number; none: every score", Arity::kOptional}};
  op.outputs = {{"selected", {DType::kI64}, "[kept,3]: image, class, box"}};
  op.attrs = {IntAttr("center_point_box", 0, "0: two corners y, x, y, x; 1: centre x, y, width, height")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"two_of_three",
                                  {{.dims = {1, 3, 4}, .values = {0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11}},
                                   {.dims = {1, 1, 3}, .values = {0.9, 0.75, 0.6}},
                                   {.dtype = DType::kI64, .dims = {1}, .values = {3}},
                                   {.dims = {1}, .values = {0.5}},
                                   {.dims = {1}, .values = {0}}},
                                  {}}};
  };
  op.foreign = {{Format::kOnnx, "NonMaxSuppression"}};
  return op;
}

}  // namespace slipway
