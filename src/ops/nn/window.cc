#include "ops/nn/window.h"

#include <algorithm>

namespace slipway {
namespace {

constexpr int64_t kMaxParameter = int64_t{1} << 31;  // keeps every product of two within int64

Status CheckRange(const char* name, const Ints& values, int64_t low) {
  for (int64_t value : values) {
    if (value >= low && value <= kMaxParameter) continue;
    return Status(Code::kInvalidModel, std::string(name) + " has " + std::to_string(value) + "; allowed is " +
                                           std::to_string(low) + "..2^31");
  }
  return Status::Ok();
}

Result<Ints> ReadList(const Attrs& attrs, const char* name, size_t size, int64_t otherwise) {
  const Ints& given = attrs.IntList(name);
  if (given.empty()) return Ints(size, otherwise);
  if (given.size() == size) return given;
  return Status(Code::kInvalidModel, std::string(name) + " has " + std::to_string(given.size()) +
                                         " entries, needs " + std::to_string(size));
}

Dim OutputExtent(const Window& window, int axis, const Dim& in) {
  const auto i = static_cast<size_t>(axis);
  const Dim stride(window.strides[i]);
  if (window.auto_pad == "SAME_UPPER" || window.auto_pad == "SAME_LOWER") return CeilDiv(in, stride);
  const int64_t pads = window.auto_pad == "VALID" ? 0 : window.pads_begin[i] + window.pads_end[i];
  const Dim room = in + Dim(pads - window.Extent(axis));
  if (!window.is_ceil || window.auto_pad == "VALID") return FloorDiv(room, stride) + Dim(1);
  const Dim out = CeilDiv(room, stride) + Dim(1);
  if (!out.IsKnown() || !in.IsKnown()) return out;
  // A last window that would start in the end padding sees nothing of the image and is left out.
  const bool is_outside = (out.value() - 1) * window.strides[i] >= in.value() + window.pads_begin[i];
  return is_outside ? out - Dim(1) : out;
}

}  // namespace

AttrDef LayoutAttr() {
  return StringAttr("layout", "channels_first", {"channels_first", "channels_last"},
                    "channels_first: [N,C,spatial...]; channels_last: [N,spatial...,C]");
}

Layout LayoutOf(const Attrs& attrs) {
  return attrs.String("layout") == "channels_last" ? Layout::kChannelsLast : Layout::kChannelsFirst;
}

DimList ImageShape(Layout layout, Dim batch, Dim channels, const DimList& spatial) {
  DimList shape = spatial;
  shape.insert(layout == Layout::kChannelsFirst ? shape.begin() : shape.end(), std::move(channels));
  shape.insert(shape.begin(), std::move(batch));
  return shape;
}

DimList SpatialOf(Layout layout, const DimList& shape) {
  const auto first = shape.begin() + FirstSpatialAxis(layout);
  return {first, first + static_cast<int64_t>(shape.size()) - 2};
}

std::vector<AttrDef> WindowAttrs() {
  return {
      StringAttr(
          "auto_pad", "NOTSET", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"},
          "SAME_*: output extent = ceil(input / stride), the odd pixel of padding after (UPPER) or before"),
      IntsAttr("pads", {}, "with NOTSET: begin of every spatial axis, then end of every axis; empty: zeros"),
      IntsAttr("strides", {}, "per spatial axis; empty: ones"),
      IntsAttr("dilations", {}, "per spatial axis; empty: ones")};
}

Result<Window> ReadWindow(const Attrs& attrs, const Ints& kernel) {
  Window window;
  const size_t rank = kernel.size();
  window.kernel = kernel;
  window.auto_pad = attrs.String("auto_pad");
  if (window.auto_pad.empty()) window.auto_pad = "NOTSET";
  window.is_ceil = attrs.Int("ceil_mode") != 0;
  SLIPWAY_ASSIGN_OR_RETURN(window.strides, ReadList(attrs, "strides", rank, 1));
  SLIPWAY_ASSIGN_OR_RETURN(window.dilations, ReadList(attrs, "dilations", rank, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints pads, ReadList(attrs, "pads", 2 * rank, 0));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("kernel_shape", kernel, 1));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("strides", window.strides, 1));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("dilations", window.dilations, 1));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("pads", pads, 0));
  const auto middle = pads.begin() + static_cast<int64_t>(rank);
  window.pads_begin.assign(pads.begin(), middle);
  window.pads_end.assign(middle, pads.end());
  return window;
}

Result<DimList> SlideWindow(const InferContext& context, const Window& window, const DimList& spatial) {
  if (spatial.size() != window.kernel.size()) {
    return context.Error("the kernel has " + std::to_string(window.kernel.size()) +
                         " spatial axes, the input " + std::to_string(spatial.size()));
  }
  DimList out;
  for (int axis = 0; axis < window.rank(); ++axis) {
    const Dim& in = spatial[static_cast<size_t>(axis)];
    out.push_back(OutputExtent(window, axis, in));
    const bool is_too_small =
        out.back().IsKnown() && out.back().value() < (in.IsKnown() && in.value() == 0 ? 0 : 1);
    if (is_too_small) {
      return context.Error("spatial axis " + std::to_string(axis) + " has extent " + in.ToString() +
                           "; the window covers " + std::to_string(window.Extent(axis)) +
                           " and does not fit");
    }
  }
  return out;
}

void ResolvePads(Window& window, std::span<const int64_t> in, std::span<const int64_t> out) {
  if (window.auto_pad == "NOTSET") return;
  for (int axis = 0; axis < window.rank(); ++axis) {
    const auto i = static_cast<size_t>(axis);
    window.pads_begin[i] = window.pads_end[i] = 0;
    if (window.auto_pad == "VALID") continue;
    const int64_t total =
        std::max<int64_t>((out[i] - 1) * window.strides[i] + window.Extent(axis) - in[i], 0);
    const int64_t less = total / 2;
    window.pads_begin[i] = window.auto_pad == "SAME_UPPER" ? less : total - less;
    window.pads_end[i] = total - window.pads_begin[i];
  }
  window.auto_pad = "NOTSET";
}

ImageView ViewImage(const Dims& dims, Layout layout) {
  const int rank = static_cast<int>(dims.size());
  std::vector<int64_t> strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  ImageView view;
  const auto channel = static_cast<size_t>(ChannelAxis(layout, rank));
  view.n = dims[0];
  view.stride_n = strides[0];
  view.c = dims[channel];
  view.stride_c = strides[channel];
  const int spatial = rank - 2;
  for (int i = 0; i < spatial; ++i) {
    const auto axis = static_cast<size_t>(FirstSpatialAxis(layout) + i);
    const auto to = static_cast<size_t>(3 - spatial + i);
    view.size[to] = dims[axis];
    view.stride[to] = strides[axis];
  }
  return view;
}

Window3 ToThree(const Window& window) {
  Window3 three;
  const size_t offset = 3 - window.kernel.size();
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    three.kernel[offset + i] = window.kernel[i];
    three.stride[offset + i] = window.strides[i];
    three.dilation[offset + i] = window.dilations[i];
    three.pad[offset + i] = window.pads_begin[i];
    three.pad_end[offset + i] = window.pads_end[i];
  }
  return three;
}

Result<Window3> RunWindow(const RunContext& context, const Ints& kernel, const ImageView& in,
                          const ImageView& out) {
  SLIPWAY_ASSIGN_OR_RETURN(Window window, ReadWindow(context.attrs(), kernel));
  const size_t offset = 3 - kernel.size();
  ResolvePads(window, std::span(in.size).subspan(offset), std::span(out.size).subspan(offset));
  return ToThree(window);
}

}  // namespace slipway
