// Resizing one axis as a matrix: row i holds what the pixels of the picture weigh in pixel i of the result.
//
// TensorFlow's ResizeArea, ResizeBicubic and ScaleAndTranslate are these matrices along height and width, so
// they are made at once and multiplied. Coordinates and weights are computed in f32, as there; the bicubic's
// weights come from a table of 1024 steps. Sources: Keys (1981); Mitchell and Netravali (1988); Turkowski,
// Filters for Common Resampling Tasks (the Gaussian of sigma 1/2); tensorflow/core/kernels/image.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr int64_t kMaxExtent = 1 << 20;
constexpr int64_t kMaxCells = int64_t{1} << 28;

Status Infer(InferContext& context) {
  DimList shape = {Dim(), Dim()};
  for (size_t i = 0; i < 2; ++i) {
    const auto extent = context.content(i);
    if (extent && extent->size() == 1) shape[1 - i] = (*extent)[0];
    const Dim& dim = shape[1 - i];
    if (dim.IsKnown() && (dim.value() < 1 || dim.value() > kMaxExtent))
      return context.Error("resizes " + std::string(i == 0 ? "from " : "to ") + dim.ToString() + " pixels");
  }
  context.SetOutput(0, DType::kF32, std::move(shape));
  return Status::Ok();
}

struct Axis {
  int64_t from, to;
  bool is_aligned;
  float Ratio() const {
    return is_aligned && to > 1 ? static_cast<float>(from - 1) / static_cast<float>(to - 1)
                                : static_cast<float>(from) / static_cast<float>(to);
  }
  int64_t Inside(int64_t i) const { return std::clamp<int64_t>(i, 0, from - 1); }
};

// How much of every pixel a pixel of the result covers.
void FillArea(const Axis& axis, int64_t row, float* weights) {
  const float ratio = axis.Ratio();
  const float begin = static_cast<float>(row) * ratio;
  const float end = static_cast<float>(row + 1) * ratio;
  const auto last = static_cast<int64_t>(std::ceil(end));
  for (auto i = static_cast<int64_t>(std::floor(begin)); i < last; ++i) {
    const auto at = static_cast<float>(i);
    const float covered = std::min(at + 1, end) - std::max(at, begin);
    weights[axis.Inside(i)] += covered / ratio;
  }
}

