// Layers that resample, crop or scale images.
#include <algorithm>
#include <array>

#include "formats/keras/layer_parts.h"
#include "formats/keras/tensors.h"

namespace slipway::keras {
namespace {

// tf.image.resize without antialiasing: half-pixel centres; nearest takes the pixel that the centre lies in.
Result<Attrs> Interpolation(LayerContext& context, const std::string& name) {
  if (name == "nearest")
    return Attrs{{"mode", std::string("nearest")},
                 {"coordinate_transformation_mode", std::string("tf_half_pixel_for_nn")},
                 {"nearest_mode", std::string("floor")}};
  if (name == "bilinear")
    return Attrs{{"mode", std::string("linear")},
                 {"coordinate_transformation_mode", std::string("half_pixel")}};
  if (name == "bicubic")
    return Attrs{{"mode", std::string("cubic")},
                 {"coordinate_transformation_mode", std::string("half_pixel")},
                 {"cubic_coeff_a", -0.5F},
                 {"exclude_outside", int64_t{1}}};
  return context.Unsupported("interpolation '" + name + "'", "nearest, bilinear and bicubic are read");
}

Result<ValueId> ResizeTo(LayerContext& context, ValueId x, const Ints& axes, const Ints& sizes,
                         const std::string& interpolation) {
  SLIPWAY_ASSIGN_OR_RETURN(Attrs attrs, Interpolation(context, interpolation));
  attrs.Set("axes", axes);
  return context.Add("Resize", {x, kNoValue, kNoValue, context.IntsOf(sizes)}, attrs);
}

Result<ValueId> ToFloat(LayerContext& context, ValueId x) {
  if (context.dtype(x) == DType::kF32) return x;
  return context.Add("Cast", {x}, {{"to", DType::kF32}});
}

template <size_t axes>
Result<Values> UpSampling(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const DataFormat format, ReadDataFormat(context, axes));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints factors, PerAxis(context, "size", axes, Ints(axes, 2)));
  const std::string name = axes == 2 ? context.config().Text("interpolation", "nearest") : "nearest";
  SLIPWAY_ASSIGN_OR_RETURN(Attrs attrs, Interpolation(context, name));
  attrs.Set("axes", format.spatial_axes);
  const std::vector<double> scales(factors.begin(), factors.end());
  return One(context.Add("Resize", {context.in(), kNoValue, context.Const(OfNumbers(scales))}, attrs));
}

struct ImageSize {
  Ints axes, extents;
};

Result<ImageSize> ReadSize(LayerContext& context) {
  ImageSize size;
  // An image alone, [H,W,C], has no batch.
  if (context.rank() == 3) return context.Unsupported("an image without a batch axis");
  SLIPWAY_ASSIGN_OR_RETURN(const DataFormat format, ReadDataFormat(context, 2));
  size.axes = format.spatial_axes;
  size.extents = {context.config().Int("height", 0), context.config().Int("width", 0)};
  constexpr int64_t kLongest = 1 << 20;  // no image is
  for (int64_t extent : size.extents) {
    if (extent < 1 || extent > kLongest)
      return context.Error("its height and width are " + std::to_string(size.extents[0]) + " and " +
                           std::to_string(size.extents[1]));
  }
  return size;
}

Result<ValueId> Crop(LayerContext& context, ValueId x, const Ints& axes, const Ints& starts,
                     const Ints& extents) {
  const Ints ends = {starts[0] + extents[0], starts[1] + extents[1]};
  return context.Add("Slice", {x, context.IntsOf(starts), context.IntsOf(ends), context.IntsOf(axes)});
}

