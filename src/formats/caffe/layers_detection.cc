// SSD's prior boxes, computed at import from the extents of the layer's inputs, and its detections.
//
// Source: PriorBoxLayer and DetectionOutputLayer of the SSD branch of Caffe (Liu et al., "SSD: Single Shot
// MultiBox Detector").
#include <array>
#include <cmath>
#include <limits>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

struct Priors {
  std::vector<float> min_sizes, max_sizes, ratios, variances;
  bool is_clipped = false;
  float step_w = 0, step_h = 0, offset = 0.5F, image_w = 0, image_h = 0;
  int64_t width = 0, height = 0;
};

// 1 first, then each ratio that is not there yet and, where wanted, its inverse.
std::vector<float> Ratios(const std::vector<float>& given, bool is_flipped) {
  std::vector<float> ratios = {1};
  for (float ratio : given) {
    bool is_known = false;
    for (float known : ratios) is_known |= std::fabs(ratio - known) < 1e-6F;
    if (is_known) continue;
    ratios.push_back(ratio);
    if (is_flipped) ratios.push_back(1 / ratio);
  }
  return ratios;
}

// Either one number or _h and _w.
void ReadPair(const Params& params, const std::string& name, float& w, float& h) {
  w = params.Has(name) ? params.Float(name, 0) : params.Float(name + "_w", w);
  h = params.Has(name) ? params.Float(name, 0) : params.Float(name + "_h", h);
}

Result<Priors> ReadPriors(LayerContext& context) {
  const Params params = context.params("prior_box_param");
  SLIPWAY_ASSIGN_OR_RETURN(const Dims layer, context.StaticShape(0));
  SLIPWAY_ASSIGN_OR_RETURN(const Dims image, context.StaticShape(1));
  if (layer.size() != 4 || image.size() != 4) return context.Error("both inputs must be [N,C,H,W]");
  Priors priors;
  priors.height = layer[2];
  priors.width = layer[3];
  priors.min_sizes = params.Floats("min_size");
  priors.max_sizes = params.Floats("max_size");
  priors.ratios = Ratios(params.Floats("aspect_ratio"), params.Bool("flip", true));
  priors.is_clipped = params.Bool("clip", false);
  priors.variances = params.Floats("variance");
  if (priors.variances.empty()) priors.variances = {0.1F};
  if (priors.variances.size() == 1) priors.variances.resize(4, priors.variances[0]);
  priors.offset = params.Float("offset", 0.5F);
  priors.image_h = static_cast<float>(image[2]);
  priors.image_w = static_cast<float>(image[3]);
  ReadPair(params, "img_size", priors.image_w, priors.image_h);
  priors.step_w = priors.image_w / static_cast<float>(priors.width);
  priors.step_h = priors.image_h / static_cast<float>(priors.height);
  ReadPair(params, "step", priors.step_w, priors.step_h);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (priors.min_sizes.empty() || priors.variances.size() != 4)
    return context.Error("needs a min_size, and one variance or four");
  if (!priors.max_sizes.empty() && priors.max_sizes.size() != priors.min_sizes.size())
    return context.Error("has " + std::to_string(priors.min_sizes.size()) + " times min_size, " +
                         std::to_string(priors.max_sizes.size()) + " times max_size");
  return priors;
}

// Width and height of every box of a cell.
std::vector<std::array<float, 2>> BoxSizes(const Priors& priors) {
  std::vector<std::array<float, 2>> sizes;
  for (size_t i = 0; i < priors.min_sizes.size(); ++i) {
    const float least = priors.min_sizes[i];
    sizes.push_back({least, least});
    if (!priors.max_sizes.empty()) {
      const float side = std::sqrt(least * priors.max_sizes[i]);
      sizes.push_back({side, side});
    }
    for (size_t k = 1; k < priors.ratios.size(); ++k) {
      const float root = std::sqrt(priors.ratios[k]);
      sizes.push_back({least * root, least / root});
    }
  }
  return sizes;
}

constexpr int64_t kMaxBoxes = int64_t{1} << 20;

