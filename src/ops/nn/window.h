// Geometry that convolutions and pools share: where the channels are, and how a window slides over the image.
#pragma once

#include <array>

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// channels_first: [N,C,spatial...]; channels_last: [N,spatial...,C].
enum class Layout { kChannelsFirst, kChannelsLast };

// `layout`, default channels_first.
AttrDef LayoutAttr();
Layout LayoutOf(const Attrs& attrs);
inline int ChannelAxis(Layout layout, int rank) { return layout == Layout::kChannelsFirst ? 1 : rank - 1; }
inline int FirstSpatialAxis(Layout layout) { return layout == Layout::kChannelsFirst ? 2 : 1; }
// [N,C,spatial...] in that layout.
DimList ImageShape(Layout layout, Dim batch, Dim channels, const DimList& spatial);
DimList SpatialOf(Layout layout, const DimList& shape);

// auto_pad, pads, strides, dilations; empty lists stand for zeros and ones.
std::vector<AttrDef> WindowAttrs();

// A window over `rank` spatial axes. Plain numbers once Resolve has seen the input's extents.
struct Window {
  Ints kernel;
  Ints strides;
  Ints dilations;
  Ints pads_begin;
  Ints pads_end;
  std::string auto_pad;  // "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"
  bool is_ceil = false;  // ceil_mode: a last window may hang over the end

  int rank() const { return static_cast<int>(kernel.size()); }
  int64_t Extent(int axis) const {  // of the dilated kernel
    return (kernel[static_cast<size_t>(axis)] - 1) * dilations[static_cast<size_t>(axis)] + 1;
  }
};

// Reads the attributes of WindowAttrs (and ceil_mode, where there is one) for a kernel of that shape. Errors:
// lists of the wrong length, strides or dilations below 1, negative pads, anything beyond 2^31.
Result<Window> ReadWindow(const Attrs& attrs, const Ints& kernel);
// Extents of the output; also checks that the window fits.
Result<DimList> SlideWindow(const InferContext& context, const Window& window, const DimList& spatial);
// Replaces auto_pad by explicit pads for an input and an output of these extents.
void ResolvePads(Window& window, std::span<const int64_t> in, std::span<const int64_t> out);

// An image or a weight tensor as [n][c][z][y][x] with strides in elements, whatever its layout and with
// missing leading spatial axes of extent 1.
struct ImageView {
  int64_t n = 1, c = 1;
  std::array<int64_t, 3> size = {1, 1, 1};
  int64_t stride_n = 0, stride_c = 0;
  std::array<int64_t, 3> stride = {0, 0, 0};

  int64_t At(int64_t in, int64_t ic, int64_t iz, int64_t iy, int64_t ix) const {
    return in * stride_n + ic * stride_c + iz * stride[0] + iy * stride[1] + ix * stride[2];
  }
};
// REQUIRES: 2 <= rank <= 5.
ImageView ViewImage(const Dims& dims, Layout layout);

// A window padded to three axes with ones and zeros in front.
struct Window3 {
  std::array<int64_t, 3> kernel = {1, 1, 1}, stride = {1, 1, 1}, dilation = {1, 1, 1}, pad = {0, 0, 0},
                         pad_end = {0, 0, 0};
};
Window3 ToThree(const Window& window);

// The window of a node at run time, pads resolved. in, out: the image and the result.
Result<Window3> RunWindow(const RunContext& context, const Ints& kernel, const ImageView& in,
                          const ImageView& out);

}  // namespace slipway
