#include "tasks/vision/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "media/draw.h"

namespace slipway::tasks {
namespace {

struct MaskLayout {
  int64_t height, width, classes;
  int64_t pixel_step, class_step;  // in elements
};

// Channels are the smaller outer extent, unless the layout is given.
Result<MaskLayout> LayoutOf(const RealOutput& output, TensorLayout layout) {
  const Dims& dims = output.dims;
  const Status wrong(Code::kInvalidModel, "output '" + output.name + "' " + ToString(dims) +
                                              " must be [1,H,W,C], [1,C,H,W] or [1,H,W] with C <= 256");
  if (dims.size() == 3) return MaskLayout{dims[1], dims[2], 1, 1, 1};
  if (dims.size() != 4) return wrong;
  const bool is_first = layout == TensorLayout::kNchw || (layout == TensorLayout::kAuto && dims[1] < dims[3]);
  MaskLayout mask = is_first ? MaskLayout{dims[2], dims[3], dims[1], 1, dims[2] * dims[3]}
                             : MaskLayout{dims[1], dims[2], dims[3], dims[3], 1};
  if (mask.classes > 256) return wrong;
  return mask;
}

std::vector<uint8_t> BestCategories(const RealOutput& output, const MaskLayout& layout) {
  std::vector<uint8_t> mask(static_cast<size_t>(layout.height * layout.width));
  for (size_t p = 0; p < mask.size(); ++p) {
    const float* scores = output.values.data() + static_cast<int64_t>(p) * layout.pixel_step;
    if (layout.classes == 1) {  // categories as they are, or one foreground probability
      mask[p] = static_cast<uint8_t>(std::clamp(std::round(scores[0]), 0.0f, 255.0f));
      continue;
    }
    int64_t best = 0;
    for (int64_t c = 1; c < layout.classes; ++c) {
      if (scores[c * layout.class_step] > scores[best * layout.class_step]) best = c;
    }
    mask[p] = static_cast<uint8_t>(best);
  }
  return mask;
}

OutputSpec SpecOf(const Manifest& manifest) {
  for (const OutputSpec& spec : manifest.outputs) {
    if (spec.decoder == DecoderKind::kMask) return spec;
  }
  return {};
}

// The tensor of role "mask", or the first.
Result<const RealOutput*> MaskOf(const OutputSpec& spec, const std::vector<RealOutput>& outputs) {
  if (outputs.empty()) return Status(Code::kInvalidModel, "the model has no outputs");
  SLIPWAY_RETURN_IF_ERROR(CheckOutputNames(spec, outputs));
  const auto named = spec.tensors.find("mask");
  if (named == spec.tensors.end() || named->second.empty()) return &outputs[0];
  return &*std::find_if(outputs.begin(), outputs.end(),
                        [&](const RealOutput& output) { return output.name == named->second[0]; });
}

std::string LabelOfCategory(const Manifest& manifest, const OutputSpec& spec, int64_t category) {
  return category == spec.background ? "background" : LabelOf(manifest, category + spec.class_offset);
}

}  // namespace

Result<Segmentation> Segment(Session& session, media::Image photo) {
  const int width = photo.width, height = photo.height;
  SLIPWAY_ASSIGN_OR_RETURN(ImageInput input, session.Prepare(std::move(photo)));
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<RealOutput> outputs, session.Run(input));
  return ReadSegmentation(session.manifest(), width, height, input, outputs);
}

Result<Segmentation> ReadSegmentation(const Manifest& manifest, int photo_width, int photo_height,
                                      const ImageInput& input, const std::vector<RealOutput>& outputs) {
  const OutputSpec spec = SpecOf(manifest);
  SLIPWAY_ASSIGN_OR_RETURN(const RealOutput* output, MaskOf(spec, outputs));
  const TensorLayout tensor_layout =
      manifest.inputs.empty() ? TensorLayout::kAuto : manifest.inputs[0].layout;
  SLIPWAY_ASSIGN_OR_RETURN(MaskLayout layout, LayoutOf(*output, tensor_layout));

  Segmentation result;
  result.mask_width = static_cast<int>(layout.width);
  result.mask_height = static_cast<int>(layout.height);
  result.mask = BestCategories(*output, layout);
  result.width = photo_width;
  result.height = photo_height;
  result.categories.resize(static_cast<size_t>(photo_width) * static_cast<size_t>(photo_height));
  std::array<int64_t, 256> counts{};
  const double sx = static_cast<double>(layout.width) / input.width;
  const double sy = static_cast<double>(layout.height) / input.height;
  for (int y = 0; y < photo_height; ++y) {
    for (int x = 0; x < photo_width; ++x) {
      const media::PointF at = input.placed.to_input.Map(media::PointF{x + 0.5, y + 0.5});
      const auto column = std::clamp<int64_t>(static_cast<int64_t>(at.x * sx), 0, layout.width - 1);
      const auto line = std::clamp<int64_t>(static_cast<int64_t>(at.y * sy), 0, layout.height - 1);
      const uint8_t category = result.mask[static_cast<size_t>(line * layout.width + column)];
      result.categories[static_cast<size_t>(y) * static_cast<size_t>(photo_width) + static_cast<size_t>(x)] =
          category;
      ++counts[category];
    }
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    result.shares.push_back({LabelOfCategory(manifest, spec, static_cast<int64_t>(i)),
                             static_cast<int64_t>(i),
                             static_cast<double>(counts[i]) / static_cast<double>(result.categories.size())});
  }
  std::stable_sort(result.shares.begin(), result.shares.end(),
                   [](const auto& a, const auto& b) { return a.fraction > b.fraction; });
  return result;
}

void DrawSegmentation(media::Image* photo, const Segmentation& segmentation) {
  std::vector<media::Color> palette;
  for (int i = 0; i < 256; ++i) palette.push_back(media::ClassColor(i));
  media::OverlayCategories(photo, segmentation.categories, palette);
  std::vector<media::LegendLine> lines;
  for (const auto& share : segmentation.shares) {
    if (share.index == 0) continue;  // the background is not coloured
    lines.push_back({fmt::format("{} {:.0f}%", share.label, share.fraction * 100),
                     media::ClassColor(static_cast<int>(share.index))});
  }
  if (!lines.empty()) media::DrawLegend(photo, lines);
}

}  // namespace slipway::tasks