// [1,2,boxes*4]: corners as parts of the image, then the variances.
Status PriorBox(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Priors priors, ReadPriors(context));
  const auto sizes = BoxSizes(priors);
  const auto boxes_a_cell = static_cast<int64_t>(sizes.size());
  const auto cells = ElementCount(std::array{priors.height, priors.width});
  if (!cells.ok() || *cells > kMaxBoxes / boxes_a_cell)
    return context.Error("would make more than " + std::to_string(kMaxBoxes) + " boxes");
  const int64_t count = *cells * boxes_a_cell * 4;
  Tensor tensor(DType::kF32, {1, 2, count});
  float* to = tensor.as<float>();
  for (int64_t h = 0; h < priors.height; ++h) {
    for (int64_t w = 0; w < priors.width; ++w) {
      const float x = (static_cast<float>(w) + priors.offset) * priors.step_w;
      const float y = (static_cast<float>(h) + priors.offset) * priors.step_h;
      for (const auto& [width, height] : sizes) {
        *to++ = (x - width / 2) / priors.image_w;
        *to++ = (y - height / 2) / priors.image_h;
        *to++ = (x + width / 2) / priors.image_w;
        *to++ = (y + height / 2) / priors.image_h;
      }
    }
  }
  float* boxes = tensor.as<float>();
  for (int64_t i = 0; priors.is_clipped && i < count; ++i)
    boxes[i] = std::fmin(std::fmax(boxes[i], 0.0F), 1.0F);
  for (int64_t i = 0; i < count; ++i) *to++ = priors.variances[static_cast<size_t>(i % 4)];
  context.Emit(context.Const(std::move(tensor)));
  return Status::Ok();
}

struct Detection {
  int64_t classes = 0, background = 0, nms_top_k = -1, keep_top_k = -1;
  float overlap = 0.3F, score = -std::numeric_limits<float>::max();
  bool is_centered = false, has_variance = true;
  int64_t priors = 0;
};

Result<Detection> ReadDetection(LayerContext& context) {
  const Params params = context.params("detection_output_param");
  const Params nms = params.Child("nms_param");
  Detection detection;
  detection.classes = params.Int("num_classes", 0);
  detection.background = params.Int("background_label_id", 0);
  detection.nms_top_k = nms.Int("top_k", -1);
  detection.overlap = nms.Float("nms_threshold", detection.overlap);
  detection.keep_top_k = params.Int("keep_top_k", -1);
  detection.score = params.Float("confidence_threshold", detection.score);
  detection.has_variance = !params.Bool("variance_encoded_in_target", false);
  const size_t code = params.Enum("code_type", {"", "CORNER", "CENTER_SIZE", "CORNER_SIZE"}, 1);
  detection.is_centered = code == 2;
  const bool shares_location = params.Bool("share_location", true);
  const float eta = nms.Float("eta", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (!shares_location || code == 3 || eta != 1 || detection.background > 0)
    return context.Unsupported(
        "read are share_location: true, code_type CORNER or CENTER_SIZE, eta 1, background_label_id 0 or -1");
  if (detection.classes < 1) return context.Error("num_classes is missing or 0");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t images, context.Extent(0, 0));
  if (images != 1)
    return context.Unsupported("it has " + std::to_string(images) + " photos a run; 1 is read");
  if (context.rank(context.in(2)) != 3)
    return context.Error("the third input must be prior boxes, [1,2,boxes*4]");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t corners, context.Extent(2, 2));
  detection.priors = corners / 4;
  if (detection.priors < 1) return context.Error("there are no prior boxes");
  return detection;
}

// Columns [begin, end) of a matrix.
Result<ValueId> Columns(LayerContext& context, ValueId x, int64_t begin, int64_t end) {
  GraphBuilder& builder = context.builder();
  return context.Add("Slice", {x, builder.Ints({begin}), builder.Ints({end}), builder.Ints({1})});
}

// [boxes,4] of part `which` of the priors: corners (0) or variances (1).
Result<ValueId> PriorPart(LayerContext& context, int64_t which) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId part, Columns(context, context.in(2), which, which + 1));
  return context.Reshape(part, {-1, 4});
}

