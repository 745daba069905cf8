// Non-maximum suppression as TensorFlow and TFLite have it: one list of boxes, optionally softened.
//
// Soft-NMS (Bodla et al., 2017): an overlapping box loses score by exp(-overlap^2 / (2 sigma)) instead of its
// place; it is reconsidered with the new score. Left out: NonMaxSuppressionWithOverlaps.
#include <cmath>
#include <queue>

#include "ops/import.h"
#include "ops/index/box_overlap.h"
#include "ops/index/indices.h"
#include "ops/infer.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Dim kept;
  if (context.attrs().Int("pad_to_max") != 0) {
    if (const auto most = context.content(2); most && most->size() == 1) kept = (*most)[0];
    if (kept.IsKnown() && kept.value() < 0) return context.Error("max_output_size is " + kept.ToString());
  }
  context.SetOutput(0, DType::kI32, {kept});
  context.SetOutput(1, context.dtype(1), {kept});
  context.SetOutput(2, DType::kI32, {});
  const auto& boxes = context.shape(0);
  const auto& scores = context.shape(1);
  const bool fits =
      (!boxes || (boxes->size() == 2 && (!(*boxes)[1].IsKnown() || (*boxes)[1].value() == 4))) &&
      (!scores || scores->size() == 1);
  if (!fits) return context.Error("boxes must be [n,4] and scores [n]");
  if (boxes && scores && (*boxes)[0].IsKnown() && (*scores)[0].IsKnown() &&
      (*boxes)[0].value() != (*scores)[0].value()) {
    return context.Error("boxes are " + ToString(*boxes) + ", scores " + ToString(*scores));
  }
  return Status::Ok();
}

struct Candidate {
  int64_t box;
  float score;
  size_t seen;  // chosen boxes that have already taken their part of the score
  bool operator<(const Candidate& other) const {  // worse: lower score, then higher number
    return score < other.score || (score == other.score && box > other.box);
  }
};

struct Choice {
  int64_t box;
  float score;
};

struct Limits {
  int64_t most;
  float overlap;
  float score;
  float sigma;
  bool is_soft_only;
};

bool Covers(float overlap, const Limits& limits) { return !limits.is_soft_only && overlap > limits.overlap; }

float WeightOf(float overlap, const Limits& limits) {
  if (Covers(overlap, limits)) return 0;
  return limits.sigma > 0 ? std::exp(-0.5f / limits.sigma * overlap * overlap) : 1.0f;
}

std::vector<Choice> Choose(const std::vector<Box>& boxes, const std::vector<float>& scores,
                           const Limits& limits) {
  std::priority_queue<Candidate> queue;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > limits.score) queue.push({static_cast<int64_t>(i), scores[i], 0});
  }
  std::vector<Choice> chosen;
  while (static_cast<int64_t>(chosen.size()) < limits.most && !queue.empty()) {
    Candidate next = queue.top();
    queue.pop();
    const float before = next.score;
    bool is_covered = false;
    for (size_t k = chosen.size(); k-- > next.seen;) {
      const float overlap =
          Overlap(boxes[static_cast<size_t>(next.box)], boxes[static_cast<size_t>(chosen[k].box)]);
      next.score *= WeightOf(overlap, limits);
      is_covered = Covers(overlap, limits);
      if (is_covered || next.score <= limits.score) break;
    }
    next.seen = chosen.size();
    if (is_covered) continue;
    if (next.score == before) {
      chosen.push_back({next.box, next.score});
    } else if (next.score > limits.score) {
      queue.push(next);
    }
  }
  return chosen;
}

Status Reference(RunContext& context) {
  const auto scalar = [&](size_t i, double otherwise) {
    const bool is_there = context.HasInput(i) && context.in(i).count() > 0;
    return is_there ? LoadReal(context.in(i).dtype(), context.in(i).data(), 0) : otherwise;
  };
  const Tensor& table = context.in(0);
  std::vector<Box> boxes;
  std::vector<float> scores;
  for (int64_t i = 0; i < context.in(1).count(); ++i) {
    const auto at = [&](int64_t k) {
      return static_cast<float>(LoadReal(table.dtype(), table.data(), i * 4 + k));
    };
    boxes.push_back(Sorted({at(0), at(1), at(2), at(3)}));
    scores.push_back(static_cast<float>(LoadReal(context.in(1).dtype(), context.in(1).data(), i)));
  }
  const Limits limits{static_cast<int64_t>(scalar(2, 0)), static_cast<float>(scalar(3, 1)),
                      static_cast<float>(scalar(4, -INFINITY)), static_cast<float>(scalar(5, 0)),
                      context.attrs().Int("soft_only") != 0 && scalar(5, 0) > 0};
  if (limits.most < 0) return context.Error("max_output_size is " + std::to_string(limits.most));
  const std::vector<Choice> chosen = Choose(boxes, scores, limits);
  const auto n = static_cast<int64_t>(chosen.size());
  const int64_t rows = context.attrs().Int("pad_to_max") != 0 ? limits.most : n;
  for (size_t output = 0; output < 2; ++output) {
    if (!context.HasOutput(output)) continue;
    Tensor& y = context.AllocateOutput(output, {rows});
    for (int64_t i = 0; i < rows; ++i) {
      const Choice choice = i < n ? chosen[static_cast<size_t>(i)] : Choice{0, 0};
      StoreReal(y.dtype(), y.data(), i, output == 0 ? static_cast<double>(choice.box) : choice.score);
    }
  }
  if (context.HasOutput(2)) StoreInt(DType::kI32, context.AllocateOutput(2, {}).data(), 0, n);
  return Status::Ok();
}

