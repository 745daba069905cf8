// Region proposals: anchors moved by their regressions, the best of them without near-duplicates.
//
// Source: ProposalLayer and generate_anchors of py-faster-rcnn (Ren et al., "Faster R-CNN", 2015). Boxes are
// in pixels of the photo, both ends included, so extents are x2 - x1 + 1. Equal scores keep the anchors'
// order.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

using Box = std::array<float, 4>;  // x1, y1, x2, y2

struct Candidate {
  Box box;
  float score;
};

Status CheckAttrs(const InferContext& context) {
  const Attrs& attrs = context.attrs();
  constexpr int64_t kMost = 1 << 20;
  for (const char* name : {"feat_stride", "base_size", "pre_nms_top_n", "post_nms_top_n"}) {
    if (attrs.Int(name) < 1 || attrs.Int(name) > kMost)
      return context.Error(std::string(name) + " is " + std::to_string(attrs.Int(name)) +
                           "; it must lie in 1.." + std::to_string(kMost));
  }
  for (const char* name : {"ratios", "scales"}) {
    const Floats& values = attrs.FloatList(name);
    const bool is_good = !values.empty() && values.size() <= 1024 &&
                         std::all_of(values.begin(), values.end(), [](float v) { return v > 0 && v < 1e6F; });
    if (!is_good) return context.Error(std::string(name) + " must be positive numbers");
  }
  return Status::Ok();
}

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckAttrs(context));
  const auto anchors = static_cast<int64_t>(context.attrs().FloatList("ratios").size() *
                                            context.attrs().FloatList("scales").size());
  const auto &scores = context.shape(0), &deltas = context.shape(1), &info = context.shape(2);
  for (size_t i = 0; i < 2; ++i) {
    const auto& shape = context.shape(i);
    const int64_t channels = (i == 0 ? 2 : 4) * anchors;
    const bool is_good =
        !shape || (shape->size() == 4 && (!(*shape)[0].IsKnown() || (*shape)[0].value() == 1) &&
                   (!(*shape)[1].IsKnown() || (*shape)[1].value() == channels));
    if (!is_good)
      return context.Error((i == 0 ? "scores are " : "deltas are ") + ToString(*shape) + "; for " +
                           std::to_string(anchors) + " anchors they must be [1," + std::to_string(channels) +
                           ",H,W]");
  }
  for (size_t i = 2; scores && deltas && i < 4; ++i) {
    if ((*scores)[i].IsKnown() && (*deltas)[i].IsKnown() && (*scores)[i] != (*deltas)[i])
      return context.Error("scores " + ToString(*scores) + " and deltas " + ToString(*deltas) +
                           " differ in extent");
  }
  const bool has_info = !info || (info->size() == 2 && (!(*info)[1].IsKnown() || (*info)[1].value() >= 3) &&
                                  (!(*info)[0].IsKnown() || (*info)[0].value() == 1));
  if (!has_info)
    return context.Error("im_info is " + ToString(*info) + "; it must be [1,3]: height, width, scale");
  context.SetOutput(0, context.dtype(0), {Dim(), 5});
  if (context.HasOutput(1)) context.SetOutput(1, context.dtype(0), {Dim()});
  return Status::Ok();
}

// Around one cell: every ratio at every scale. Sides are rounded (to even) before they are scaled.
std::vector<Box> Anchors(const Attrs& attrs) {
  const auto base = static_cast<double>(attrs.Int("base_size"));
  const double middle = 0.5 * (base - 1);
  std::vector<Box> anchors;
  for (const float ratio : attrs.FloatList("ratios")) {
    const double width = std::nearbyint(std::sqrt(base * base / static_cast<double>(ratio)));
    const double height = std::nearbyint(width * static_cast<double>(ratio));
    for (const float scale : attrs.FloatList("scales")) {
      const double half_w = 0.5 * (width * static_cast<double>(scale) - 1);
      const double half_h = 0.5 * (height * static_cast<double>(scale) - 1);
      anchors.push_back({static_cast<float>(middle - half_w), static_cast<float>(middle - half_h),
                         static_cast<float>(middle + half_w), static_cast<float>(middle + half_h)});
    }
  }
  return anchors;
}

// delta: the centre's move in sizes of the anchor, logarithms of the growth.
Box Moved(const Box& anchor, const std::array<float, 4>& delta, float height, float width) {
  const float w = anchor[2] - anchor[0] + 1, h = anchor[3] - anchor[1] + 1;
  const float x = delta[0] * w + anchor[0] + 0.5F * w, y = delta[1] * h + anchor[1] + 0.5F * h;
  const float half_w = 0.5F * std::exp(delta[2]) * w, half_h = 0.5F * std::exp(delta[3]) * h;
  const auto inside = [](float at, float extent) { return std::max(std::min(at, extent - 1), 0.0F); };
  return {inside(x - half_w, width), inside(y - half_h, height), inside(x + half_w, width),
          inside(y + half_h, height)};
}

float Area(const Box& box) { return (box[2] - box[0] + 1) * (box[3] - box[1] + 1); }

float Overlap(const Box& a, const Box& b) {
  const float w = std::max(std::min(a[2], b[2]) - std::max(a[0], b[0]) + 1, 0.0F);
  const float h = std::max(std::min(a[3], b[3]) - std::max(a[1], b[1]) + 1, 0.0F);
  return w * h / (Area(a) + Area(b) - w * h);
}

