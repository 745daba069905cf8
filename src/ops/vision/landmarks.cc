// MediaPipe's geometry inside a model: the matrix that fits a crop around landmarks, landmarks and images
// moved by a matrix.
//
// Source: MediaPipe's custom TFLite operators Landmarks2TransformMatrix, TransformLandmarks, TransformTensor
// and TransformTensorBilinear, versions 1 and 2. Matrices are [1,4,4] and act on (x, y, 0, 1); only the first
// two rows are read.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

// x' = row 0 of (x, y, 1), y' = row 1.
using Affine = std::array<std::array<double, 3>, 2>;

Affine operator*(const Affine& a, const Affine& b) {
  Affine product;
  for (size_t r = 0; r < 2; ++r) {
    for (size_t c = 0; c < 3; ++c)
      product[r][c] = a[r][0] * b[0][c] + a[r][1] * b[1][c] + (c == 2 ? a[r][2] : 0);
  }
  return product;
}
Affine Rotation(double radians) {
  return {{{std::cos(radians), -std::sin(radians), 0}, {std::sin(radians), std::cos(radians), 0}}};
}
Affine ScaleAndShift(double sx, double sy, double x, double y) { return {{{sx, 0, x}, {0, sy, y}}}; }

struct Point {
  double x, y;
};
Point operator*(const Affine& a, Point p) {
  return {a[0][0] * p.x + a[0][1] * p.y + a[0][2], a[1][0] * p.x + a[1][1] * p.y + a[1][2]};
}

// ---- The matrix that fits a crop ----

Status InferMatrix(InferContext& context) {
  for (const char* name : {"output_hw", "input_hw"}) {
    const Ints& size = context.attrs().IntList(name);
    if (size.size() != 2 || size[0] < 1 || size[1] < 1)
      return context.Error(std::string(name) + " is " + ToString(size) + "; it must be [height,width]");
  }
  if (context.attrs().IntList("subset").empty())
    return context.Error("names no landmarks that the crop must hold");
  if (!(context.attrs().Float("landmarks_range") > 0))
    return context.Error("landmarks_range must be above 0");
  context.SetOutput(0, DType::kF32, {1, 4, 4});
  return Status::Ok();
}

class Landmarks {
 public:
  // Of 3 numbers each.
  static Result<Landmarks> Read(const RunContext& context) {
    Landmarks landmarks(context.in(0));
    const Attrs& attrs = context.attrs();
    Ints used = attrs.IntList("subset");
    used.push_back(attrs.Int("left_rotation_idx"));
    used.push_back(attrs.Int("right_rotation_idx"));
    for (int64_t index : used) {
      if (index < 0 || index >= landmarks.tensor_.count() / 3)
        return context.Error("landmark " + std::to_string(index) + " is outside " +
                             Describe(landmarks.tensor_));
    }
    return landmarks;
  }
  Point At(int64_t i) const {
    return {double{tensor_.as<float>()[3 * i]}, double{tensor_.as<float>()[3 * i + 1]}};
  }

 private:
  explicit Landmarks(const Tensor& tensor) : tensor_(tensor) {}
  Tensor tensor_;
};

// The smallest upright box around landmarks after a turn.
struct Box {
  double left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;

  static Box Around(const Landmarks& landmarks, const Ints& subset, double turn) {
    Box box;
    for (int64_t index : subset) {
      const Point p = Rotation(turn) * landmarks.At(index);
      box.left = std::min(box.left, p.x);
      box.top = std::min(box.top, p.y);
      box.right = std::max(box.right, p.x);
      box.bottom = std::max(box.bottom, p.y);
    }
    return box;
  }
  Point Middle() const { return {(left + right) / 2, (top + bottom) / 2}; }
  double Width() const { return right - left; }
  double Height() const { return bottom - top; }
};

// Version 1: coordinates of -1 to 1 across both pictures.
Affine MatrixOfFirst(const Landmarks& landmarks, const Attrs& attrs) {
  const Point left = landmarks.At(attrs.Int("left_rotation_idx"));
  const Point right = landmarks.At(attrs.Int("right_rotation_idx"));
  const double turn = -std::atan((right.y - left.y) / (right.x - left.x));
  const Box box = Box::Around(landmarks, attrs.IntList("subset"), turn);
  const double range = attrs.Float("landmarks_range");
  const double wider = attrs.Float("scale_x") / range;
  const Point middle = Rotation(-turn) * box.Middle();
  Affine turned = Rotation(-turn);
  turned[0][2] = middle.x / range * 2 - 1;
  turned[1][2] = middle.y / range * 2 - 1;
  const auto last = [&](const char* name, size_t axis) {
    return static_cast<double>(attrs.IntList(name)[axis] - 1);
  };
  const double in_x = last("input_hw", 1) / 2;
  const double in_y = last("input_hw", 0) / 2;
  return ScaleAndShift(in_x, in_y, in_x, in_y) * turned *
         ScaleAndShift(box.Width() * wider, box.Height() * wider, 0, 0) *
         ScaleAndShift(2 / last("output_hw", 1), 2 / last("output_hw", 0), -1, -1);
}

