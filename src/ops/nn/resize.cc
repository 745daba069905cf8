// Resampling of any axes: nearest, linear or cubic, with every coordinate convention of ONNX, and TFLite's
// arithmetic.
#include "ops/nn/resize.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/scalar.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

// The axes that roi, scales and sizes speak of.
Result<std::vector<size_t>> AxesOf(const InferContext& context, int rank) {
  std::vector<size_t> axes;
  for (int64_t axis : context.attrs().IntList("axes")) {
    SLIPWAY_ASSIGN_OR_RETURN(const int normal, NormalizeAxis(context, axis, rank));
    axes.push_back(static_cast<size_t>(normal));
  }
  if (!axes.empty()) return axes;
  axes.resize(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), size_t{0});
  return axes;
}

std::vector<size_t> AxesOf(const Attrs& attrs, int rank) {
  std::vector<size_t> axes;
  for (int64_t axis : attrs.IntList("axes"))
    axes.push_back(static_cast<size_t>(axis < 0 ? axis + rank : axis));
  if (!axes.empty()) return axes;
  axes.resize(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), size_t{0});
  return axes;
}

int64_t ScaledExtent(int64_t extent, double scale) {
  return static_cast<int64_t>(std::floor(static_cast<float>(extent) * static_cast<float>(scale)));
}

// The one scale of keep_aspect_ratio_policy; 0 for "stretch".
double CommonScale(const Attrs& attrs, const Ints& sizes, const Dims& in, const std::vector<size_t>& axes) {
  const std::string& policy = attrs.String("keep_aspect_ratio_policy");
  if (policy.empty() || policy == "stretch") return 0;
  double scale = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const double own = static_cast<double>(sizes[i]) / static_cast<double>(in[axes[i]]);
    const bool is_better = i == 0 || (policy == "not_larger" ? own < scale : own > scale);
    if (is_better) scale = own;
  }
  return scale;
}

int64_t RoundHalfUp(double value) { return static_cast<int64_t>(std::floor(value + 0.5)); }

Result<DimList> ShapeFromSizes(const InferContext& context, const DimList& x,
                               const std::vector<size_t>& axes) {
  DimList shape = x;
  const auto sizes = context.content(3);
  if (!sizes) {
    for (size_t axis : axes) shape[axis] = Dim();
    return shape;
  }
  if (sizes->size() != axes.size()) {
    return context.Error("sizes has " + std::to_string(sizes->size()) + " entries for " +
                         std::to_string(axes.size()) + " axes");
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    const Dim& size = (*sizes)[i];
    if (size.IsKnown() && size.value() < 0) return context.Error("sizes holds " + size.ToString());
    shape[axes[i]] = size;
  }
  const std::string& policy = context.attrs().String("keep_aspect_ratio_policy");
  if (policy == "stretch") return shape;
  const bool is_known = AllKnown(*sizes) && std::all_of(axes.begin(), axes.end(), [&](size_t axis) {
                          return x[axis].IsKnown() && x[axis].value() > 0;
                        });
  Dims in(x.size(), 1);
  for (size_t axis : axes) in[axis] = is_known ? x[axis].value() : 1;
  const double scale = is_known ? CommonScale(context.attrs(), KnownDims(*sizes), in, axes) : 0;
  for (size_t axis : axes) {
    shape[axis] = is_known ? Dim(RoundHalfUp(scale * static_cast<double>(in[axis]))) : Dim();
  }
  return shape;
}

Result<DimList> ShapeFromScales(const InferContext& context, const DimList& x,
                                const std::vector<size_t>& axes) {
  DimList shape = x;
  const Tensor* scales = context.constant(2);
  if (scales != nullptr && scales->count() != static_cast<int64_t>(axes.size())) {
    return context.Error("scales has " + std::to_string(scales->count()) + " entries for " +
                         std::to_string(axes.size()) + " axes");
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = shape[axes[i]];
    if (scales == nullptr) {
      dim = Dim();
      continue;
    }
    const double scale = LoadReal(scales->dtype(), scales->data(), static_cast<int64_t>(i));
    if (!(scale > 0) || scale > 1e9)
      return context.Error("a scale is " + std::to_string(scale) + "; it must be positive");
    const double rounded = std::round(scale);
    if (dim.IsKnown()) {
      dim = Dim(ScaledExtent(dim.value(), scale));
    } else {
      dim = rounded == scale ? dim * Dim(static_cast<int64_t>(rounded)) : Dim();
    }
  }
  return shape;
}