// Keys's kernel of parameter a at distance x.
float Cubic(float a, float x) {
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

void FillBicubic(const Axis& axis, bool is_centered, int64_t row, float* weights) {
  constexpr float kSteps = 1024;
  const auto at = static_cast<float>(row);
  const float place = is_centered ? (at + 0.5F) * axis.Ratio() - 0.5F : at * axis.Ratio();
  const auto first = static_cast<int64_t>(std::floor(place));
  const float beyond = std::nearbyint((place - static_cast<float>(first)) * kSteps) / kSteps;
  const float a = is_centered ? -0.5F : -0.75F;
  float sum = 0;
  for (int64_t k = -1; k <= 2; ++k) {
    const float weight = Cubic(a, std::abs(static_cast<float>(k) - beyond));
    const int64_t i = axis.Inside(first + k);
    // Centred: what lies outside counts for nothing. Else the border is repeated.
    if (is_centered && i != first + k) continue;
    weights[i] += weight;
    sum += weight;
  }
  for (int64_t k = -1; is_centered && sum != 0 && k <= 2; ++k) {
    if (axis.Inside(first + k) == first + k) weights[first + k] /= sum;
  }
}

struct Kernel {
  float radius;
  float (*at)(float x, float radius);  // x: 0 or more
};

float Lanczos(float x, float radius) {
  constexpr float kPi = 3.14159265359F;
  if (x > radius) return 0;
  if (x <= 1e-3F) return 1;
  return radius * std::sin(kPi * x) * std::sin(kPi * x / radius) / (kPi * kPi * x * x);
}
float Gaussian(float x, float radius) {
  const double sigma = radius / 3.0F;
  return x >= radius ? 0 : static_cast<float>(std::exp(-double{x} * x / (2 * sigma * sigma)));
}
float Box(float x, float) { return x < 0.5F ? 1.0F : x == 0.5F ? 0.5F : 0.0F; }
float Triangle(float x, float) { return std::max(1 - x, 0.0F); }
float KeysCubic(float x, float) { return Cubic(-0.5F, x); }
float MitchellCubic(float x, float) {
  if (x >= 2) return 0;
  if (x >= 1) return ((-7.0F / 18 * x + 2) * x - 10.0F / 3) * x + 16.0F / 9;
  return (7.0F / 6 * x - 2) * x * x + 8.0F / 9;
}

Kernel KernelOf(const std::string& name) {
  if (name == "lanczos1") return {1, Lanczos};
  if (name == "lanczos3") return {3, Lanczos};
  if (name == "lanczos5") return {5, Lanczos};
  if (name == "gaussian") return {1.5F, Gaussian};
  if (name == "box") return {1, Box};
  if (name == "triangle") return {1, Triangle};
  if (name == "keyscubic") return {2, KeysCubic};
  return {2, MitchellCubic};
}

struct Placement {
  float scale, translation;
  bool is_antialiased;
};

void FillKernel(const Axis& axis, const Kernel& kernel, const Placement& placement, int64_t row,
                float* weights) {
  const float inverse = 1 / placement.scale;
  const float place = (static_cast<float>(row) + 0.5F) * inverse - inverse * placement.translation;
  if (!(place >= 0 && place <= static_cast<float>(axis.from))) return;
  const float width = placement.is_antialiased ? std::max(inverse, 1.0F) : 1.0F;
  const float reach = kernel.radius * width;
  // Bounds before they become integers: a tiny scale reaches over everything.
  const auto whole = [&](float x) {
    return static_cast<int64_t>(std::clamp(x, -1.0F, static_cast<float>(axis.from)));
  };
  const int64_t first = axis.Inside(whole(std::ceil(place - reach - 0.5F)));
  const int64_t last = axis.Inside(whole(std::floor(place + reach - 0.5F)));
  float sum = 0;
  for (int64_t i = first; i <= last; ++i) {
    weights[i] = kernel.at(std::abs((static_cast<float>(i) + 0.5F - place) / width), kernel.radius);
    sum += weights[i];
  }
  constexpr float kLeast = 1e-35F;  // a sum that is nothing but rounding
  for (int64_t i = first; i <= last; ++i) weights[i] = std::abs(sum) >= kLeast ? weights[i] / sum : 0;
}

Status Reference(RunContext& context) {
  const auto number = [&](size_t i) { return LoadInt(context.in(i).dtype(), context.in(i).data(), 0); };
  const auto real = [&](size_t i, double otherwise) {
    const bool is_there = context.HasInput(i) && context.in(i).count() == 1;
    return static_cast<float>(is_there ? LoadReal(context.in(i).dtype(), context.in(i).data(), 0)
                                       : otherwise);
  };
  if (context.in(0).count() != 1 || context.in(1).count() != 1)
    return context.Error("an extent is one number");
  const std::string& name = context.attrs().String("kernel");
  const Axis axis{number(0), number(1), name.ends_with("_aligned")};
  if (axis.from < 1 || axis.to < 1 || axis.from > kMaxExtent || axis.to > kMaxExtent ||
      axis.from > kMaxCells / axis.to)
    return context.Error("resizes from " + std::to_string(axis.from) + " to " + std::to_string(axis.to) +
                         " pixels");
  const Placement placement{real(2, static_cast<double>(axis.to) / static_cast<double>(axis.from)),
                            real(3, 0), context.attrs().Int("antialias") != 0};
  if (!(placement.scale > 0)) return context.Error("the scale must be above 0");
  Tensor& y = context.AllocateOutput(0, {axis.to, axis.from});
  std::fill_n(y.as<float>(), y.count(), 0.0F);
  for (int64_t row = 0; row < axis.to; ++row) {
    float* weights = y.as<float>() + row * axis.from;
    if (name.starts_with("area")) {
      FillArea(axis, row, weights);
    } else if (name.starts_with("bicubic")) {
      FillBicubic(axis, name == "bicubic_centered", row, weights);
    } else {
      FillKernel(axis, KernelOf(name), placement, row, weights);
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeResampleMatrix() {
  OpDef op;
  op.name = "ResampleMatrix";
  op.group = "vision";
  op.summary = "What the pixels along one axis weigh in those of the resized one.";
  op.inputs = {
      {"from", kIndices, "one number: pixels"},
      {"to", kIndices, "one number: pixels of the result"},
      {"scale", {DType::kF32}, "one number; none: to / from; not for area and bicubic", Arity::kOptional},
      {"translation", {DType::kF32}, "one number, in pixels of the result; none: 0", Arity::kOptional}};
  op.outputs = {{"y", {DType::kF32}, "[to,from]"}};
  op.attrs = {
      StringAttr("kernel", "triangle",
                 {"area", "area_aligned", "bicubic", "bicubic_aligned", "bicubic_centered", "box", "gaussian",
                  "keyscubic", "lanczos1", "lanczos3", "lanczos5", "mitchellcubic", "triangle"},
                 "how pixels between are made; _aligned: the corners of both fall together"),
      IntAttr("antialias", 0, "1: widen the kernel when shrinking")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto extent = [](double pixels) {
      return TestInput{.dtype = DType::kI64, .dims = {}, .values = {pixels}, .is_constant = true};
    };
    std::vector<TestCase> cases;
    for (const char* kernel : {"area", "bicubic", "bicubic_centered", "lanczos3", "mitchellcubic"})
      cases.push_back(
          {kernel, {extent(7), extent(4)}, {{"kernel", std::string(kernel)}, {"antialias", int64_t{1}}}});
    return cases;
  };
  // Made by TensorFlow's importer, two for each resize.
  return op;
}

}  // namespace slipway
