// The layers of FlowNet and FlowNet 2 (optical flow, disparity): correlation, warping, resampling, means.
//
// Source: the fork of Caffe that came with Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation
// with Deep Networks" (2017). Left out: layers that read and write files, and those that only training needs.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "formats/caffe/layers.h"

namespace slipway::caffe {
namespace {

// On an axis: far beyond any photo. Bounds what descriptions of a few bytes make the importer allocate.
constexpr int64_t kMaxPlaces = 65536;

Status CheckImage(LayerContext& context, size_t i) {
  if (context.rank(context.in(i)) == 4) return Status::Ok();
  return context.Error("inputs must be [N,C,H,W], one is " + ToString(context.shape(context.in(i))));
}

enum class Displaced { kBothAxes, kColumns };

Status ImportCorrelation(LayerContext& context, Displaced displaced) {
  const Params params = context.params("correlation_param");
  const int64_t pad = params.Int("pad", 0), reach = params.Int("max_displacement", 0);
  const size_t mode = params.Enum("correlation_type", {"MULTIPLY", "SUBTRACT"}, 0);
  const Attrs attrs = {
      {"kernel_size", params.Int("kernel_size", 0)},
      {"max_displacement", displaced == Displaced::kColumns ? Ints{0, reach} : Ints{reach, reach}},
      {"pads", displaced == Displaced::kColumns ? Ints{0, pad} : Ints{pad, pad}},
      {"stride", params.Int("stride_1", 1)},
      {"displacement_stride", params.Int("stride_2", 1)},
      {"mode", std::string(mode == 0 ? "multiply" : "subtract")}};
  const int64_t direction = params.Int("single_direction", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (!params.Has("kernel_size") || !params.Has("max_displacement"))
    return context.Error("kernel_size and max_displacement are needed");
  if (direction != 0) return context.Unsupported("single_direction is not read; it must be 0");
  return context.Emit("Correlation", {context.in(0), context.in(1)}, attrs);
}

Status Correlation(LayerContext& context) { return ImportCorrelation(context, Displaced::kBothAxes); }
Status Correlation1D(LayerContext& context) { return ImportCorrelation(context, Displaced::kColumns); }

Status FlowWarp(LayerContext& context) {
  const size_t fill = context.params("flow_warp_param").Enum("fill_value", {"", "ZERO", "NOT_A_NUMBER"}, 1);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  return context.Emit("FlowWarp", {context.in(0), context.in(1)},
                      {{"fill", std::string(fill == 2 ? "nan" : "zero")}});
}

// Length of every pixel's vector.
Status ChannelNorm(LayerContext& context) {
  return context.Emit("ReduceL2", {context.in(), context.builder().Ints({1})}, {{"keepdims", int64_t{1}}});
}

// min(x, 0) + slope * max(x, 0)
Status NegRelu(LayerContext& context) {
  const float slope = context.params("relu_param").Float("negative_slope", 0);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const ValueId zero = context.Number(0);
  if (slope == 0) return context.Emit("Min", {context.in(), zero});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId low, context.Add("Min", {context.in(), zero}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId high, context.Add("Max", {context.in(), zero}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Affine(high, slope, 0));
  return context.Emit("Add", {low, scaled});
}

// output_scale * (input_scale * x +- mean_scale * mean), one mean a channel, repeated where there are fewer.
Status Mean(LayerContext& context) {
  const Params params = context.params("mean_param");
  const std::vector<float> means = params.Floats("value");
  const size_t operation = params.Enum("operation", {"", "ADD", "", "", "SUBTRACT"}, 0);
  const float outer = params.Float("output_scale", 1), inner = params.Float("input_scale", 1);
  const float factor = params.Float("mean_scale", 1) * (operation == 4 ? -1.0F : 1.0F);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (params.Has("file"))
    return context.Unsupported("a mean from a file is not read", "give it as value: ...");
  if (operation != 1 && operation != 4) return context.Error("operation must be ADD or SUBTRACT");
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    SLIPWAY_RETURN_IF_ERROR(CheckImage(context, i));
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(i, 1));
    const auto count = static_cast<int64_t>(means.size());
    if (count == 0 || channels % count != 0)
      return context.Error("has " + std::to_string(count) + " values for " + std::to_string(channels) +
                           " channels");
    if (channels > kMaxPlaces) return context.Error("has " + std::to_string(channels) + " channels");
    Tensor shift(DType::kF32, {1, channels, 1, 1});
    for (int64_t c = 0; c < channels; ++c)
      shift.as<float>()[c] = outer * factor * means[static_cast<size_t>(c % count)];
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId scaled, context.Affine(context.in(i), outer * inner, 0));
    SLIPWAY_RETURN_IF_ERROR(context.Emit("Add", {scaled, context.Const(std::move(shift))}));
  }
  return Status::Ok();
}

// --- Data augmentation: of it the test phase keeps a crop and the subtraction of a mean ---

// Two neighbours of every place on an axis, and the second's weight.
struct Places {
  Ints low, high;
  std::vector<float> weights;
  bool AreWhole() const {
    return std::all_of(weights.begin(), weights.end(), [](float weight) { return weight == 0; });
  }
};

// A crop around the middle. Where the extents' difference is odd, it lies between pixels; the very last place
// is held 0.05 before the last pixel's centre, as the layer does.
Places CropOf(int64_t extent, int64_t wanted) {
  Places places;
  const float shift = -0.5F * static_cast<float>(wanted) + 0.5F * static_cast<float>(extent);
  for (int64_t i = 0; i < wanted; ++i) {
    const float last = std::max(static_cast<float>(extent) - 1.05F, 0.0F);
    const float at = std::clamp(static_cast<float>(i) + shift, 0.0F, last);
    const auto low = static_cast<int64_t>(std::floor(at));
    places.low.push_back(low);
    places.high.push_back(std::min(low + 1, extent - 1));
    places.weights.push_back(at - static_cast<float>(low));
  }
  return places;
}

Result<ValueId> TakePlaces(LayerContext& context, ValueId x, int64_t axis, const Places& places) {
  const Attrs attrs = {{"axis", axis}};
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId low,
                           context.Add("Gather", {x, context.builder().Ints(places.low)}, attrs));
  if (places.AreWhole()) return low;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId high,
                           context.Add("Gather", {x, context.builder().Ints(places.high)}, attrs));
  Dims dims(static_cast<size_t>(4 - axis), 1);
  dims[0] = static_cast<int64_t>(places.weights.size());
  Tensor near(DType::kF32, dims), far(DType::kF32, dims);
  for (size_t i = 0; i < places.weights.size(); ++i) {
    near.as<float>()[i] = 1 - places.weights[i];
    far.as<float>()[i] = places.weights[i];
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId first, context.Add("Mul", {low, context.Const(std::move(near))}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId second, context.Add("Mul", {high, context.Const(std::move(far))}));
  return context.Add("Add", {first, second});
}