// Version 2: pixels.
Affine MatrixOfSecond(const Landmarks& landmarks, const Attrs& attrs) {
  const Point left = landmarks.At(attrs.Int("left_rotation_idx"));
  const Point right = landmarks.At(attrs.Int("right_rotation_idx"));
  const double turn =
      double{attrs.Float("target_rotation_radians")} - std::atan2(right.y - left.y, right.x - left.x);
  const Box box = Box::Around(landmarks, attrs.IntList("subset"), turn);
  const Point middle = Rotation(-turn) * box.Middle();
  const auto height = static_cast<double>(attrs.IntList("output_hw")[0]);
  const auto width = static_cast<double>(attrs.IntList("output_hw")[1]);
  return ScaleAndShift(1, 1, middle.x, middle.y) * Rotation(-turn) *
         ScaleAndShift(attrs.Float("scale_x") * box.Width() / width,
                       attrs.Float("scale_y") * box.Height() / height, 0, 0) *
         ScaleAndShift(1, 1, -width / 2, -height / 2);
}

Status RunMatrix(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Landmarks landmarks, Landmarks::Read(context));
  const bool is_first = context.attrs().Int("version") == 1;
  const Affine matrix =
      is_first ? MatrixOfFirst(landmarks, context.attrs()) : MatrixOfSecond(landmarks, context.attrs());
  float* y = context.out(0).as<float>();
  std::fill_n(y, 16, 0.0F);
  for (size_t r = 0; r < 2; ++r) {
    y[4 * r] = static_cast<float>(matrix[r][0]);
    y[4 * r + 1] = static_cast<float>(matrix[r][1]);
    y[4 * r + 3] = static_cast<float>(matrix[r][2]);
  }
  y[10] = 1;
  y[15] = 1;
  return Status::Ok();
}

// FlexBuffers hold whole numbers as integers.
float NumberOf(const Attrs& attrs, const char* name, float otherwise) {
  const Attr* given = attrs.Find(name);
  const auto* whole = given != nullptr ? std::get_if<int64_t>(given) : nullptr;
  return whole != nullptr ? static_cast<float>(*whole) : attrs.Float(name, otherwise);
}

Status ImportMatrix(ImportContext& context) {
  const Attrs& from = context.attrs();
  Attrs attrs = {{"left_rotation_idx", from.Int("left_rotation_idx")},
                 {"right_rotation_idx", from.Int("right_rotation_idx")},
                 {"version", std::min<int64_t>(context.version(), 2)}};
  if (context.version() == 1) {
    if (from.Int("dimensions") != 3) return context.Unsupported("landmarks must have 3 numbers each");
    attrs.Set("subset", from.IntList("subset"));
    attrs.Set("input_hw", from.IntList("input_hw"));
    attrs.Set("output_hw", from.IntList("output_hw"));
    attrs.Set("landmarks_range", NumberOf(from, "landmarks_range", 0));
    attrs.Set("scale_x", NumberOf(from, "bbox_size_multiplier", 1));
  } else {
    attrs.Set("subset", from.IntList("subset_idxs"));
    attrs.Set("output_hw", Ints{from.Int("output_height"), from.Int("output_width")});
    for (const char* name : {"target_rotation_radians", "scale_x", "scale_y"})
      attrs.Set(name, NumberOf(from, name, 1));
  }
  return context.Emit("LandmarksToMatrix", {context.in(0)}, std::move(attrs));
}

// ---- What the matrix moves ----

Status CheckMatrix(const InferContext& context, size_t input) {
  const auto& matrix = context.shape(input);
  Dim count = 1;
  if (matrix) {
    for (const Dim& dim : *matrix) count = count * dim;
  }
  if (matrix && count.IsKnown() && count.value() < 8)
    return context.Error("the matrix is " + ToString(*matrix) + "; it must be [1,4,4]");
  return Status::Ok();
}

Affine MatrixIn(const Tensor& tensor, double scale_of_shift) {
  const float* m = tensor.as<float>();
  return {{{double{m[0]}, double{m[1]}, m[3] * scale_of_shift},
           {double{m[4]}, double{m[5]}, m[7] * scale_of_shift}}};
}

