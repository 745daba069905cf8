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

// [1,1,detections,7]: photo, class, score, corners.
Status DetectionOutput(LayerContext& context) {
  constexpr std::array kCodes = {"corner", "corner", "center_size", "corner_size"};
  const Params params = context.params("detection_output_param");
  const Params nms = params.Child("nms_param");
  const size_t code = params.Enum("code_type", {"", "CORNER", "CENTER_SIZE", "CORNER_SIZE"}, 1);
  const Attrs attrs = {
      {"num_classes", params.Int("num_classes", 0)},
      {"share_location", int64_t{params.Bool("share_location", true)}},
      {"background_label_id", params.Int("background_label_id", 0)},
      {"code_type", std::string(kCodes[code])},
      {"variance_encoded_in_target", int64_t{params.Bool("variance_encoded_in_target", false)}},
      {"confidence_threshold", params.Float("confidence_threshold", -std::numeric_limits<float>::max())},
      {"nms_threshold", nms.Float("nms_threshold", 0.3F)},
      {"nms_eta", nms.Float("eta", 1)},
      {"nms_top_k", nms.Int("top_k", -1)},
      {"keep_top_k", params.Int("keep_top_k", -1)}};
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return context.Emit("SsdDetection", {context.in(0), context.in(1), context.in(2)}, attrs);
}

constexpr std::array kLayers = {
    LayerDef{"DetectionOutput", DetectionOutput, 3, 3},
    LayerDef{"PriorBox", PriorBox, 2, 2},
};

}  // namespace

std::span<const LayerDef> DetectionLayers() { return kLayers; }

}  // namespace slipway::caffe