Result<ValueId> Cropped(LayerContext& context, const Params& params) {
  ValueId x = context.in();
  if (!params.Has("crop_width") || !params.Has("crop_height")) return x;
  const Ints wanted = {params.Int("crop_height", 0), params.Int("crop_width", 0)};
  SLIPWAY_RETURN_IF_ERROR(context.error());
  for (size_t i = 0; i < 2; ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(0, axis));
    if (wanted[i] < 1 || wanted[i] > std::min(extent, kMaxPlaces))
      return context.Error(std::string(i == 0 ? "crop_height " : "crop_width ") + std::to_string(wanted[i]) +
                           " must lie between 1 and the input's " + std::to_string(extent));
    SLIPWAY_ASSIGN_OR_RETURN(x, TakePlaces(context, x, axis, CropOf(extent, wanted[i])));
  }
  return x;
}

// The mean that training gathered over `recompute_mean` photos, once it is complete. A net that has not seen
// more photos than those takes the mean of the photos at hand, as its first run did.
Result<ValueId> GatheredMean(LayerContext& context, ValueId x, int64_t photos, bool is_per_pixel) {
  GraphBuilder& builder = context.builder();
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(0, 1));
  float seen = 0;
  if (context.num_blobs() > 0) {
    SLIPWAY_ASSIGN_OR_RETURN(const Tensor count, context.Blob(0, {1}));
    seen = *count.as<float>();
  }
  if (!(seen > static_cast<float>(photos)))
    return context.Add("ReduceMean", {x, builder.Ints(is_per_pixel ? Ints{0} : Ints{0, 2, 3})},
                       {{"keepdims", int64_t{1}}});
  if (!is_per_pixel) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor mean, context.Blob(2, {1, channels, 1, 1}));
    return context.Const(std::move(mean));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor stored, context.Blob(1));
  const DimList& shape = context.shape(x);
  const bool fits = AllKnown(shape) && stored.rank() == 4 && stored.dim(1) == channels &&
                    stored.dim(2) == shape[2].value() && stored.dim(3) == shape[3].value();
  if (fits) return context.Const(stored);
  // Of another size every pixel takes its channel's mean.
  SLIPWAY_ASSIGN_OR_RETURN(Tensor mean, context.Blob(2, {1, channels, 1, 1}));
  if (stored.count() == 0 || stored.count() % channels != 0) return context.Error("blob 1 is no mean image");
  const int64_t area = stored.count() / channels;
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (int64_t i = 0; i < area; ++i) sum += static_cast<double>(stored.as<float>()[c * area + i]);
    mean.as<float>()[c] = static_cast<float>(sum / static_cast<double>(area));
  }
  return context.Const(std::move(mean));
}

