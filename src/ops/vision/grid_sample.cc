// Reads an image at real-valued places: the sampler of spatial transformer networks (Jaderberg et al., 2015).
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& grid = context.shape(1);
  if (!x || !grid) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const size_t rank = x->size();
  const bool fits = rank >= 3 && grid->size() == rank &&
                    (!grid->back().IsKnown() || grid->back().value() == static_cast<int64_t>(rank) - 2);
  if (!fits)
    return context.Error("x is " + ToString(*x) + ", grid " + ToString(*grid) +
                         "; they must be [N,C,D...] and [N,D...,axes]");
  if ((*x)[0].IsKnown() && (*grid)[0].IsKnown() && (*x)[0].value() != (*grid)[0].value())
    return context.Error("x " + ToString(*x) + " and grid " + ToString(*grid) + " have different batches");
  DimList shape = {(*x)[0], (*x)[1]};
  shape.insert(shape.end(), grid->begin() + 1, grid->end() - 1);
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

enum class Padding { kZeros, kBorder, kReflection };

// One axis of the image, with the places beyond it.
struct Axis {
  int64_t extent;
  double low, high;  // where reflection turns back
  Padding padding;

  double Reflect(double at) const {
    const double range = high - low;
    if (range <= 0) return 0;
    const double beyond = at < low ? low - at : at - high;
    const double turns = std::floor(beyond / range);
    const double rest = beyond - turns * range;
    const bool is_even = std::fmod(turns, 2.0) == 0;
    return (at < low) == is_even ? low + rest : high - rest;
  }
  double Fold(double at) const {
    if (at >= low && at <= high) return at;
    if (padding == Padding::kBorder) return std::clamp(at, 0.0, static_cast<double>(extent - 1));
    return padding == Padding::kReflection ? Reflect(at) : at;
  }
  // -1: reads 0.
  int64_t IndexOf(int64_t i) const {
    if (i >= 0 && i < extent) return i;
    if (padding == Padding::kZeros) return -1;
    if (padding == Padding::kBorder) return std::clamp<int64_t>(i, 0, extent - 1);
    return std::clamp<int64_t>(static_cast<int64_t>(Reflect(static_cast<double>(i))), 0, extent - 1);
  }
};

struct Tap {
  int64_t index;  // -1: reads 0
  double weight;
};

// Keys' cubic kernel with a = -0.75, at distances 1 + t, t, 1 - t, 2 - t.
void CubicWeights(double t, double* weights) {
  constexpr double a = -0.75;
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  weights[0] = far(1 + t);
  weights[1] = near(t);
  weights[2] = near(1 - t);
  weights[3] = far(2 - t);
}

std::vector<Tap> TapsAt(const Axis& axis, double at, const std::string& mode) {
  if (!std::isfinite(at)) return {{-1, 1}};
  at = std::clamp(at, -1e15, 1e15);
  if (mode == "nearest") return {{axis.IndexOf(static_cast<int64_t>(axis.Fold(std::nearbyint(at)))), 1}};
  at = axis.Fold(at);
  const double floor = std::floor(at);
  const auto first = static_cast<int64_t>(floor);
  const double t = at - floor;
  if (mode == "linear") return {{axis.IndexOf(first), 1 - t}, {axis.IndexOf(first + 1), t}};
  double weights[4];
  CubicWeights(t, weights);
  std::vector<Tap> taps;
  for (int64_t k = 0; k < 4; ++k) taps.push_back({axis.IndexOf(first - 1 + k), weights[k]});
  return taps;
}

// The sum over every combination of taps from `axis` on.
double Gather(const Tensor& x, int64_t base, const std::vector<std::vector<Tap>>& taps,
              const std::vector<int64_t>& strides, size_t axis) {
  if (axis == taps.size()) return LoadReal(x.dtype(), x.data(), base);
  double sum = 0;
  for (const Tap& tap : taps[axis]) {
    if (tap.index < 0 || tap.weight == 0) continue;
    sum += tap.weight * Gather(x, base + tap.index * strides[axis + 2], taps, strides, axis + 1);
  }
  return sum;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& grid = context.in(1);
  Tensor& y = context.out(0);
  const bool is_aligned = context.attrs().Int("align_corners") != 0;
  const std::string& mode = context.attrs().String("mode");
  const std::string& padding = context.attrs().String("padding_mode");
  const size_t spatial = x.dims().size() - 2;
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  std::vector<Axis> axes;
  for (size_t k = 0; k < spatial; ++k) {
    const int64_t extent = x.dims()[k + 2];
    const auto last = static_cast<double>(extent - 1);
    axes.push_back({extent, is_aligned ? 0 : -0.5, is_aligned ? last : last + 0.5,
                    padding == "zeros"    ? Padding::kZeros
                    : padding == "border" ? Padding::kBorder
                                          : Padding::kReflection});
  }
  const int64_t channels = x.dims()[1];
  const int64_t points = CountOf(std::span<const int64_t>(y.dims()).subspan(2));
  std::vector<std::vector<Tap>> taps(spatial);
  for (int64_t n = 0; n < x.dims()[0]; ++n) {
    for (int64_t p = 0; p < points; ++p) {
      for (size_t k = 0; k < spatial; ++k) {
        // The grid names the last axis first.
        const auto at = static_cast<int64_t>(spatial - 1 - k);
        const double g =
            LoadReal(grid.dtype(), grid.data(), (n * points + p) * static_cast<int64_t>(spatial) + at);
        const auto extent = static_cast<double>(axes[k].extent);
        taps[k] = TapsAt(axes[k], is_aligned ? (g + 1) / 2 * (extent - 1) : ((g + 1) * extent - 1) / 2, mode);
      }
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t base = n * strides[0] + c * strides[1];
        StoreReal(y.dtype(), y.data(), (n * channels + c) * points + p, Gather(x, base, taps, strides, 0));
      }
    }
  }
  return Status::Ok();
}

// Opset 16 says bilinear and bicubic.
Status ImportOnnx(ImportContext& context) {
  std::string mode = context.attrs().String("mode");
  if (mode.empty() || mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  return context.EmitSame({{"mode", mode}});
}

}  // namespace

OpDef MakeGridSample() {
  OpDef op;
  op.name = "GridSample";
  op.group = "vision";
  op.summary = "Reads an image at places given in [-1, 1] per axis, interpolating between pixels.";
  op.inputs = {{"x", kFloats, "[N,C,D1,...,Dk]"}, {"grid", kFloats, "[N,E1,...,Ek,k], the last axis first"}};
  op.outputs = {{"y", kFloats, "[N,C,E1,...,Ek]"}};
  op.attrs = {
      StringAttr("mode", "linear", {"linear", "nearest", "cubic"}, "interpolation"),
      StringAttr("padding_mode", "zeros", {"zeros", "border", "reflection"}, "what lies beyond the image"),
      IntAttr("align_corners", 0, "1: -1 and 1 are the centres of the corner pixels, not their edges")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"linear", {{.dims = {1, 2, 5, 7}}, {.dims = {1, 4, 3, 2}, .low = -1.2, .high = 1.2}}, {}},
        {"cubic",
         {{.dims = {1, 2, 5, 7}}, {.dims = {1, 4, 3, 2}, .low = -1, .high = 1}},
         {{"mode", std::string("cubic")}}}};
  };
  op.foreign = {{Format::kOnnx, "GridSample", 1, INT_MAX, ImportOnnx}};
  return op;
}

}  // namespace slipway
