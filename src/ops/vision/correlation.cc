// How well patches of one feature map fit displaced patches of another (optical flow, disparity).
//
// Source: CorrelationLayer and Correlation1DLayer of FlowNet's Caffe (Dosovitskiy et al., "FlowNet: Learning
// Optical Flow with Convolutional Networks", 2015).
#include <cmath>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr int64_t kMaxKernel = 255, kMaxDisplacement = 65535;  // far beyond any net; they bound hostile ones

// The attributes, [0] of rows and [1] of columns.
struct Window {
  int64_t kernel, stride, step;
  int64_t reach[2];   // greatest displacement
  int64_t pad[2];     // zeros around both maps
  int64_t radius[2];  // greatest displacement in steps

  static Window Of(const Attrs& attrs) {
    Window window{
        attrs.Int("kernel_size"), attrs.Int("stride"), attrs.Int("displacement_stride"), {}, {}, {}};
    for (size_t axis = 0; axis < 2; ++axis) {
      window.reach[axis] = attrs.IntList("max_displacement")[axis];
      window.pad[axis] = attrs.IntList("pads")[axis];
      window.radius[axis] = window.reach[axis] / window.step;
    }
    return window;
  }
  int64_t Displacements(size_t axis) const { return 2 * radius[axis] + 1; }
  // Where patches fit with every displacement, counted in strides, the last one begun included.
  int64_t Places(size_t axis, int64_t extent) const {
    const int64_t room = extent + 2 * pad[axis] - 2 * reach[axis] - (kernel - 1);
    return room < 1 ? 0 : (room + stride - 1) / stride;
  }
};

Status CheckAttrs(const InferContext& context) {
  const Attrs& attrs = context.attrs();
  const int64_t kernel = attrs.Int("kernel_size");
  if (kernel < 1 || kernel > kMaxKernel || kernel % 2 == 0)
    return context.Error("kernel_size is " + std::to_string(kernel) + "; it must be odd, at most " +
                         std::to_string(kMaxKernel));
  for (const char* name : {"stride", "displacement_stride"}) {
    const int64_t value = attrs.Int(name);
    if (value < 1 || value > kMaxDisplacement)
      return context.Error(std::string(name) + " is " + std::to_string(value) + "; it must be 1 or more");
  }
  for (const char* name : {"max_displacement", "pads"}) {
    const Ints& values = attrs.IntList(name);
    bool is_good = values.size() == 2;
    for (int64_t value : values) is_good &= value >= 0 && value <= kMaxDisplacement;
    if (!is_good)
      return context.Error(std::string(name) + " is " + ToString(values) +
                           "; it must be [rows,columns], at most " + std::to_string(kMaxDisplacement));
  }
  return Status::Ok();
}

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckAttrs(context));
  const auto& a = context.shape(0);
  const auto& b = context.shape(1);
  for (const auto& shape : {a, b}) {
    if (shape && shape->size() != 4)
      return context.Error("inputs must be [N,C,H,W], one is " + ToString(*shape));
  }
  const Window window = Window::Of(context.attrs());
  DimList shape = {Dim(), window.Displacements(0) * window.Displacements(1), Dim(), Dim()};
  for (size_t i = 0; a && i < 4; ++i) {
    const Dim &ours = (*a)[i], theirs = b ? (*b)[i] : Dim();
    if (ours.IsKnown() && theirs.IsKnown() && ours != theirs)
      return context.Error("inputs must be of one shape, are " + ToString(*a) + " and " + ToString(*b));
    if (i == 0) shape[0] = ours;
    if (i < 2 || !ours.IsKnown()) continue;
    const int64_t places = window.Places(i - 2, ours.value());
    if (places < 1)
      return context.Error("kernel and displacements do not fit into " + ToString(*a),
                           "a larger input, or larger pads");
    shape[i] = places;
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// One row of the output: sums over channels and kernel, not yet divided. Zeros lie outside of the maps.
void SumRow(const Window& window, const Tensor& a, const Tensor& b, int64_t n, int64_t row, int64_t down,
            int64_t right, bool is_difference, std::vector<double>& sums) {
  const int64_t height = a.dim(2), width = a.dim(3);
  const auto at = [&](const Tensor& x, int64_t c, int64_t h, int64_t w) {
    const bool is_inside = h >= 0 && h < height && w >= 0 && w < width;
    return is_inside ? LoadReal(x.dtype(), x.data(), ((n * x.dim(1) + c) * height + h) * width + w) : 0.0;
  };
  for (int64_t c = 0; c < a.dim(1); ++c) {
    for (int64_t j = 0; j < window.kernel; ++j) {
      const int64_t h = row * window.stride + window.reach[0] - window.pad[0] + j;
      const bool is_empty = (h < 0 || h >= height) && (h + down < 0 || h + down >= height);
      if (is_empty) continue;
      for (int64_t i = 0; i < window.kernel; ++i) {
        const int64_t left = window.reach[1] - window.pad[1] + i;
        for (size_t x = 0; x < sums.size(); ++x) {
          const int64_t w = static_cast<int64_t>(x) * window.stride + left;
          const double ours = at(a, c, h, w), theirs = at(b, c, h + down, w + right);
          sums[x] += is_difference ? std::abs(ours - theirs) : ours * theirs;
        }
      }
    }
  }
}

Status Reference(RunContext& context) {
  const Tensor& a = context.in(0);
  Tensor& y = context.out(0);
  const Window window = Window::Of(context.attrs());
  const bool is_difference = context.attrs().String("mode") == "subtract";
  const double terms = static_cast<double>(window.kernel * window.kernel * a.dim(1));
  std::vector<double> sums(static_cast<size_t>(y.dim(3)));
  int64_t to = 0;
  for (int64_t n = 0; n < y.dim(0); ++n) {
    for (int64_t channel = 0; channel < y.dim(1); ++channel) {
      const int64_t down = (channel / window.Displacements(1) - window.radius[0]) * window.step;
      const int64_t right = (channel % window.Displacements(1) - window.radius[1]) * window.step;
      for (int64_t row = 0; row < y.dim(2); ++row) {
        std::fill(sums.begin(), sums.end(), 0.0);
        SumRow(window, a, context.in(1), n, row, down, right, is_difference, sums);
        for (double sum : sums) StoreReal(y.dtype(), y.data(), to++, sum / terms);
      }
    }
  }
  return Status::Ok();
}

double Flops(const InferContext& context) {
  const auto& a = context.shape(0);
  const auto kernel = static_cast<double>(context.attrs().Int("kernel_size"));
  const double channels = a && (*a)[1].IsKnown() ? static_cast<double>((*a)[1].value()) : 0;
  return 2 * context.CountOfOutput(0) * channels * kernel * kernel;
}

}  // namespace