Status DataAugmentation(LayerContext& context) {
  const Params params = context.params("augmentation_param");
  SLIPWAY_RETURN_IF_ERROR(CheckImage(context, 0));
  if (context.num_inputs() > 1 || context.layer().tops.size() > 1)
    return context.Unsupported("coefficients from or for other layers are not read",
                               "export the net's deploy.prototxt, with one bottom and one top");
  const Message* message = context.layer().message.Child("augmentation_param");
  const bool is_random = message && std::any_of(message->fields.begin(), message->fields.end(),
                                                [](const Field& field) { return field.is_message; });
  if (is_random && params.Has("crop_width") && params.Bool("augment_during_test", false))
    return context.Unsupported("draws at random", "set augment_during_test: false");
  const int64_t photos = params.Int("recompute_mean", 0);
  const bool is_per_pixel = params.Bool("mean_per_pixel", true);
  const std::vector<float> means = params.Floats("mean");
  SLIPWAY_RETURN_IF_ERROR(context.error());
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId x, Cropped(context, params));
  if (photos > 0) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId mean, GatheredMean(context, x, photos, is_per_pixel));
    return context.Emit("Sub", {x, mean});
  }
  if (means.size() == 3 && !is_per_pixel)
    return context.Emit("Sub", {x, context.Const(Tensor::From<float>(DType::kF32, {1, 3, 1, 1}, means))});
  context.Emit(x);
  return Status::Ok();
}

// --- Resampling ---

Result<ValueId> ResizeTo(LayerContext& context, ValueId x, const Ints& sizes, Attrs attrs) {
  for (int64_t size : sizes) {
    if (size < 1 || size > INT32_MAX)
      return context.Error("the output would be " + ToString(std::span<const int64_t>(sizes)));
  }
  attrs.Set("axes", Ints{2, 3});
  return context.Add("Resize", {x, kNoValue, kNoValue, context.builder().Ints(sizes)}, std::move(attrs));
}