// CENTER_SIZE: offsets of the centre in sizes of the prior, and logarithms of its growth.
Result<ValueId> DecodeCentered(LayerContext& context, ValueId codes, ValueId priors) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId low, Columns(context, priors, 0, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId high, Columns(context, priors, 2, 4));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId size, context.Add("Sub", {high, low}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId both, context.Add("Add", {low, high}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId middle, context.Affine(both, 0.5F, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId moves, Columns(context, codes, 0, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId growths, Columns(context, codes, 2, 4));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId moved, context.Add("Mul", {moves, size}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId center, context.Add("Add", {moved, middle}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId factors, context.Add("Exp", {growths}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId grown, context.Add("Mul", {factors, size}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId half, context.Affine(grown, 0.5F, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId begin, context.Add("Sub", {center, half}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId end, context.Add("Add", {center, half}));
  return context.Add("Concat", {begin, end}, {{"axis", int64_t{1}}});
}

// [boxes,4], corners.
Result<ValueId> DecodeBoxes(LayerContext& context, const Detection& detection) {
  SLIPWAY_ASSIGN_OR_RETURN(ValueId codes, context.Reshape(context.in(0), {detection.priors, 4}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId priors, PriorPart(context, 0));
  if (detection.has_variance) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId variances, PriorPart(context, 1));
    SLIPWAY_ASSIGN_OR_RETURN(codes, context.Add("Mul", {codes, variances}));
  }
  return detection.is_centered ? DecodeCentered(context, codes, priors) : context.Add("Add", {priors, codes});
}

// Values and indices.
Result<std::vector<ValueId>> TopK(LayerContext& context, ValueId x, ValueId count, Attrs attrs) {
  Node node;
  node.op = "TopK";
  node.name = context.layer().name + "/TopK";
  node.inputs = {x, count};
  node.attrs = std::move(attrs);
  const std::string name = node.name;
  return context.builder().Add(std::move(node), {{name, {}, {}, false}, {name, {}, {}, false}});
}

// [1,classes,boxes] without the background; where nms_top_k limits a class, what it leaves out scores lowest.
Result<ValueId> Scores(LayerContext& context, const Detection& detection) {
  GraphBuilder& builder = context.builder();
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows,
                           context.Reshape(context.in(1), {1, detection.priors, detection.classes}));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId scores, context.Add("Transpose", {rows}, {{"perm", Ints{0, 2, 1}}}));
  if (detection.background == 0) {
    SLIPWAY_ASSIGN_OR_RETURN(scores, Columns(context, scores, 1, detection.classes));
  }
  if (detection.nms_top_k < 1 || detection.nms_top_k >= detection.priors) return scores;
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> best,
                           TopK(context, scores, builder.Ints({detection.nms_top_k}), {}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId least, context.Add("ReduceMin", {best[0], builder.Ints({2})}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_kept, context.Add("GreaterOrEqual", {scores, least}));
  const ValueId lowest = context.Number(-static_cast<double>(std::numeric_limits<float>::max()));
  return context.Add("Where", {is_kept, scores, lowest});
}

// The keep_top_k best rows of `selected`, in their order.
Result<ValueId> KeepBest(LayerContext& context, const Detection& detection, ValueId scores,
                         ValueId selected) {
  if (detection.keep_top_k < 1) return selected;
  GraphBuilder& builder = context.builder();
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId found, context.Add("GatherND", {scores, selected}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId there, context.Add("Shape", {found}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId count,
                           context.Add("Min", {there, builder.Ints({detection.keep_top_k})}));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> best, TopK(context, found, count, {}));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> rows,
                           TopK(context, best[1], count, {{"largest", int64_t{0}}}));
  return context.Add("Gather", {selected, rows[0]});
}

// [1,1,detections,7]: photo, class, score, corners. A photo without any has no row (Caffe writes one of -1).
Status DetectionOutput(LayerContext& context) {
  GraphBuilder& builder = context.builder();
  SLIPWAY_ASSIGN_OR_RETURN(const Detection detection, ReadDetection(context));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId boxes, DecodeBoxes(context, detection));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scores, Scores(context, detection));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId batch, context.Reshape(boxes, {1, detection.priors, 4}));
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId kept,
      context.Add("NonMaxSuppression", {batch, scores, builder.Ints({detection.priors}),
                                        builder.Scalar(DType::kF32, static_cast<double>(detection.overlap)),
                                        builder.Scalar(DType::kF32, static_cast<double>(detection.score))}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId selected, KeepBest(context, detection, scores, kept));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId found, context.Add("GatherND", {scores, selected}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId score, context.Reshape(found, {-1, 1}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId box, Columns(context, selected, 2, 3));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId corners, context.Add("GatherND", {boxes, box}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId labels, Columns(context, selected, 0, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId reals, context.Add("Cast", {labels}, {{"to", DType::kF32}}));
  // Photo 0, and classes counted with the background.
  const Tensor offsets =
      Tensor::From<float>(DType::kF32, {1, 2}, std::array{0.0F, detection.background == 0 ? 1.0F : 0.0F});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId names, context.Add("Add", {reals, context.Const(offsets)}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows,
                           context.Add("Concat", {names, score, corners}, {{"axis", int64_t{1}}}));
  return context.Emit("Unsqueeze", {rows, builder.Ints({0, 1})});
}

constexpr std::array kLayers = {
    LayerDef{"DetectionOutput", DetectionOutput, 3, 3},
    LayerDef{"PriorBox", PriorBox, 2, 2},
};

}  // namespace

std::span<const LayerDef> DetectionLayers() { return kLayers; }

}  // namespace slipway::caffe
