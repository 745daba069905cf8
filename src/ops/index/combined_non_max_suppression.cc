// Non-maximum suppression of a batch, class by class: TensorFlow's CombinedNonMaxSuppression, in which its
// exports of detectors end.
//
// Each class keeps its best boxes; of all that are kept the best make the picture's list. Source:
// tensorflow/core/kernels/image/non_max_suppression_op.cc.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/index/box_overlap.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

enum Operand : size_t { kBoxes = 0, kScores, kPerClass, kTotal, kOverlap, kLeast };

constexpr int64_t kMaxKept = int64_t{1} << 24;

Status Infer(InferContext& context) {
  const auto& boxes = context.shape(kBoxes);
  const auto& scores = context.shape(kScores);
  if ((boxes && boxes->size() != 4) || (scores && scores->size() != 3))
    return context.Error("boxes must be [batch,n,classes or 1,4] and scores [batch,n,classes]");
  if (boxes && scores) {
    const auto differ = [](const Dim& a, const Dim& b) {
      return a.IsKnown() && b.IsKnown() && a.value() != b.value();
    };
    const Dim& lists = (*boxes)[2];
    if (differ((*boxes)[0], (*scores)[0]) || differ((*boxes)[1], (*scores)[1]) ||
        differ((*boxes)[3], Dim(4)) || (differ(lists, Dim(1)) && differ(lists, (*scores)[2])))
      return context.Error("boxes are " + ToString(*boxes) + ", scores " + ToString(*scores));
  }
  const auto scalar = [&](size_t i) {
    const auto content = context.content(i);
    return content && content->size() == 1 ? (*content)[0] : Dim();
  };
  Dim kept = scalar(kTotal);
  if (context.attrs().Int("pad_per_class") != 0) {
    const Dim per_class = scalar(kPerClass);
    const Dim classes = scores ? (*scores)[2] : Dim();
    const bool is_known = kept.IsKnown() && per_class.IsKnown() && classes.IsKnown();
    kept = is_known && per_class.value() >= 0 && per_class.value() <= kMaxKept && classes.value() <= kMaxKept
               ? Dim(std::min(kept.value(), per_class.value() * classes.value()))
               : Dim();
  }
  if (kept.IsKnown() && (kept.value() < 1 || kept.value() > kMaxKept))
    return context.Error("keeps " + kept.ToString() + " boxes");
  const Dim batch = scores ? (*scores)[0] : Dim();
  context.SetOutput(0, DType::kF32, {batch, kept, 4});
  context.SetOutput(1, DType::kF32, {batch, kept});
  context.SetOutput(2, DType::kF32, {batch, kept});
  context.SetOutput(3, DType::kI32, {batch});
  return Status::Ok();
}

struct Detection {
  float score;
  int64_t box, of_class;
  const float* corners;
};

struct Limits {
  int64_t per_class, total;
  float overlap, least;
};

Box BoxAt(const float* corners) { return {corners[0], corners[1], corners[2], corners[3]}; }

// One class's best, which overlap each other no more than the threshold.
void KeepBest(std::vector<Detection>& candidates, const Limits& limits, std::vector<Detection>& kept) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  const size_t first = kept.size();
  for (const Detection& candidate : candidates) {
    if (static_cast<int64_t>(kept.size() - first) >= limits.per_class) return;
    const Box box = Sorted(BoxAt(candidate.corners));
    const bool is_covered = std::any_of(kept.begin() + static_cast<std::ptrdiff_t>(first), kept.end(),
                                        [&](const Detection& better) {
                                          return Overlap(box, Sorted(BoxAt(better.corners))) > limits.overlap;
                                        });
    if (!is_covered) kept.push_back(candidate);
  }
}

