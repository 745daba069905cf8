// SSD's detections: boxes decoded from prior boxes, near-duplicates of every class dropped, the best kept.
//
// Source: DetectionOutputLayer, DecodeBBox, ApplyNMSFast and JaccardOverlap of the SSD branch of Caffe (Liu
// et al., "SSD: Single Shot MultiBox Detector", 2016). Equal scores keep the priors' order, and lower classes
// come first. Left out: resizing, files of results, pictures.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

using Box = std::array<float, 4>;  // x1, y1, x2, y2

struct Sizes {
  int64_t classes = 0, locations = 0;  // box regressions a prior: 1, or one a class
  Dim priors;

  static Sizes Of(const Attrs& attrs, const std::optional<DimList>& prior_shape) {
    Sizes sizes{
        attrs.Int("num_classes"), attrs.Int("share_location") != 0 ? 1 : attrs.Int("num_classes"), {}};
    if (prior_shape && (*prior_shape)[2].IsKnown()) sizes.priors = Dim((*prior_shape)[2].value() / 4);
    return sizes;
  }
};

Status Infer(InferContext& context) {
  const Attrs& attrs = context.attrs();
  constexpr int64_t kMaxClasses = 1 << 20;
  const int64_t classes = attrs.Int("num_classes");
  if (classes < 1 || classes > kMaxClasses)
    return context.Error("num_classes is " + std::to_string(classes) + "; it must be 1 or more");
  const auto &loc = context.shape(0), &conf = context.shape(1), &priors = context.shape(2);
  if (priors && (priors->size() != 3 || ((*priors)[1].IsKnown() && (*priors)[1].value() != 2) ||
                 ((*priors)[2].IsKnown() && (*priors)[2].value() % 4 != 0)))
    return context.Error("priors are " + ToString(*priors) + "; they must be [1,2,4*boxes]");
  const Sizes sizes = Sizes::Of(attrs, priors);
  for (size_t i = 0; i < 2; ++i) {
    const auto& shape = i == 0 ? loc : conf;
    if (!shape) continue;
    if (shape->empty()) return context.Error("loc and conf must have a batch");
    const int64_t each = i == 0 ? sizes.locations * 4 : classes;
    int64_t count = 1;
    bool is_known = sizes.priors.IsKnown();
    for (size_t k = 1; k < shape->size() && is_known; ++k) {
      is_known =
          (*shape)[k].IsKnown() && ((*shape)[k].value() == 0 || count <= INT64_MAX / (*shape)[k].value());
      if (is_known) count *= (*shape)[k].value();
    }
    if (is_known && (count % each != 0 || count / each != sizes.priors.value()))
      return context.Error((i == 0 ? "loc " : "conf ") + ToString(*shape) + " must have " +
                           std::to_string(each) + " numbers for each of " + sizes.priors.ToString() +
                           " prior boxes");
  }
  if (loc && conf && (*loc)[0].IsKnown() && (*conf)[0].IsKnown() && (*loc)[0] != (*conf)[0])
    return context.Error("loc " + ToString(*loc) + " and conf " + ToString(*conf) +
                         " have different batches");
  context.SetOutput(0, context.dtype(0), {1, 1, Dim(), 7});
  return Status::Ok();
}

Box Decode(const std::string& code, const Box& prior, const Box& variance, const Box& offset) {
  const float width = prior[2] - prior[0], height = prior[3] - prior[1];
  Box move;
  for (size_t i = 0; i < 4; ++i) move[i] = variance[i] * offset[i];
  if (code == "corner")
    return {prior[0] + move[0], prior[1] + move[1], prior[2] + move[2], prior[3] + move[3]};
  if (code == "corner_size")
    return {prior[0] + move[0] * width, prior[1] + move[1] * height, prior[2] + move[2] * width,
            prior[3] + move[3] * height};
  const float x = move[0] * width + (prior[0] + prior[2]) / 2,
              y = move[1] * height + (prior[1] + prior[3]) / 2;
  const float half_w = std::exp(move[2]) * width / 2, half_h = std::exp(move[3]) * height / 2;
  return {x - half_w, y - half_h, x + half_w, y + half_h};
}

