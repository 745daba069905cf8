// Pictures and windows of TensorFlow that are several of our operators. Beside each: its formula.
#include "base/scalar.h"
#include "formats/tensorflow/parts.h"

namespace slipway::tensorflow {
namespace {

// (x - mean) * factor + mean, the mean over each picture's channel
void AdjustContrast(Parts& p) {
  const Attrs axes = {{"keepdims", int64_t{1}}};
  const ValueId mean = p.Add("ReduceMean", {p.In(0), p.Ints({-3, -2})}, axes);
  const ValueId scaled =
      p.Add("Mul", {p.Add("Sub", {p.In(0), mean}), p.Cast(p.In(1), p.TypeOf(p.In(0)).dtype)});
  p.Bind(0, p.Add("Add", {scaled, mean}));
}

// Window and strides as operands.
void MaxPoolV2(Parts& p) {
  Attrs attrs = {{"ksize", p.KnownInts(1)}, {"strides", p.KnownInts(2)}};
  for (const char* name : {"padding", "data_format"}) {
    if (const Attr* attr = p.node().attrs.Find(name)) attrs.Set(name, *attr);
  }
  if (p.ok()) p.Bind(0, p.Foreign("MaxPool", {p.In(0)}, std::move(attrs)));
}

// A convolution whose filter number (i, j, c) takes channel c of place (i, j) of the window.
void ExtractImagePatches(Parts& p) {
  constexpr int64_t kMaxFilter = int64_t{1} << 26;
  const Ints& window = p.node().attrs.IntList("ksizes");
  const Type type = p.TypeOf(p.In(0));
  if (!p.ok() || window.size() != 4 || !type.HasRank() || type.rank() != 4 || !type.shape->back().IsKnown() ||
      type.dtype != DType::kF32)
    return p.Refuse("takes f32[n,h,w,channels] with known channels");
  const int64_t channels = type.shape->back().value();
  const int64_t limit = 1 << 13;
  if (window[1] < 1 || window[2] < 1 || channels < 1 || window[1] > limit || window[2] > limit ||
      channels > limit)
    return p.Refuse("the window is too large");
  const int64_t depth = window[1] * window[2] * channels;
  if (depth > kMaxFilter / depth) return p.Refuse("the window is too large");
  Tensor filter(DType::kF32, {window[1], window[2], channels, depth});
  for (int64_t i = 0; i < depth; ++i) filter.as<float>()[i * depth + i] = 1;
  p.Bind(0, p.Foreign("Conv2D", {p.In(0), p.Constant(std::move(filter))},
                      {{"strides", p.node().attrs.IntList("strides")},
                       {"dilations", p.node().attrs.IntList("rates")},
                       {"padding", p.node().attrs.String("padding")}}));
}

// --- Resizing by a matrix for each axis ---

// y = (H x) W^T for each channel, H [height, h] and W [width, w] made by ResampleMatrix
void Resample(Parts& p, const Attrs& attrs, ValueId scale, ValueId translation) {
  ValueId x = p.In(0);
  if (p.TypeOf(x).dtype != DType::kF32) x = p.Cast(x, DType::kF32);
  const ValueId shape = p.Add("Shape", {x});
  const auto at = [&](ValueId numbers, int64_t i) {
    return p.Add("Gather", {numbers, p.Scalar(DType::kI64, static_cast<double>(i))}, {{"axis", int64_t{0}}});
  };
  const ValueId size = p.Cast(p.In(1), DType::kI64);
  const auto matrix = [&](int64_t axis) {
    std::vector<ValueId> inputs = {at(shape, axis + 1), at(size, axis)};
    if (scale != kNoValue) {
      inputs.push_back(at(scale, axis));
      inputs.push_back(at(translation, axis));
    }
    return p.Add("ResampleMatrix", std::move(inputs), attrs);
  };
  const auto part = [&](int64_t begin, int64_t end) {
    return p.Add("Slice", {shape, p.Ints({begin}), p.Ints({end}), p.Ints({0})});
  };
  const Attrs rows = {{"axis", int64_t{0}}};
  // [n, h, w c] -> [n, height, w c] -> [n, height, w, c] -> [n, height, width, c]
  const ValueId flat = p.Add("Reshape", {x, p.Add("Concat", {part(0, 2), p.Ints({-1})}, rows)});
  const ValueId tall = p.Add("MatMul", {matrix(0), flat});
  const ValueId extents = p.Add("Concat", {part(0, 1), p.Reshape(at(size, 0), {1}), part(2, 4)}, rows);
  p.Bind(0, p.Add("MatMul", {matrix(1), p.Add("Reshape", {tall, extents})}));
}

void ResizeArea(Parts& p) {
  const bool is_aligned = p.node().attrs.Int("align_corners") != 0;
  Resample(p, {{"kernel", std::string(is_aligned ? "area_aligned" : "area")}}, kNoValue, kNoValue);
}

void ResizeBicubic(Parts& p) {
  const bool is_centered = p.node().attrs.Int("half_pixel_centers") != 0;
  const bool is_aligned = p.node().attrs.Int("align_corners") != 0;
  Resample(p,
           {{"kernel", std::string(is_centered  ? "bicubic_centered"
                                   : is_aligned ? "bicubic_aligned"
                                                : "bicubic")}},
           kNoValue, kNoValue);
}

void ScaleAndTranslate(Parts& p) {
  Attrs attrs = {{"kernel", p.node().attrs.String("kernel_type")},
                 {"antialias", p.node().attrs.Int("antialias", 1)}};
  if (attrs.String("kernel").empty()) attrs.Set("kernel", std::string("lanczos3"));
  Resample(p, attrs, p.In(2), p.In(3));
}

}  // namespace

Recipe ImageRecipeOf(const std::string& op) {
  static const std::map<std::string, Recipe> kRecipes = {{"AdjustContrastv2", AdjustContrast},
                                                         {"ExtractImagePatches", ExtractImagePatches},
                                                         {"MaxPoolV2", MaxPoolV2},
                                                         {"ResizeArea", ResizeArea},
                                                         {"ResizeBicubic", ResizeBicubic},
                                                         {"ScaleAndTranslate", ScaleAndTranslate}};
  const auto found = kRecipes.find(op);
  return found == kRecipes.end() ? nullptr : found->second;
}

}  // namespace slipway::tensorflow