bool IsGiven(const InferContext& context, size_t i) {
  if (!context.HasInput(i)) return false;
  // ONNX 11 leaves scales in as an empty tensor when sizes count.
  const auto& shape = context.shape(i);
  return !(shape && shape->size() == 1 && (*shape)[0].IsKnown() && (*shape)[0].value() == 0);
}

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(0);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (!context.shape(0)) return Status::Ok();
  const DimList& x = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<size_t> axes, AxesOf(context, static_cast<int>(x.size())));
  if (IsGiven(context, 3)) {
    SLIPWAY_ASSIGN_OR_RETURN(DimList shape, ShapeFromSizes(context, x, axes));
    context.SetOutput(0, dtype, std::move(shape));
    return Status::Ok();
  }
  if (!IsGiven(context, 2)) return context.Error("neither scales nor sizes is given");
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, ShapeFromScales(context, x, axes));
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

// Geometry of every axis at run time.
std::vector<ResizeAxis> ReadAxes(const RunContext& context) {
  const Dims& in = context.in(0).dims();
  const Dims& out = context.out(0).dims();
  std::vector<ResizeAxis> geometry(in.size());
  for (size_t i = 0; i < in.size(); ++i) geometry[i] = {in[i], out[i]};
  const std::vector<size_t> axes = AxesOf(context.attrs(), static_cast<int>(in.size()));
  const bool has_sizes = context.HasInput(3) && context.in(3).count() > 0;
  const std::vector<double> values = Reals(has_sizes ? context.in(3) : context.in(2));
  const bool has_roi = context.HasInput(1) && context.in(1).count() == static_cast<int64_t>(2 * axes.size());
  const std::vector<double> roi = has_roi ? Reals(context.in(1)) : std::vector<double>();
  const double common =
      has_sizes ? CommonScale(context.attrs(), Ints(values.begin(), values.end()), in, axes) : 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& axis = geometry[axes[i]];
    axis.scale = !has_sizes ? values[i] : common != 0 ? common : values[i] / static_cast<double>(axis.in);
    if (has_roi) {
      axis.roi_begin = roi[i];
      axis.roi_end = roi[axes.size() + i];
    }
  }
  return geometry;
}

bool IsUntouched(const Attrs& attrs, const ResizeAxis& axis) {
  return axis.in == axis.out && axis.scale == 1 &&
         attrs.String("coordinate_transformation_mode") != "tf_crop_and_resize";
}

// One pass along `axis`: from [outer,in,inner] to [outer,out,inner].
std::vector<double> ResampleAxis(const std::vector<double>& from, int64_t outer, int64_t in, int64_t inner,
                                 const std::vector<ResizeTaps>& taps, double outside) {
  const auto out = static_cast<int64_t>(taps.size());
  std::vector<double> to(static_cast<size_t>(outer * out * inner));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t p = 0; p < out; ++p) {
      const ResizeTaps& tap = taps[static_cast<size_t>(p)];
      for (int64_t i = 0; i < inner; ++i) {
        double sum = tap.is_outside ? outside : 0;
        for (size_t k = 0; !tap.is_outside && k < tap.index.size(); ++k) {
          if (tap.weight[k] == 0) continue;  // 0 times infinity must not spoil the sum
          sum += tap.weight[k] * from[static_cast<size_t>((o * in + tap.index[k]) * inner + i)];
        }
        to[static_cast<size_t>((o * out + p) * inner + i)] = sum;
      }
    }
  }
  return to;
}

// As Pillow keeps them for bytes: 22 bits behind the point. Decides where a sum lies between two integers.
void QuantizeWeights(std::vector<ResizeTaps>& taps) {
  constexpr double kOne = 1 << 22;
  for (ResizeTaps& tap : taps) {
    for (double& weight : tap.weight) weight = std::round(static_cast<float>(weight) * kOne) / kOne;
  }
}

// To the nearest integers that the dtype has.
void RoundAll(DType dtype, std::vector<double>& values) {
  const auto low = static_cast<double>(MinOfInteger(dtype));
  const auto high = static_cast<double>(MaxOfInteger(dtype));
  for (double& value : values) value = std::clamp(std::floor(value + 0.5), low, high);
}

bool IsTflite(const Attrs& attrs) { return attrs.String("arithmetic") == "tflite"; }