float Area(const Box& box) {
  return box[2] < box[0] || box[3] < box[1] ? 0 : (box[2] - box[0]) * (box[3] - box[1]);
}

float Overlap(const Box& a, const Box& b) {
  const float w = std::min(a[2], b[2]) - std::max(a[0], b[0]),
              h = std::min(a[3], b[3]) - std::max(a[1], b[1]);
  if (!(w > 0 && h > 0)) return 0;
  return w * h / (Area(a) + Area(b) - w * h);
}

struct Found {
  int64_t label;
  float score;
  Box box;
};

class Detector {
 public:
  explicit Detector(const RunContext& context)
      : attrs_(context.attrs()),
        loc_(context.in(0)),
        conf_(context.in(1)),
        priors_(context.in(2)),
        classes_(attrs_.Int("num_classes")),
        locations_(attrs_.Int("share_location") != 0 ? 1 : classes_),
        count_(priors_.dim(2) / 4) {}

  // Of one photo, class by class, the best of a class first.
  std::vector<Found> Detect(int64_t photo) const {
    std::vector<Found> found;
    for (int64_t label = 0; label < classes_; ++label) {
      if (label != attrs_.Int("background_label_id")) AddClass(photo, label, found);
    }
    const int64_t most = attrs_.Int("keep_top_k");
    if (most < 0 || static_cast<int64_t>(found.size()) <= most) return found;
    const auto is_better = [](const Found& a, const Found& b) { return a.score > b.score; };
    std::stable_sort(found.begin(), found.end(), is_better);
    found.resize(static_cast<size_t>(most));
    std::stable_sort(found.begin(), found.end(),
                     [](const Found& a, const Found& b) { return a.label < b.label; });
    return found;
  }

 private:
  static float At(const Tensor& x, int64_t i) { return static_cast<float>(LoadReal(x.dtype(), x.data(), i)); }

  Box BoxOf(int64_t photo, int64_t prior, int64_t label) const {
    const int64_t of_photo = priors_.dim(0) > 1 ? photo : 0;
    const int64_t location = locations_ == 1 ? 0 : label;
    const bool has_variance = attrs_.Int("variance_encoded_in_target") == 0;
    Box box, variance, offset;
    for (size_t k = 0; k < 4; ++k) {
      const auto i = static_cast<int64_t>(k);
      box[k] = At(priors_, of_photo * 2 * priors_.dim(2) + prior * 4 + i);
      variance[k] = has_variance ? At(priors_, (of_photo * 2 + 1) * priors_.dim(2) + prior * 4 + i) : 1;
      offset[k] = At(loc_, ((photo * count_ + prior) * locations_ + location) * 4 + i);
    }
    return Decode(attrs_.String("code_type"), box, variance, offset);
  }