// All inputs, brought to one size by bilinear interpolation whose corners meet, one behind the other.
Status Accum(LayerContext& context) {
  const Params params = context.params("accum_param");
  const bool has_reference = params.Bool("have_reference", false);
  const int64_t divisor = params.Int("size_divisible_by", 0);
  Ints sizes = {params.Int("top_height", 0), params.Int("top_width", 0)};
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const size_t count = context.num_inputs() - (has_reference ? 1 : 0);
  if (count == 0) return context.Error("has no input beside the reference");
  Ints largest(2, 0);
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    SLIPWAY_RETURN_IF_ERROR(CheckImage(context, i));
    for (size_t axis = 0; axis < 2; ++axis) {
      SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(i, static_cast<int64_t>(axis) + 2));
      largest[axis] = has_reference ? extent : std::max(largest[axis], extent);
    }
  }
  if (divisor > 0) {
    for (size_t axis = 0; axis < 2; ++axis) sizes[axis] = (largest[axis] + divisor - 1) / divisor * divisor;
  }
  const bool is_larger = !has_reference && sizes[0] > largest[0] && sizes[1] > largest[1];
  if (!is_larger) sizes = largest;
  std::vector<ValueId> parts;
  for (size_t i = 0; i < count; ++i) {
    const DimList& shape = context.shape(context.in(i));
    ValueId part = context.in(i);
    if (shape[2].value() != sizes[0] || shape[3].value() != sizes[1]) {
      SLIPWAY_ASSIGN_OR_RETURN(part,
                               ResizeTo(context, part, sizes,
                                        {{"mode", std::string("linear")},
                                         {"coordinate_transformation_mode", std::string("align_corners")}}));
    }
    parts.push_back(part);
  }
  return context.Emit("Concat", std::move(parts), {{"axis", int64_t{1}}});
}

// The layer's filters. Both axes' places take half of the OTHER axis' step along, as the layer does.
struct Filter {
  bool is_cubic = false, is_wide = false;  // wide: stretched with the step, against aliasing

  float At(float x) const {
    x = std::fabs(x);
    if (!is_cubic) return std::max(1 - x, 0.0F);
    if (x <= 1) return x * x * (1.5F * x - 2.5F) + 1;
    return x < 2 ? x * (x * (-0.5F * x + 2.5F) - 4) + 2 : 0;
  }

  // [wanted,extent]: what every place takes from every pixel. A place that nothing reaches is 0.
  Tensor Matrix(int64_t extent, int64_t wanted, float step, float other_step) const {
    Tensor matrix(DType::kF32, {wanted, extent});
    std::fill_n(matrix.as<float>(), matrix.count(), 0.0F);
    const float squeeze = 1 / (is_wide ? step : 1);
    const auto reach = step < 1 ? int64_t{2} : static_cast<int64_t>(std::ceil((is_cubic ? 4 : 2) / squeeze));
    for (int64_t i = 0; i < wanted; ++i) {
      float* row = matrix.as<float>() + i * extent;
      const float at = static_cast<float>(i) * step + other_step / 2 - 0.5F;
      const auto middle = static_cast<int64_t>(std::round(at));
      float sum = 0;
      for (int64_t k = std::max<int64_t>(middle - reach, 0); k <= std::min(middle + reach, extent - 1); ++k) {
        row[k] = squeeze * At(squeeze * (at - static_cast<float>(k)));
        sum += row[k];
      }
      for (int64_t k = 0; sum != 0 && k < extent; ++k) row[k] /= sum;
    }
    return matrix;
  }
};

// The pixel nearest to every place.
Places NearestOf(int64_t extent, int64_t wanted, float step, float other_step) {
  Places places;
  for (int64_t i = 0; i < wanted; ++i) {
    const float at = static_cast<float>(i) * step + other_step / 2 - 0.5F;
    places.low.push_back(std::clamp<int64_t>(static_cast<int64_t>(std::round(at)), 0, extent - 1));
    places.weights.push_back(0);
  }
  return places;
}

