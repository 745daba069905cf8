// Regions of interest: Fast R-CNN's pooling, R-FCN's, and Faster R-CNN's proposals.
//
// Source: ROIPoolingLayer of Girshick's fork of Caffe, PSROIPoolingLayer of R-FCN's, ProposalLayer of
// py-faster-rcnn (Python, "rpn.proposal_layer") and its ports to C++.
#include <algorithm>
#include <array>
#include <cmath>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

Status RoiPooling(LayerContext& context) {
  const Params params = context.params("roi_pooling_param");
  const Ints shape = {params.Int("pooled_h", 0), params.Int("pooled_w", 0)};
  const float scale = params.Float("spatial_scale", 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return context.Emit("MaxRoiPool", {context.in(0), context.in(1)},
                      {{"pooled_shape", shape}, {"spatial_scale", scale}});
}

Status PsRoiPooling(LayerContext& context) {
  const Params params = context.params("psroi_pooling_param");
  const Attrs attrs = {{"output_dim", params.Int("output_dim", 0)},
                       {"group_size", params.Int("group_size", 0)},
                       {"spatial_scale", params.Float("spatial_scale", 1)}};
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return context.Emit("PsRoiPool", {context.in(0), context.in(1)}, attrs);
}

std::vector<float> Or(std::vector<float> given, std::vector<float> otherwise) {
  return given.empty() ? std::move(otherwise) : std::move(given);
}

// Scores of background and object, box regressions, [height,width,scale] of the photo.
Status Propose(LayerContext& context, Attrs attrs) {
  const size_t tops = context.layer().tops.size();
  if (tops > 2) return context.Error("has " + std::to_string(tops) + " tops, makes boxes and scores");
  return context.EmitAll("RpnProposal", {context.in(0), context.in(1), context.in(2)}, std::move(attrs));
}

Status Proposal(LayerContext& context) {
  const Params params = context.params("proposal_param");
  const Attrs attrs = {{"feat_stride", params.Int("feat_stride", 16)},
                       {"base_size", params.Int("base_size", 16)},
                       {"min_size", params.Int("min_size", 16)},
                       {"ratios", Or(params.Floats("ratio"), {0.5F, 1, 2})},
                       {"scales", Or(params.Floats("scale"), {8, 16, 32})},
                       {"pre_nms_top_n", params.Int("pre_nms_topn", 6000)},
                       {"post_nms_top_n", params.Int("post_nms_topn", 300)},
                       {"nms_threshold", params.Float("nms_thresh", 0.7F)}};
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return Propose(context, attrs);
}

// The number after "'name':" in a Python dictionary's text; `otherwise` when it is not there.
int64_t EntryOf(const std::string& text, const std::string& name, int64_t otherwise) {
  const size_t at = text.find(name);
  const size_t digits = at == std::string::npos ? at : text.find_first_of("0123456789", at + name.size());
  if (digits == std::string::npos) return otherwise;
  int64_t value = 0;
  for (size_t i = digits; i < text.size() && i < digits + 9 && text[i] >= '0' && text[i] <= '9'; ++i)
    value = value * 10 + (text[i] - '0');
  return value;
}

// py-faster-rcnn's layer in Python; what its test phase is set to are RpnProposal's defaults.
Status PythonProposal(LayerContext& context) {
  const Message* message = context.layer().message.Child("python_param");
  const std::string text = message->Text("param_str") + message->Text("param_str_");
  if (text.find("scales") != std::string::npos || text.find("ratios") != std::string::npos)
    return context.Unsupported("scales and ratios in param_str are not read: " + text,
                               "write it as a Proposal layer: proposal_param { ratio: ... scale: ... }");
  return Propose(context, {{"feat_stride", EntryOf(text, "feat_stride", 16)}});
}

constexpr std::array kLayers = {
    LayerDef{"ROIPooling", RoiPooling, 2, 2},
    LayerDef{"PSROIPooling", PsRoiPooling, 2, 2},
    LayerDef{"Proposal", Proposal, 3, 3},
    LayerDef{"Python ProposalLayer", PythonProposal, 3, 3},
};

}  // namespace

std::span<const LayerDef> RegionLayers() { return kLayers; }

}  // namespace slipway::caffe
