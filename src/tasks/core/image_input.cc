#include "tasks/core/image_input.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/brief_tensor.h"
#include "base/scalar.h"
#include "media/pixels.h"

namespace slipway::tasks {
namespace {

using media::Image;
using media::ImageF32;
using media::Placed;

bool IsChannelCount(const Dim& dim) {
  return dim.IsKnown() && (dim.value() == 1 || dim.value() == 3 || dim.value() == 4);
}

int64_t ExtentOf(const Dim& dim) { return dim.IsKnown() ? dim.value() : 0; }

media::ResizeOptions OptionsOf(const ResizeSpec& spec) {
  media::ResizeOptions options;
  switch (spec.filter) {
    case ResizeFilter::kNearest: options.filter = media::Filter::kNearest; break;
    case ResizeFilter::kBilinear: options.filter = media::Filter::kBilinear; break;
    case ResizeFilter::kArea: options.filter = media::Filter::kArea; break;
    case ResizeFilter::kBicubic: options.filter = media::Filter::kBicubic; break;
  }
  switch (spec.convention) {
    case ResizeConvention::kHalfPixel: options.convention = media::Convention::kHalfPixel; break;
    case ResizeConvention::kAlignCorners: options.convention = media::Convention::kAlignCorners; break;
    case ResizeConvention::kAsymmetric: options.convention = media::Convention::kAsymmetric; break;
  }
  switch (spec.style) {
    case ResizeStyle::kPlain: options.style = media::ResizeStyle::kPlain; break;
    case ResizeStyle::kOpencv: options.style = media::ResizeStyle::kOpenCv; break;
    case ResizeStyle::kPil: options.style = media::ResizeStyle::kPil; break;
  }
  return options;
}

Image InColor(Image image, ColorOrder color) {
  if (image.channels == 4) image = media::RgbFromRgba(image);
  if (color == ColorOrder::kGray) return image.channels == 1 ? image : media::GreyFromRgb(image);
  if (image.channels == 1) image = media::RgbFromGrey(image);
  if (color == ColorOrder::kBgr) media::SwapRedBlue(&image);
  return image;
}

Result<Placed> Place(Placed whole, const ResizeSpec& spec, int width, int height) {
  const media::ResizeOptions options = OptionsOf(spec);
  switch (spec.mode) {
    case ResizeMode::kStretch: return media::Stretch(whole, width, height, options);
    case ResizeMode::kLetterbox: {
      media::LetterboxOptions letterbox;
      letterbox.width = width;
      letterbox.height = height;
      letterbox.stride = static_cast<int>(spec.letterbox.stride);
      letterbox.pad_value = static_cast<uint8_t>(spec.letterbox.pad_value);
      letterbox.anchor = spec.letterbox.centered ? media::Anchor::kCenter : media::Anchor::kTopLeft;
      letterbox.upscale = spec.letterbox.enlarge ? media::LetterboxOptions::Upscale::kAllow
                                                 : media::LetterboxOptions::Upscale::kNever;
      letterbox.resize = options;
      return media::Letterbox(whole, letterbox);
    }
    case ResizeMode::kCenterCrop: {
      SLIPWAY_ASSIGN_OR_RETURN(Placed cut, media::CenterCropAspect(whole, width, height));
      if (spec.crop_fraction < 1) {
        SLIPWAY_ASSIGN_OR_RETURN(cut, media::CenterCropFraction(cut, spec.crop_fraction));
      }
      return media::Stretch(cut, width, height, options);
    }
    case ResizeMode::kNone: break;
  }
  if (whole.image.width == width && whole.image.height == height) return whole;
  return Status(Code::kInvalidInput,
                "the photo is " + std::to_string(whole.image.width) + "x" +
                    std::to_string(whole.image.height) + ", the model takes " + std::to_string(width) + "x" +
                    std::to_string(height),
                "set resize.mode in the manifest: stretch, letterbox or center_crop");
}

media::Normalization NormalizationOf(const InputSpec& spec) {
  media::Normalization normalization;
  normalization.mean.assign(spec.mean.begin(), spec.mean.end());
  normalization.std.assign(spec.std.begin(), spec.std.end());
  return normalization;
}

std::optional<media::Quantization> QuantizationOf(const InputSpec& spec, const PortInfo& port) {
  media::Quantization quantization;
  if (spec.quant) {
    quantization.scale = static_cast<float>(spec.quant->scale);
    quantization.zero_point = static_cast<int32_t>(spec.quant->zero_point);
    return quantization;
  }
  if (!port.quant || port.quant->scales.size() != 1) return std::nullopt;
  quantization.scale = port.quant->scales[0];
  quantization.zero_point = static_cast<int32_t>(port.quant->zero_points[0]);
  return quantization;
}

// What of the manifest and the port decides the numbers.
struct PackPlan {
  media::Normalization normalization;
  std::optional<media::Quantization> quantization;
  media::PixelLayout layout;
};

template <class ImageT>
Status PackReals(const ImageT& image, const PackPlan& plan, Tensor& tensor) {
  if (tensor.dtype() == DType::kF32) {
    media::PackF32(image, plan.normalization, plan.layout, tensor.values<float>());
    return Status::Ok();
  }
  std::vector<float> reals(static_cast<size_t>(tensor.count()));
  media::PackF32(image, plan.normalization, plan.layout, reals);
  if (tensor.dtype() == DType::kF16) {
    media::CastToF16(reals, tensor.values<uint16_t>());
    return Status::Ok();
  }
  if (!plan.quantization) {  // plain integers: rounded
    for (size_t i = 0; i < reals.size(); ++i) {
      StoreReal(tensor.dtype(), tensor.data(), static_cast<int64_t>(i), std::nearbyint(reals[i]));
    }
    return Status::Ok();
  }
  switch (tensor.dtype()) {
    case DType::kU8: media::Quantize(reals, *plan.quantization, tensor.values<uint8_t>()); break;
    case DType::kI8: media::Quantize(reals, *plan.quantization, tensor.values<int8_t>()); break;
    case DType::kI16: media::Quantize(reals, *plan.quantization, tensor.values<int16_t>()); break;
    default:
      return Status(Code::kUnsupported, "images cannot become " + std::string(DTypeName(tensor.dtype())));
  }
  return Status::Ok();
}

// Integer networks take the bytes as they are unless the manifest says how to quantise (as TFLite's task
// library).
bool TakesBytes(const InputSpec& spec, DType dtype) {
  const bool is_plain = NormalizationOf(spec).IsIdentity();
  return dtype == DType::kU8 && !spec.quant && (is_plain || spec.kind == InputKind::kImage);
}

Status CheckSize(const InputSpec& spec, const ImageShape& shape, const PortInfo& port) {
  const auto clash = [](int64_t wanted, int64_t has) { return wanted > 0 && has > 0 && wanted != has; };
  if (!clash(spec.resize.width, shape.width) && !clash(spec.resize.height, shape.height)) return Status::Ok();
  return Status(Code::kInvalidInput,
                "the manifest resizes to " + std::to_string(spec.resize.width) + "x" +
                    std::to_string(spec.resize.height) + ", input '" + port.name + "' is " +
                    ToString(port.type),
                "correct resize.width and resize.height");
}

Status CheckCount(const char* key, size_t count, int64_t channels, const PortInfo& port) {
  if (count <= 1 || static_cast<int64_t>(count) == channels) return Status::Ok();
  return Status(Code::kInvalidInput,
                std::string("'") + key + "' has " + std::to_string(count) + " numbers, input '" + port.name +
                    "' has " + std::to_string(channels) + " channels",
                "give one number, or one per channel");
}

Status CheckNumbers(const InputSpec& spec, int64_t channels, const PortInfo& port) {
  SLIPWAY_RETURN_IF_ERROR(CheckCount("mean", spec.mean.size(), channels, port));
  SLIPWAY_RETURN_IF_ERROR(CheckCount("std", spec.std.size(), channels, port));
  const auto dtype = ParseDType(spec.dtype);
  if (!dtype || port.type.dtype == DType::kNone || *dtype == port.type.dtype) return Status::Ok();
  return Status(Code::kInvalidInput,
                "the manifest makes " + spec.dtype + ", input '" + port.name + "' is " + ToString(port.type),
                "correct inputs[0].dtype, or leave it out");
}

}  // namespace

std::optional<ImageShape> ImageShapeOf(const Type& type, TensorLayout layout) {
  if (!type.shape || type.rank() < 3 || type.rank() > 4) return std::nullopt;
  const DimList& shape = *type.shape;
  const size_t first = shape.size() - 3;
  ImageShape image;
  image.has_batch = first == 1;
  if (layout == TensorLayout::kAuto) {
    if (IsChannelCount(shape[first + 2])) {
      image.is_channels_first = false;
    } else if (IsChannelCount(shape[first])) {
      image.is_channels_first = true;
    } else {
      return std::nullopt;
    }
  } else {
    image.is_channels_first = layout == TensorLayout::kNchw;
  }
  image.channels = ExtentOf(shape[image.is_channels_first ? first : first + 2]);
  image.height = ExtentOf(shape[image.is_channels_first ? first + 1 : first]);
  image.width = ExtentOf(shape[image.is_channels_first ? first + 2 : first + 1]);
  return image;
}

Result<ImageInput> MakeImageInput(media::Image photo, const InputSpec& spec, const PortInfo& port) {
  const auto shape = ImageShapeOf(port.type, spec.layout);
  if (!shape) {
    return Status(
        Code::kInvalidInput, "input '" + port.name + "' is " + ToString(port.type) + ", which is no image",
        "an image tensor has 1, 3 or 4 channels first or last; set inputs[0].layout in the manifest");
  }
  SLIPWAY_RETURN_IF_ERROR(CheckSize(spec, *shape, port));
  const ColorOrder color = shape->channels == 1 ? ColorOrder::kGray : spec.color;
  const int photo_width = photo.width, photo_height = photo.height;
  Image image = InColor(std::move(photo), color);
  if (shape->channels > 0 && image.channels != shape->channels) {
    return Status(Code::kInvalidInput, "input '" + port.name + "' has " + std::to_string(shape->channels) +
                                           " channels, the manifest's color gives " +
                                           std::to_string(image.channels));
  }
  SLIPWAY_RETURN_IF_ERROR(CheckNumbers(spec, image.channels, port));
  // Quarter turns counter-clockwise.
  Placed upright = media::PlaceWhole(std::move(image));
  if (spec.rotate != 0) {
    SLIPWAY_ASSIGN_OR_RETURN(upright, media::Rotate90(upright, static_cast<int>(-spec.rotate / 90)));
  }
  if (spec.mirror) {
    SLIPWAY_ASSIGN_OR_RETURN(upright, media::Mirror(upright));
  }
  const auto extent = [](int64_t tensor, int64_t manifest, int64_t own) {
    return tensor ? tensor : manifest ? manifest : own;
  };
  const int64_t width = extent(shape->width, spec.resize.width, upright.image.width);
  const int64_t height = extent(shape->height, spec.resize.height, upright.image.height);

  ImageInput input;
  const DType dtype = port.type.dtype;
  const PackPlan plan{NormalizationOf(spec), QuantizationOf(spec, port),
                      shape->is_channels_first ? media::PixelLayout::kChw : media::PixelLayout::kHwc};
  // TensorFlow's resize keeps fractions of levels; byte images would lose them.
  const bool keeps_fractions = IsFloat(dtype) && spec.resize.mode == ResizeMode::kStretch &&
                               spec.resize.style == ResizeStyle::kPlain &&
                               spec.resize.filter != ResizeFilter::kNearest;
  ImageF32 reals;
  if (keeps_fractions) {
    SLIPWAY_ASSIGN_OR_RETURN(reals, media::ResizeToF32(upright.image, static_cast<int>(width),
                                                       static_cast<int>(height), OptionsOf(spec.resize)));
    input.placed.photo_width = photo_width;
    input.placed.photo_height = photo_height;
    input.placed.to_input =
        upright.to_input.Then(media::Affine::Scale(static_cast<double>(width) / upright.image.width,
                                                   static_cast<double>(height) / upright.image.height));
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(input.placed, Place(std::move(upright), spec.resize, static_cast<int>(width),
                                                 static_cast<int>(height)));
  }
  const Image bytes = std::exchange(input.placed.image, Image());
  input.width = keeps_fractions ? reals.width : bytes.width;
  input.height = keeps_fractions ? reals.height : bytes.height;
  const int64_t channels = keeps_fractions ? reals.channels : bytes.channels;
  Dims dims = shape->is_channels_first ? Dims{channels, input.height, input.width}
                                       : Dims{input.height, input.width, channels};
  if (shape->has_batch) dims.insert(dims.begin(), 1);
  input.tensor = BriefTensor(dtype == DType::kNone ? DType::kF32 : dtype, std::move(dims));
  if (keeps_fractions) {
    SLIPWAY_RETURN_IF_ERROR(PackReals(reals, plan, input.tensor));
  } else if (TakesBytes(spec, input.tensor.dtype())) {
    media::PackU8(bytes, plan.layout, input.tensor.values<uint8_t>());
  } else {
    SLIPWAY_RETURN_IF_ERROR(PackReals(bytes, plan, input.tensor));
  }
  return input;
}

}  // namespace slipway::tasks