Status Reference(RunContext& context) {
  const auto number = [&](size_t i) { return LoadInt(context.in(i).dtype(), context.in(i).data(), 0); };
  const auto real = [&](size_t i) {
    return static_cast<float>(LoadReal(context.in(i).dtype(), context.in(i).data(), 0));
  };
  for (size_t i = kPerClass; i <= kLeast; ++i) {
    if (context.in(i).count() != 1)
      return context.Error("input " + std::to_string(i) + " must be one number");
  }
  const Tensor& boxes = context.in(kBoxes);
  const Tensor& scores = context.in(kScores);
  const int64_t batch = scores.dim(0), count = scores.dim(1), classes = scores.dim(2), lists = boxes.dim(2);
  const Limits limits{number(kPerClass), number(kTotal), real(kOverlap), real(kLeast)};
  if (limits.per_class < 1 || limits.total < 1 || limits.total > kMaxKept)
    return context.Error("keeps " + std::to_string(limits.per_class) + " boxes a class, " +
                         std::to_string(limits.total) + " in all");
  const bool is_padded_by_class = context.attrs().Int("pad_per_class") != 0;
  const bool is_clipped = context.attrs().Int("clip_boxes") != 0;
  const int64_t rows =
      is_padded_by_class && limits.per_class < limits.total / std::max<int64_t>(classes, 1) + 1
          ? std::min(limits.total, limits.per_class * classes)
          : limits.total;
  // Outputs that nobody reads are made all the same, and left.
  std::vector<Tensor> unread(4);
  const auto output = [&](size_t i, Dims dims) -> Tensor& {
    if (context.HasOutput(i)) return context.AllocateOutput(i, std::move(dims));
    return unread[i] = Tensor(i == 3 ? DType::kI32 : DType::kF32, std::move(dims));
  };
  float* y[] = {output(0, {batch, rows, 4}).as<float>(), output(1, {batch, rows}).as<float>(),
                output(2, {batch, rows}).as<float>()};
  int32_t* valid = output(3, {batch}).as<int32_t>();
  std::fill_n(y[0], batch * rows * 4, 0.0F);
  std::fill_n(y[1], batch * rows, 0.0F);
  std::fill_n(y[2], batch * rows, 0.0F);
  for (int64_t picture = 0; picture < batch; ++picture) {
    std::vector<Detection> kept;
    for (int64_t k = 0; k < classes; ++k) {
      std::vector<Detection> candidates;
      for (int64_t i = 0; i < count; ++i) {
        const float score = scores.as<float>()[(picture * count + i) * classes + k];
        const float* corners = boxes.as<float>() + ((picture * count + i) * lists + (lists > 1 ? k : 0)) * 4;
        if (score > limits.least) candidates.push_back({score, i, k, corners});
      }
      KeepBest(candidates, limits, kept);
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [](const Detection& a, const Detection& b) { return a.score > b.score; });
    const int64_t found = std::min(static_cast<int64_t>(kept.size()), rows);
    valid[picture] = static_cast<int32_t>(found);
    for (int64_t i = 0; i < found; ++i) {
      const Detection& detection = kept[static_cast<size_t>(i)];
      const int64_t at = picture * rows + i;
      for (int64_t c = 0; c < 4; ++c)
        y[0][at * 4 + c] = is_clipped ? std::clamp(detection.corners[c], 0.0F, 1.0F) : detection.corners[c];
      y[1][at] = detection.score;
      y[2][at] = static_cast<float>(detection.of_class);
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeCombinedNonMaxSuppression() {
  OpDef op;
  op.name = "CombinedNonMaxSuppression";
  op.group = "index";
  op.summary =
      "The best boxes of each picture of a batch, after overlapping ones of each class are left out.";
  op.inputs = {{"boxes", {DType::kF32}, "[batch,n,classes or 1,4]: two corners y, x, y, x"},
               {"scores", {DType::kF32}, "[batch,n,classes]"},
               {"max_output_size_per_class", kIndices, "one number"},
               {"max_total_size", kIndices, "one number"},
               {"iou_threshold", {DType::kF32}, "one number"},
               {"score_threshold", {DType::kF32}, "one number"}};
  op.outputs = {{"boxes", {DType::kF32}, "[batch,kept,4], zeros behind the valid ones"},
                {"scores", {DType::kF32}, "[batch,kept]"},
                {"classes", {DType::kF32}, "[batch,kept]"},
                {"valid", {DType::kI32}, "[batch]: how many there are"}};
  op.attrs = {IntAttr("pad_per_class", 0, "1: kept is no more than classes * max_output_size_per_class"),
              IntAttr("clip_boxes", 1, "1: corners are cut to 0 and 1")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto number = [](DType dtype, double value) {
      return TestInput{.dtype = dtype, .dims = {}, .values = {value}, .is_constant = true};
    };
    return std::vector<TestCase>{
        {"two_classes",
         {{.dims = {1, 3, 1, 4}, .values = {0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11}},
          {.dims = {1, 3, 2}, .low = 0, .high = 1},
          number(DType::kI32, 2),
          number(DType::kI32, 3),
          number(DType::kF32, 0.5),
          number(DType::kF32, 0.1)},
         {},
         4}};
  };
  op.foreign = {{Format::kTensorflow, "CombinedNonMaxSuppression"}};
  return op;
}

}  // namespace slipway