// Of all cells, those large enough, the best first.
std::vector<Candidate> Candidates(const RunContext& context) {
  const Tensor &scores = context.in(0), &deltas = context.in(1), &info = context.in(2);
  const auto real = [](const Tensor& x, int64_t i) {
    return static_cast<float>(LoadReal(x.dtype(), x.data(), i));
  };
  const float height = real(info, 0), width = real(info, 1);
  const auto least = static_cast<float>(context.attrs().Int("min_size"));
  const float least_h = least * real(info, 2), least_w = least * real(info, info.count() > 3 ? 3 : 2);
  const auto stride = static_cast<float>(context.attrs().Int("feat_stride"));
  const std::vector<Box> anchors = Anchors(context.attrs());
  const auto count = static_cast<int64_t>(anchors.size());
  const int64_t area = scores.dim(2) * scores.dim(3);
  std::vector<Candidate> candidates;
  for (int64_t cell = 0; cell < area; ++cell) {
    const float x = static_cast<float>(cell % scores.dim(3)) * stride;
    const float y = static_cast<float>(cell / scores.dim(3)) * stride;
    for (int64_t a = 0; a < count; ++a) {
      Box anchor = anchors[static_cast<size_t>(a)];
      for (size_t k = 0; k < 4; ++k) anchor[k] += k % 2 == 0 ? x : y;
      std::array<float, 4> delta;
      for (size_t k = 0; k < 4; ++k) delta[k] = real(deltas, (a * 4 + static_cast<int64_t>(k)) * area + cell);
      const Box box = Moved(anchor, delta, height, width);
      const float score = real(scores, (count + a) * area + cell);
      const bool is_large = box[2] - box[0] + 1 >= least_w && box[3] - box[1] + 1 >= least_h;
      if (is_large && !std::isnan(score)) candidates.push_back({box, score});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  return candidates;
}

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  std::vector<Candidate> candidates = Candidates(context);
  candidates.resize(std::min(candidates.size(), static_cast<size_t>(attrs.Int("pre_nms_top_n"))));
  const auto most = static_cast<size_t>(attrs.Int("post_nms_top_n"));
  const float threshold = attrs.Float("nms_threshold");
  std::vector<Candidate> kept;
  for (const Candidate& candidate : candidates) {
    if (kept.size() == most) break;
    const bool is_new = std::none_of(kept.begin(), kept.end(), [&](const Candidate& better) {
      return Overlap(better.box, candidate.box) > threshold;
    });
    if (is_new) kept.push_back(candidate);
  }
  const auto count = static_cast<int64_t>(kept.size());
  Tensor& rois = context.AllocateOutput(0, {count, 5});
  for (int64_t i = 0; i < count; ++i) {
    StoreReal(rois.dtype(), rois.data(), i * 5, 0);
    for (int64_t k = 0; k < 4; ++k)
      StoreReal(rois.dtype(), rois.data(), i * 5 + 1 + k,
                static_cast<double>(kept[static_cast<size_t>(i)].box[static_cast<size_t>(k)]));
  }
  if (!context.HasOutput(1)) return Status::Ok();
  Tensor& scores = context.AllocateOutput(1, {count});
  for (int64_t i = 0; i < count; ++i)
    StoreReal(scores.dtype(), scores.data(), i, static_cast<double>(kept[static_cast<size_t>(i)].score));
  return Status::Ok();
}

}  // namespace

OpDef MakeRpnProposal() {
  OpDef op;
  op.name = "RpnProposal";
  op.group = "vision";
  op.summary =
      "Regions of interest of a region proposal network: anchors moved, cut, sorted and thinned out.";
  op.inputs = {{"scores", kFloats, "[1,2A,H,W]: of A anchors, background then object"},
               {"deltas", kFloats, "[1,4A,H,W]: moves of x and y, logarithms of the growth"},
               {"im_info", kFloats, "[1,3]: the photo's height, width and scale"}};
  op.outputs = {{"rois", kFloats, "[n,5]: 0, x1, y1, x2, y2, ends included, best first"},
                {"roi_scores", kFloats, "[n]", Arity::kOptional}};
  op.attrs = {IntAttr("feat_stride", 16, "pixels between cells"),
              IntAttr("base_size", 16, "pixels: side of an anchor of ratio and scale 1"),
              IntAttr("min_size", 16, "pixels at scale 1: smaller boxes are dropped"),
              FloatsAttr("ratios", {0.5F, 1, 2}, "height / width"),
              FloatsAttr("scales", {8, 16, 32}, "of base_size"),
              IntAttr("pre_nms_top_n", 6000, "boxes that are compared"),
              IntAttr("post_nms_top_n", 300, "boxes that are kept"),
              FloatAttr("nms_threshold", 0.7F, "overlap (IoU) above which the lower score is dropped")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    TestCase small{"small",
                   {{.dims = {1, 4, 3, 4}, .low = 0, .high = 1},
                    {.dims = {1, 8, 3, 4}, .low = -0.5, .high = 0.5},
                    {.dims = {1, 3}, .values = {48, 64, 1}}},
                   {{"ratios", Floats{1}},
                    {"scales", Floats{1, 2}},
                    {"min_size", int64_t{4}},
                    {"post_nms_top_n", int64_t{5}}}};
    small.num_outputs = 2;
    return std::vector<TestCase>{small};
  };
  op.foreign = {{Format::kCaffe, "Proposal"}};  // read by a function of formats/caffe
  return op;
}

}  // namespace slipway