  // Non-maximum suppression; the threshold shrinks by eta with every box kept, while it is above a half.
  void AddClass(int64_t photo, int64_t label, std::vector<Found>& found) const {
    std::vector<std::pair<float, int64_t>> scores;
    for (int64_t prior = 0; prior < count_; ++prior) {
      const float score = At(conf_, (photo * count_ + prior) * classes_ + label);
      if (score > attrs_.Float("confidence_threshold")) scores.push_back({score, prior});
    }
    std::stable_sort(scores.begin(), scores.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    const int64_t most = attrs_.Int("nms_top_k");
    if (most >= 0 && static_cast<int64_t>(scores.size()) > most) scores.resize(static_cast<size_t>(most));
    float threshold = attrs_.Float("nms_threshold");
    const size_t first = found.size();
    for (const auto& [score, prior] : scores) {
      const Box box = BoxOf(photo, prior, label);
      const bool is_new =
          std::all_of(found.begin() + static_cast<int64_t>(first), found.end(),
                      [&](const Found& other) { return Overlap(other.box, box) <= threshold; });
      if (!is_new) continue;
      found.push_back({label, score, box});
      const float eta = attrs_.Float("nms_eta");
      if (eta < 1 && threshold > 0.5F) threshold *= eta;
    }
  }

  const Attrs& attrs_;
  const Tensor &loc_, &conf_, &priors_;
  int64_t classes_, locations_, count_;
};

Status Reference(RunContext& context) {
  const Detector detector(context);
  std::vector<std::array<float, 7>> rows;
  const int64_t photos = context.in(0).dim(0);
  if (context.in(2).dim(0) != 1 && context.in(2).dim(0) != photos)
    return context.Error("priors are of " + std::to_string(context.in(2).dim(0)) + " photos, loc of " +
                         std::to_string(photos));
  for (int64_t photo = 0; photo < photos; ++photo) {
    for (const Found& found : detector.Detect(photo))
      rows.push_back({static_cast<float>(photo), static_cast<float>(found.label), found.score, found.box[0],
                      found.box[1], found.box[2], found.box[3]});
  }
  // Nothing at all is a row of -1 a photo.
  for (int64_t photo = 0, is_empty = rows.empty(); is_empty && photo < photos; ++photo)
    rows.push_back({static_cast<float>(photo), -1, -1, -1, -1, -1, -1});
  Tensor& y = context.AllocateOutput(0, {1, 1, static_cast<int64_t>(rows.size()), 7});
  int64_t to = 0;
  for (const auto& row : rows) {
    for (float value : row) StoreReal(y.dtype(), y.data(), to++, static_cast<double>(value));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSsdDetection() {
  OpDef op;
  op.name = "SsdDetection";
  op.group = "vision";
  op.summary = "SSD's detections from box regressions, scores and prior boxes.";
  op.inputs = {{"loc", kFloats, "[N,boxes*4], or [N,boxes*classes*4]: regressions"},
               {"conf", kFloats, "[N,boxes*classes]: scores"},
               {"priors", kFloats, "[1,2,boxes*4], or of every photo: x1, y1, x2, y2; then their variances"}};
  op.outputs = {
      {"y", kFloats,
       "[1,1,detections,7]: photo, class, score, x1, y1, x2, y2, class by class; where there are none at "
       "all a row of -1 a photo"}};
  op.attrs = {
      Required(IntAttr("num_classes", 1, "with the background")),
      IntAttr("share_location", 1, "1: one regression a prior box; 0: one for each class"),
      IntAttr("background_label_id", 0, "the class that is no detection; -1: none"),
      StringAttr("code_type", "corner", {"corner", "center_size", "corner_size"},
                 "regressions are of the corners, of the centre and size in sizes of the prior box, or of "
                 "the corners in its sizes"),
      IntAttr("variance_encoded_in_target", 0, "1: regressions are not multiplied by the variances"),
      FloatAttr("confidence_threshold", -3.4028234663852886e38F, "lower scores are dropped"),
      FloatAttr("nms_threshold", 0.3F, "overlap (IoU) within a class above which the lower score is dropped"),
      FloatAttr("nms_eta", 1, "shrinks that threshold with every box kept, while it is above 0.5"),
      IntAttr("nms_top_k", -1, "boxes of a class that are compared; -1: all"),
      IntAttr("keep_top_k", -1, "detections of a photo; -1: all")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const std::vector<TestInput> inputs = {
        {.dims = {2, 12}, .low = -1, .high = 1},
        {.dims = {2, 9}, .low = 0, .high = 1},
        {.dims = {1, 2, 12}, .values = {0,   0,   1,   1,   0,   0,   0.5, 1,   0.2, 0.1, 0.9, 0.8,
                                        0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2}}};
    std::vector<TestCase> cases;
    for (const char* code : {"corner", "center_size", "corner_size"})
      cases.push_back(
          {code,
           inputs,
           {{"num_classes", int64_t{3}}, {"code_type", std::string(code)}, {"keep_top_k", int64_t{4}}}});
    return cases;
  };
  op.foreign = {{Format::kCaffe, "DetectionOutput"}};  // read by a function of formats/caffe
  return op;
}

}  // namespace slipway