Status InferLandmarks(InferContext& context) {
  const int64_t dimensions = context.attrs().Int("dimensions");
  if (dimensions != 2 && dimensions != 3)
    return context.Error("landmarks have " + std::to_string(dimensions) + " numbers each; 2 or 3 are known");
  const auto& x = context.shape(0);
  if (x && (x->empty() || (x->back().IsKnown() && x->back().value() % dimensions != 0)))
    return context.Error("the landmarks are " + ToString(*x) + ", of " + std::to_string(dimensions) +
                         " numbers each");
  SLIPWAY_RETURN_IF_ERROR(CheckMatrix(context, 1));
  return InferSameAsInput(context);
}

Status RunLandmarks(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (context.in(1).count() < 8) return context.Error("the matrix is " + Describe(context.in(1)));
  const auto dimensions = context.attrs().Int("dimensions");
  const Affine matrix = MatrixIn(context.in(1), context.attrs().Float("scale"));
  for (int64_t i = 0; i + dimensions <= x.count(); i += dimensions) {
    const float* from = x.as<float>() + i;
    float* to = y.as<float>() + i;
    const Point moved = matrix * Point{double{from[0]}, double{from[1]}};
    to[0] = static_cast<float>(moved.x);
    to[1] = static_cast<float>(moved.y);
    if (dimensions == 3) to[2] = from[2];
  }
  return Status::Ok();
}

Status ImportLandmarks(ImportContext& context) {
  return context.Emit("TransformLandmarks", {context.in(0), context.in(1)},
                      {{"dimensions", context.attrs().Int("dimensions", 3)},
                       {"scale", context.version() == 1 ? NumberOf(context.attrs(), "scale", 1) : 1.0F}});
}

Status InferImage(InferContext& context) {
  const Ints& size = context.attrs().IntList("output_size");
  if (size.size() != 2 || size[0] < 1 || size[1] < 1)
    return context.Error("output_size is " + ToString(size) + "; it must be [height,width]");
  const auto& x = context.shape(0);
  if (x && (x->size() != 4 || ((*x)[0].IsKnown() && (*x)[0].value() != 1)))
    return context.Error("x is " + ToString(*x) + "; it must be [1,H,W,C]");
  SLIPWAY_RETURN_IF_ERROR(CheckMatrix(context, 1));
  context.SetOutput(0, DType::kF32, {1, size[0], size[1], x ? (*x)[3] : Dim()});
  return Status::Ok();
}

Status RunImage(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (context.in(1).count() < 8) return context.Error("the matrix is " + Describe(context.in(1)));
  Affine matrix = MatrixIn(context.in(1), 1);
  if (context.attrs().Int("half_pixel_centers") != 0)
    matrix = ScaleAndShift(1, 1, -0.5, -0.5) * matrix * ScaleAndShift(1, 1, 0.5, 0.5);
  const int64_t height = x.dim(1);
  const int64_t width = x.dim(2);
  const int64_t channels = x.dim(3);
  const auto pixel = [&](int64_t row, int64_t column, int64_t c) {
    const bool is_inside = row < height && column < width;
    return is_inside ? double{x.as<float>()[(row * width + column) * channels + c]} : 0.0;
  };
  for (int64_t i = 0; i < y.dim(1) * y.dim(2); ++i) {
    const Point at = matrix * Point{static_cast<double>(i % y.dim(2)), static_cast<double>(i / y.dim(2))};
    const bool is_inside = at.x >= 0 && at.y >= 0 && at.x <= static_cast<double>(width - 1) &&
                           at.y <= static_cast<double>(height - 1);
    const auto row = is_inside ? static_cast<int64_t>(at.y) : 0;
    const auto column = is_inside ? static_cast<int64_t>(at.x) : 0;
    const double right = at.x - static_cast<double>(column);
    const double lower = at.y - static_cast<double>(row);
    for (int64_t c = 0; c < channels; ++c) {
      const double above = (1 - right) * pixel(row, column, c) + right * pixel(row, column + 1, c);
      const double below = (1 - right) * pixel(row + 1, column, c) + right * pixel(row + 1, column + 1, c);
      y.as<float>()[i * channels + c] =
          is_inside ? static_cast<float>((1 - lower) * above + lower * below) : 0;
    }
  }
  return Status::Ok();
}

// The size is an option, or stands in the result's declared shape.
Status ImportImage(ImportContext& context) {
  Ints size = context.attrs().IntList("output_size");
  const Type& declared = context.node().outputs[0].type;
  if (size.empty() && declared.IsStatic() && declared.rank() == 4)
    size = {(*declared.shape)[1].value(), (*declared.shape)[2].value()};
  if (size.size() != 2) return context.Unsupported("the result's size must be known");
  return context.Emit(
      "TransformImage", {context.in(0), context.in(1)},
      {{"output_size", size}, {"half_pixel_centers", int64_t{context.version() > 1 ? 1 : 0}}});
}