OpDef MakeCorrelation() {
  OpDef op;
  op.name = "Correlation";
  op.group = "vision";
  op.summary =
      "Mean product (or absolute difference) of patches of a and of patches of b, displaced every way.";
  op.formula = "y[n,d,i,j] = mean over channels and a kernel of a[n,:,i,j] * b[n,:,i+d_y,j+d_x]";
  op.inputs = {{"a", kFloats, "[N,C,H,W]"}, {"b", kFloats, "[N,C,H,W]"}};
  op.outputs = {{"y", kFloats, "[N,displacements,H',W'], displacements row by row"}};
  op.attrs = {IntAttr("kernel_size", 1, "sides of a patch, odd"),
              Required(IntsAttr("max_displacement", {}, "[rows,columns], in both directions")),
              IntsAttr("pads", {0, 0}, "[rows,columns]: zeros on both sides of both maps"),
              IntAttr("stride", 1, "between patches of a"),
              IntAttr("displacement_stride", 1, "between displacements"),
              StringAttr("mode", "multiply", {"multiply", "subtract"}, "how patches are compared")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = Flops;
  op.cases = [] {
    return std::vector<TestCase>{
        {"flownet",
         {{.dims = {2, 3, 5, 6}}, {.dims = {2, 3, 5, 6}}},
         {{"max_displacement", Ints{4, 4}}, {"pads", Ints{4, 4}}, {"displacement_stride", int64_t{2}}}},
        {"kernel",
         {{.dims = {1, 2, 9, 8}}, {.dims = {1, 2, 9, 8}}},
         {{"kernel_size", int64_t{3}},
          {"max_displacement", Ints{2, 1}},
          {"stride", int64_t{2}},
          {"mode", std::string("subtract")}}},
        {"one_axis",
         {{.dims = {1, 4, 3, 7}}, {.dims = {1, 4, 3, 7}}},
         {{"max_displacement", Ints{0, 3}}, {"pads", Ints{0, 3}}}}};
  };
  op.foreign = {{Format::kCaffe, "Correlation"},
                {Format::kCaffe, "Correlation1D"}};  // read by a function of formats/caffe
  return op;
}

}  // namespace slipway