// True when the integer kernel did the work.
bool RunInteger(const RunContext& context, const std::vector<ResizeAxis>& geometry) {
  const Attrs& attrs = context.attrs();
  const Tensor& x = context.in(0);
  if (!IsTflite(attrs) || attrs.String("mode") != "linear" || !IsInteger(x.dtype())) return false;
  const std::vector<size_t> axes = AxesOf(attrs, x.rank());
  if (axes.size() != 2 || axes[1] != axes[0] + 1) return false;
  ResizePlane plane;
  plane.y = geometry[axes[0]];
  plane.x = geometry[axes[1]];
  for (size_t i = 0; i < axes[0]; ++i) plane.outer *= geometry[i].in;
  for (size_t i = axes[1] + 1; i < geometry.size(); ++i) plane.inner *= geometry[i].in;
  ResizeIntegerBilinear(attrs, plane, x, context.out(0));
  return true;
}

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (y.count() == 0) return Status::Ok();
  if (x.count() == 0) return context.Error("an empty input cannot be resized to " + Describe(y));
  const std::vector<ResizeAxis> geometry = ReadAxes(context);
  if (RunInteger(context, geometry)) return Status::Ok();
  std::vector<double> values = Reals(x);
  const auto outside = static_cast<double>(attrs.Float("extrapolation_value"));
  // Antialiased pixels are rounded, as in Pillow and onnxruntime, bytes after each pass, of which the one
  // along the width is the first; plain interpolation truncates, as ONNX's Cast does.
  const bool is_rounded = attrs.Int("antialias") != 0 && IsInteger(y.dtype());
  const bool is_by_pass = is_rounded && BitsOf(y.dtype()) == 8;
  Dims dims = x.dims();
  for (size_t i = 0; i < geometry.size(); ++i) {
    const size_t at = is_by_pass ? geometry.size() - 1 - i : i;
    const ResizeAxis& axis = geometry[at];
    if (IsUntouched(attrs, axis)) continue;
    auto taps = IsTflite(attrs) ? TfliteTaps(attrs, axis) : OnnxTaps(attrs, axis);
    if (is_by_pass) QuantizeWeights(taps);
    const std::span<const int64_t> extents(dims);
    values = ResampleAxis(values, CountOf(extents.first(at)), axis.in, CountOf(extents.subspan(at + 1)), taps,
                          outside);
    dims[at] = axis.out;
    if (is_by_pass) RoundAll(y.dtype(), values);
  }
  if (is_rounded) RoundAll(y.dtype(), values);
  for (int64_t i = 0; i < y.count(); ++i) StoreReal(y.dtype(), y.data(), i, values[static_cast<size_t>(i)]);
  return Status::Ok();
}

}  // namespace

OpDef MakeResize() {
  OpDef op;
  op.name = "Resize";
  op.group = "nn";
  op.summary = "Resamples chosen axes to given sizes or by given scales.";
  op.formula = "y[p] = sum_k w[k] * x[floor(f(p)) + k], f given by coordinate_transformation_mode";
  op.inputs = {
      {"x", kNumbers, "any rank"},
      {"roi", kFloats, "tf_crop_and_resize: begins, then ends, as parts of the input", Arity::kOptional},
      {"scales", kFloats, "output per input extent, one per axis", Arity::kOptional},
      {"sizes", kIndices, "output extents, one per axis; wins over scales", Arity::kOptional}};
  op.outputs = {{"y", kNumbers, "resampled"}};
  op.attrs = {
      StringAttr("mode", "nearest", {"nearest", "linear", "cubic"}, "how values between pixels are made"),
      StringAttr("coordinate_transformation_mode", "half_pixel",
                 {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                  "tf_half_pixel_for_nn", "tf_crop_and_resize"},
                 "where an output position lies in the input"),
      StringAttr("nearest_mode", "round_prefer_floor",
                 {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"},
                 "simple: ceil along axes that shrink, else floor (ONNX before opset 11)"),
      FloatAttr("cubic_coeff_a", -0.75F, "the cubic's coefficient a"),
      IntAttr("exclude_outside", 0, "1: pixels outside the image weigh nothing and the rest is renormalised"),
      FloatAttr("extrapolation_value", 0, "tf_crop_and_resize: value outside the image"),
      IntAttr("antialias", 0, "1: widen the filter of linear and cubic when shrinking"),
      IntsAttr("axes", {}, "axes that roi, scales and sizes speak of; empty: all"),
      StringAttr("keep_aspect_ratio_policy", "stretch", {"stretch", "not_larger", "not_smaller"},
                 "with sizes: one scale for all axes so that no extent is larger (smaller) than asked"),
      StringAttr(
          "arithmetic", "onnx", {"onnx", "tflite"},
          "tflite: coordinates in f32 from the ratio of extents, nearest_mode fixed by the coordinate mode "
          "(align_corners rounds, others floor), integers in fixed point as TFLite's reference")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const std::string& mode = context.attrs().String("mode");
    return context.CountOfOutput(0) * (mode == "nearest" ? 1 : mode == "linear" ? 8 : 32);
  };
  op.cases = ResizeCases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "Resize", 10, 10, ImportOnnxResize10},
                {Format::kOnnx, "Resize", 11, INT_MAX, ImportOnnxResize},
                {Format::kOnnx, "Upsample", 7, 8, ImportOnnxUpsample7},
                {Format::kOnnx, "Upsample", 9, INT_MAX, ImportOnnxResize10},
                {Format::kTflite, "RESIZE_BILINEAR", 1, INT_MAX, ImportBilinear},
                {Format::kTflite, "RESIZE_NEAREST_NEIGHBOR", 1, INT_MAX, ImportNearest},
                {Format::kTensorflow, "ResizeBilinear", 1, INT_MAX, ImportBilinear},
                {Format::kTensorflow, "ResizeNearestNeighbor", 1, INT_MAX, ImportNearest}};
  return op;
}

}  // namespace slipway