constexpr DTypeSet kReal = {DType::kF32};

}  // namespace

OpDef MakeLandmarksToMatrix() {
  OpDef op;
  op.name = "LandmarksToMatrix";
  op.group = "vision";
  op.summary = "The matrix from a crop's pixels to the picture's, for a turned crop around some landmarks.";
  op.inputs = {{"landmarks", kReal, "3 numbers each: x, y, z"}};
  op.outputs = {{"y", kReal, "[1,4,4]"}};
  op.attrs = {IntAttr("version", 2, "1: the picture's extent is landmarks_range; 2: landmarks are pixels"),
              Required(IntsAttr("subset", {}, "landmarks that the crop holds")),
              IntAttr("left_rotation_idx", 0, "the landmark that the crop's turn starts from"),
              IntAttr("right_rotation_idx", 0, "the landmark to its right"),
              FloatAttr("target_rotation_radians", 0, "version 2: of the two in the crop"),
              Required(IntsAttr("output_hw", {}, "[height,width] of the crop")),
              IntsAttr("input_hw", {1, 1}, "version 1: [height,width] of the picture"),
              FloatAttr("landmarks_range", 1, "version 1: coordinates go from 0 to this"),
              FloatAttr("scale_x", 1, "how much wider than the landmarks; version 1: and higher"),
              FloatAttr("scale_y", 1, "version 2: how much higher")};
  op.infer = InferMatrix;
  op.reference = RunMatrix;
  op.cases = [] {
    const Attrs attrs = {{"subset", Ints{0, 1, 2, 3}},
                         {"right_rotation_idx", int64_t{1}},
                         {"output_hw", Ints{8, 6}},
                         {"input_hw", Ints{20, 30}},
                         {"scale_x", 1.5F}};
    Attrs first = attrs;
    first.Set("version", int64_t{1});
    return std::vector<TestCase>{{"second", {{.dims = {1, 5, 3}, .low = 0, .high = 9}}, attrs},
                                 {"first", {{.dims = {1, 1, 1, 15}, .low = 0, .high = 1}}, first}};
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "Landmarks2TransformMatrix", 1, 2, ImportMatrix}};
  return op;
}

OpDef MakeTransformLandmarks() {
  OpDef op;
  op.name = "TransformLandmarks";
  op.group = "vision";
  op.summary = "Landmarks moved by a matrix; a third number stays.";
  op.inputs = {{"landmarks", kReal, "[...,dimensions each]"}, {"matrix", kReal, "[1,4,4]"}};
  op.outputs = {{"y", kReal, "the shape of the landmarks"}};
  op.attrs = {IntAttr("dimensions", 3, "numbers of a landmark: 2 or 3"),
              FloatAttr("scale", 1, "what the matrix' shift is multiplied by")};
  op.infer = InferLandmarks;
  op.reference = RunLandmarks;
  op.cases = [] { return std::vector<TestCase>{{"three", {{.dims = {1, 5, 3}}, {.dims = {1, 4, 4}}}, {}}}; };
  op.foreign = {{Format::kTflite, "TransformLandmarks", 1, 2, ImportLandmarks}};
  return op;
}

OpDef MakeTransformImage() {
  OpDef op;
  op.name = "TransformImage";
  op.group = "vision";
  op.summary = "A picture resampled along a matrix, bilinearly; 0 outside of it.";
  op.formula = "y[p] = x[matrix p]";
  op.inputs = {{"x", kReal, "[1,H,W,C]"}, {"matrix", kReal, "[1,4,4]: from y's pixels to x's"}};
  op.outputs = {{"y", kReal, "[1,output_size,C]"}};
  op.attrs = {Required(IntsAttr("output_size", {}, "[height,width]")),
              IntAttr("half_pixel_centers", 1, "1: pixels' middles are at halves; 0: at whole numbers")};
  op.infer = InferImage;
  op.reference = RunImage;
  op.cases = [] {
    return std::vector<TestCase>{
        {"turned",
         {{.dims = {1, 7, 9, 2}},
          {.dims = {1, 4, 4}, .values = {0.8, -0.3, 0, 1.5, 0.4, 0.7, 0, -0.5, 0, 0, 1, 0, 0, 0, 0, 1}}},
         {{"output_size", Ints{5, 6}}}}};
  };
  op.foreign = {{Format::kTflite, "TransformTensor", 1, 1, ImportImage},
                {Format::kTflite, "TransformTensorBilinear", 1, 2, ImportImage}};
  return op;
}

}  // namespace slipway
