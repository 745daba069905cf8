// Cuts boxes from images and brings each to one size (TensorFlow's tf.image.crop_and_resize).
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& boxes = context.shape(1);
  const auto size = context.content(3);
  if (x && x->size() != 4) return context.Error("x must be [N,H,W,C], is " + ToString(*x));
  if (boxes && (boxes->size() != 2 || ((*boxes)[1].IsKnown() && (*boxes)[1].value() != 4))) {
    return context.Error("boxes must be [n,4], are " + ToString(*boxes));
  }
  if (size && size->size() != 2) return context.Error("crop_size must have 2 entries");
  for (const Dim& dim : size.value_or(Content())) {
    if (dim.IsKnown() && dim.value() < 1) return context.Error("crop_size must be 1 or more");
  }
  context.SetOutput(0, DType::kF32,
                    {boxes ? (*boxes)[0] : Dim(), size ? (*size)[0] : Dim(), size ? (*size)[1] : Dim(),
                     x ? (*x)[3] : Dim()});
  return Status::Ok();
}

// Where entry i of `n` between two normalised bounds lies on an axis of `extent` pixels.
float PlaceOf(float from, float to, int64_t i, int64_t n, int64_t extent) {
  const auto last = static_cast<float>(extent - 1);
  if (n == 1) return 0.5f * (from + to) * last;
  const float step = (to - from) * last / static_cast<float>(n - 1);
  return from * last + static_cast<float>(i) * step;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& boxes = context.in(1);
  const Tensor& images = context.in(2);
  const auto size = [&](int64_t i) { return LoadInt(context.in(3).dtype(), context.in(3).data(), i); };
  const int64_t height = size(0);
  const int64_t width = size(1);
  Tensor& y = context.AllocateOutput(0, {boxes.dim(0), height, width, x.dim(3)});
  const bool is_nearest = context.attrs().String("method") == "nearest";
  const float outside = context.attrs().Float("extrapolation_value");
  const int64_t channels = x.dim(3);
  const auto pixel = [&](int64_t n, int64_t row, int64_t column, int64_t c) {
    return static_cast<float>(
        LoadReal(x.dtype(), x.data(), ((n * x.dim(1) + row) * x.dim(2) + column) * channels + c));
  };
  for (int64_t i = 0; i < y.count(); ++i) {
    const int64_t c = i % channels;
    const int64_t column = i / channels % width;
    const int64_t row = i / channels / width % height;
    const int64_t box = i / channels / width / height;
    const int64_t n = LoadInt(images.dtype(), images.data(), box);
    if (n < 0 || n >= x.dim(0))
      return context.Error("box " + std::to_string(box) + " is of image " + std::to_string(n) + " of " +
                           std::to_string(x.dim(0)));
    const auto bound = [&](int64_t k) {
      return static_cast<float>(LoadReal(boxes.dtype(), boxes.data(), box * 4 + k));
    };
    const float in_y = PlaceOf(bound(0), bound(2), row, height, x.dim(1));
    const float in_x = PlaceOf(bound(1), bound(3), column, width, x.dim(2));
    const bool is_inside = in_y >= 0 && in_y <= static_cast<float>(x.dim(1) - 1) && in_x >= 0 &&
                           in_x <= static_cast<float>(x.dim(2) - 1);
    float value = outside;
    if (is_inside && is_nearest) {
      value = pixel(n, static_cast<int64_t>(std::round(in_y)), static_cast<int64_t>(std::round(in_x)), c);
    } else if (is_inside) {
      const auto top = static_cast<int64_t>(std::floor(in_y));
      const auto bottom = static_cast<int64_t>(std::ceil(in_y));
      const auto left = static_cast<int64_t>(std::floor(in_x));
      const auto right = static_cast<int64_t>(std::ceil(in_x));
      const float dx = in_x - static_cast<float>(left);
      const float dy = in_y - static_cast<float>(top);
      const float upper = pixel(n, top, left, c) + (pixel(n, top, right, c) - pixel(n, top, left, c)) * dx;
      const float lower =
          pixel(n, bottom, left, c) + (pixel(n, bottom, right, c) - pixel(n, bottom, left, c)) * dx;
      value = upper + (lower - upper) * dy;
    }
    y.as<float>()[i] = value;
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeCropAndResize() {
  OpDef op;
  op.name = "CropAndResize";
  op.group = "vision";
  op.summary = "Cuts boxes from images and brings each to one size; the corners of box and crop meet.";
  op.inputs = {
      {"x", kNumbers, "[N,H,W,C]"},
      {"boxes", kFloats, "[n,4]: y1, x1, y2, x2, 1 being the last pixel; may be flipped or reach outside"},
      {"box_indices", kIndices, "[n], which image"},
      {"crop_size", kIndices, "[2]: height, width"}};
  op.outputs = {{"y", {DType::kF32}, "[n,height,width,C]"}};
  op.attrs = {StringAttr("method", "bilinear", {"bilinear", "nearest"}, "interpolation"),
              FloatAttr("extrapolation_value", 0, "outside the image")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kTensorflow, "CropAndResize"}};
  return op;
}

}  // namespace slipway