// keras.utils.image_utils.smart_resize: the largest middle part of the wanted ratio, resized.
Result<ValueId> SmartResize(LayerContext& context, ValueId x, const ImageSize& size,
                            const std::string& interpolation) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t height, context.Extent(x, size.axes[0]));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t width, context.Extent(x, size.axes[1]));
  const auto part = [](int64_t extent, int64_t wanted, int64_t by) {
    return static_cast<int64_t>(static_cast<float>(extent * wanted) / static_cast<float>(by));
  };
  const Ints crop = {std::min(height, part(width, size.extents[0], size.extents[1])),
                     std::min(width, part(height, size.extents[1], size.extents[0]))};
  if (crop[0] < 1 || crop[1] < 1)
    return context.Error("the input " + ToString(context.shape(x)) + " is too small");
  const Ints starts = {(height - crop[0]) / 2, (width - crop[1]) / 2};
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId middle, Crop(context, x, size.axes, starts, crop));
  return ResizeTo(context, middle, size.axes, size.extents, interpolation);
}

Result<Values> Resizing(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ImageSize size, ReadSize(context));
  const std::string interpolation = context.config().Text("interpolation", "bilinear");
  if (context.config().Bool("antialias", false)) return context.Unsupported("antialias");
  if (context.config().Bool("pad_to_aspect_ratio", false))
    return context.Unsupported("pad_to_aspect_ratio", "pad with ZeroPadding2D before a plain Resizing");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, ToFloat(context, context.in()));
  if (context.config().Bool("crop_to_aspect_ratio", false))
    return One(SmartResize(context, x, size, interpolation));
  return One(ResizeTo(context, x, size.axes, size.extents, interpolation));
}

// The middle; what is too small is resized first.
Result<Values> CenterCrop(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ImageSize size, ReadSize(context));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, ToFloat(context, context.in()));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t height, context.Extent(x, size.axes[0]));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t width, context.Extent(x, size.axes[1]));
  if (height < size.extents[0] || width < size.extents[1])
    return One(SmartResize(context, x, size, "bilinear"));
  const Ints starts = {(height - size.extents[0]) / 2, (width - size.extents[1]) / 2};
  return One(Crop(context, x, size.axes, starts, size.extents));
}

// At inference the middle, resized, in Keras 2; in Keras 3 what it is hangs on the version.
Result<Values> RandomCrop(LayerContext& context) {
  if (context.IsKeras3())
    return context.Unsupported("what it does at inference differs between versions of Keras 3",
                               "use CenterCrop, or crop while the data is loaded");
  SLIPWAY_ASSIGN_OR_RETURN(const ImageSize size, ReadSize(context));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, ToFloat(context, context.in()));
  return One(SmartResize(context, x, size, "bilinear"));
}

// x * scale + offset; lists stand for the last axis.
Result<Values> Rescaling(LayerContext& context) {
  const std::vector<double> scale = context.config().Reals("scale"),
                            offset = context.config().Reals("offset");
  SLIPWAY_ASSIGN_OR_RETURN(ValueId y, ToFloat(context, context.in()));
  if (scale.size() <= 1 && offset.size() <= 1)
    return One(context.Affine(y, scale.empty() ? 1 : scale[0], offset.empty() ? 0 : offset[0]));
  SLIPWAY_ASSIGN_OR_RETURN(
      y, context.Add("Mul", {y, context.Const(OfNumbers(scale.empty() ? std::vector{1.0} : scale))}));
  return One(context.Add("Add", {y, context.Const(OfNumbers(offset.empty() ? std::vector{0.0} : offset))}));
}

constexpr std::array kLayers = {
    LayerDef{"UpSampling1D", UpSampling<1>, 1, 1, MaskRule::kDrop},
    LayerDef{"UpSampling2D", UpSampling<2>, 1, 1, MaskRule::kDrop},
    LayerDef{"UpSampling3D", UpSampling<3>, 1, 1, MaskRule::kDrop},
    LayerDef{"Resizing", Resizing, 1, 1, MaskRule::kDrop},
    LayerDef{"CenterCrop", CenterCrop, 1, 1, MaskRule::kDrop},
    LayerDef{"RandomCrop", RandomCrop, 1, 1, MaskRule::kDrop},
    LayerDef{"Rescaling", Rescaling},
};

}  // namespace

std::span<const LayerDef> ImageLayers() { return kLayers; }

}  // namespace slipway::keras