// Extents of the output: the second input's, given ones, or multiples by a factor (the first FlowNet's).
Result<Ints> ResampledSizes(LayerContext& context, const Params& params) {
  Ints sizes = {params.Int("height", 0), params.Int("width", 0)};
  const auto factor = static_cast<double>(params.Float("factor", 1));
  SLIPWAY_RETURN_IF_ERROR(context.error());
  for (size_t i = 0; i < 2; ++i) {
    const size_t from = context.num_inputs() - 1;
    SLIPWAY_RETURN_IF_ERROR(CheckImage(context, from));
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(from, static_cast<int64_t>(i) + 2));
    const double multiple = static_cast<double>(extent) * factor;
    if (from == 1) {
      sizes[i] = extent;
    } else if (sizes[i] == 0 && multiple >= 1 && multiple < 1e9) {
      sizes[i] = static_cast<int64_t>(multiple);
    }
  }
  return sizes;
}

constexpr int64_t kMaxMatrix = int64_t{1} << 24;  // elements: 4096 pixels a side to 4096

Status Resample(LayerContext& context) {
  const Params params = context.params("resample_param");
  const size_t type = params.Enum("type", {"", "NEAREST", "LINEAR", "CUBIC", "AREA"}, 2);
  const bool may_be_wide = params.Bool("antialias", true);
  SLIPWAY_RETURN_IF_ERROR(CheckImage(context, 0));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints sizes, ResampledSizes(context, params));
  if (type < 1 || type > 3) return context.Unsupported("only the types NEAREST, LINEAR and CUBIC are read");
  float steps[2];
  Ints extents(2);
  for (size_t i = 0; i < 2; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(extents[i], context.Extent(0, static_cast<int64_t>(i) + 2));
    if (sizes[i] < 1 || sizes[i] > kMaxPlaces || extents[i] < 1 || sizes[i] > kMaxMatrix / extents[i])
      return context.Error("extents " + ToString(std::span<const int64_t>(extents)) + " would become " +
                           ToString(std::span<const int64_t>(sizes)));
    steps[i] = static_cast<float>(extents[i]) / static_cast<float>(sizes[i]);
  }
  ValueId x = context.in();
  if (sizes == extents) {
    context.Emit(x);
    return Status::Ok();
  }
  if (type == 1) {
    for (size_t i = 0; i < 2; ++i) {
      const Places places = NearestOf(extents[i], sizes[i], steps[i], steps[1 - i]);
      SLIPWAY_ASSIGN_OR_RETURN(x, TakePlaces(context, x, static_cast<int64_t>(i) + 2, places));
    }
    context.Emit(x);
    return Status::Ok();
  }
  if (type == 2 && steps[0] == steps[1] && steps[0] <= 1) {  // what Resize does, too
    SLIPWAY_ASSIGN_OR_RETURN(x, ResizeTo(context, x, sizes, {{"mode", std::string("linear")}}));
    context.Emit(x);
    return Status::Ok();
  }
  const Filter filter{type == 3, may_be_wide && (steps[0] > 1 || steps[1] > 1)};
  Tensor down = filter.Matrix(extents[0], sizes[0], steps[0], steps[1]);
  const Tensor across = filter.Matrix(extents[1], sizes[1], steps[1], steps[0]);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId turned,
                           context.Add("Transpose", {context.Const(across)}, {{"perm", Ints{1, 0}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId wide, context.Add("MatMul", {x, turned}));
  return context.Emit("MatMul", {context.Const(std::move(down)), wide});
}

constexpr std::array kLayers = {
    LayerDef{"Accum", Accum, 1, 1024},
    LayerDef{"ChannelNorm", ChannelNorm},
    LayerDef{"Correlation", Correlation, 2, 2},
    LayerDef{"Correlation1D", Correlation1D, 2, 2},
    LayerDef{"DataAugmentation", DataAugmentation, 1, 2},
    LayerDef{"FlowWarp", FlowWarp, 2, 2},
    LayerDef{"Mean", Mean, 1, 1024},
    LayerDef{"NegReLU", NegRelu},
    LayerDef{"Resample", Resample, 1, 2},
};

}  // namespace

std::span<const LayerDef> FlowLayers() { return kLayers; }

}  // namespace slipway::caffe