// Versions differ in what they take and give; outputs are bound by what each stands for.
Status EmitAs(ImportContext& context, std::vector<ValueId> inputs, const Attrs& attrs,
              const std::vector<size_t>& places) {
  Node node;
  node.op = "SoftNonMaxSuppression";
  node.name = context.node().name;
  node.inputs = std::move(inputs);
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  node.attrs = attrs;
  std::vector<GraphBuilder::Output> outputs(3, {.is_left_out = true});
  for (size_t i = 0; i < places.size() && i < context.node().outputs.size(); ++i) {
    const Value& output = context.node().outputs[i];
    outputs[places[i]] = {output.name, output.quant, output.type, output.name.empty()};
  }
  while (!outputs.empty() && outputs.back().is_left_out) outputs.pop_back();
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> ids,
                           context.builder().Add(std::move(node), std::move(outputs)));
  for (size_t i = 0; i < places.size() && i < context.node().outputs.size(); ++i) {
    if (places[i] < ids.size()) context.Bind(i, ids[places[i]]);
  }
  return Status::Ok();
}

Status ImportTensorflow(ImportContext& context) {
  const std::string& name = context.node().op;
  const bool is_v1 = name == "NonMaxSuppression";
  ValueId overlap = context.in(3);
  if (is_v1) overlap = context.builder().Scalar(DType::kF32, context.attrs().Float("iou_threshold", 0.5f));
  const Attrs attrs = {{"pad_to_max", context.attrs().Int("pad_to_max_output_size")},
                       {"soft_only", int64_t{1}}};
  const std::vector<size_t> places = name == "NonMaxSuppressionV4"   ? std::vector<size_t>{0, 2}
                                     : name == "NonMaxSuppressionV5" ? std::vector<size_t>{0, 1, 2}
                                                                     : std::vector<size_t>{0};
  return EmitAs(context, {context.in(0), context.in(1), context.in(2), overlap, context.in(4), context.in(5)},
                attrs, places);
}

// TFLite always pads.
Status ImportTflite(ImportContext& context) {
  const bool is_soft = context.node().op == "NON_MAX_SUPPRESSION_V5";
  return EmitAs(context, context.node().inputs, {{"pad_to_max", int64_t{1}}},
                is_soft ? std::vector<size_t>{0, 1, 2} : std::vector<size_t>{0, 2});
}

}  // namespace

OpDef MakeSoftNonMaxSuppression() {
  OpDef op;
  op.name = "SoftNonMaxSuppression";
  op.group = "index";
  op.summary =
      "The best boxes of one list; overlapping ones are left out beyond a threshold and, with a sigma, lose "
      "score below it.";
  op.formula = "score *= exp(-overlap^2 / (2 sigma))";
  op.inputs = {{"boxes", kFloats, "[n,4]: two corners y, x, y, x"},
               {"scores", kFloats, "[n]"},
               {"max_output_size", kInts, "one number"},
               {"iou_threshold", kFloats, "one number; none: 1", Arity::kOptional},
               {"score_threshold", kFloats, "one number; none: every score", Arity::kOptional},
               {"sigma", kFloats, "one number; none or 0: scores stay", Arity::kOptional}};
  op.outputs = {{"selected", {DType::kI32}, "[kept], numbers of boxes"},
                {"selected_scores", kFloats, "[kept], as softened", Arity::kOptional},
                {"valid", {DType::kI32}, "how many are kept", Arity::kOptional}};
  op.attrs = {
      IntAttr("pad_to_max", 0, "1: the lists have max_output_size entries, 0 behind the valid ones"),
      IntAttr("soft_only", 0, "1: with a sigma above 0 the threshold is not looked at, as in TensorFlow")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"two_of_three",
                                  {{.dims = {3, 4}, .values = {0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11}},
                                   {.dims = {3}, .values = {0.9, 0.75, 0.6}},
                                   {.dtype = DType::kI32, .dims = {}, .values = {3}},
                                   {.dims = {}, .values = {0.5}}},
                                  {},
                                  3}};
  };
  op.foreign = {{Format::kTensorflow, "NonMaxSuppression", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "NonMaxSuppressionV2", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "NonMaxSuppressionV3", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "NonMaxSuppressionV4", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "NonMaxSuppressionV5", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "NON_MAX_SUPPRESSION_V4", 1, INT_MAX, ImportTflite},
                {Format::kTflite, "NON_MAX_SUPPRESSION_V5", 1, INT_MAX, ImportTflite}};
  return op;
}

}  // namespace slipway
