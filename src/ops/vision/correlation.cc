// How well patches of one feature map fit displaced patches of another (optical flow, disparity).
//
// Source: CorrelationLayer and Correlation1DLayer of FlowNet's Caffe (Dosovitskiy et al., "FlowNet: Learning
// Optical Flow with Convolutional Networks", 2015).
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/nn/reals.h"
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

// Rows of a map; outside of it lie zeros.
class Map {
 public:
  explicit Map(const Tensor& x) : dims_(x.dims()), values_(Reals(x)) {}

  // Row h of channel c, or null.
  const double* Row(int64_t n, int64_t c, int64_t h) const {
    if (h < 0 || h >= dims_[2]) return nullptr;
    return values_.data() + ((n * dims_[1] + c) * dims_[2] + h) * dims_[3];
  }
  double At(const double* row, int64_t w) const {
    return row != nullptr && w >= 0 && w < dims_[3] ? row[w] : 0.0;
  }
  int64_t channels() const { return dims_[1]; }
  int64_t width() const { return dims_[3]; }

 private:
  Dims dims_;
  std::vector<double> values_;
};

struct Displacement {
  int64_t down, right;
};

// Adds the products of two rows at every place of the output, those in reach of both; `left` is where place 0
// lies in a.
void AddProducts(const double* a, const double* b, int64_t width, int64_t left, int64_t right, int64_t stride,
                 std::vector<double>& sums) {
  const int64_t low = std::max<int64_t>(0, -right), high = std::min(width, width - right);  // in a
  const int64_t first = low <= left ? 0 : (low - left + stride - 1) / stride;
  for (int64_t x = first; x < static_cast<int64_t>(sums.size()); ++x) {
    const int64_t w = x * stride + left;
    if (w >= high) break;
    sums[static_cast<size_t>(x)] += a[w] * b[w + right];
  }
}

// One row of the output: sums over channels and kernel, not yet divided.
void SumRow(const Window& window, const Map& a, const Map& b, int64_t n, int64_t row, const Displacement& by,
            bool is_difference, std::vector<double>& sums) {
  for (int64_t c = 0; c < a.channels(); ++c) {
    for (int64_t j = 0; j < window.kernel; ++j) {
      const int64_t h = row * window.stride + window.reach[0] - window.pad[0] + j;
      const double *ours = a.Row(n, c, h), *theirs = b.Row(n, c, h + by.down);
      if (ours == nullptr && theirs == nullptr) continue;
      for (int64_t i = 0; i < window.kernel; ++i) {
        const int64_t left = window.reach[1] - window.pad[1] + i;
        if (!is_difference && ours != nullptr && theirs != nullptr)
          AddProducts(ours, theirs, a.width(), left, by.right, window.stride, sums);
        for (size_t x = 0; is_difference && x < sums.size(); ++x) {
          const int64_t w = static_cast<int64_t>(x) * window.stride + left;
          sums[x] += std::abs(a.At(ours, w) - b.At(theirs, w + by.right));
        }
      }
    }
  }
}

Status Reference(RunContext& context) {
  const Map a(context.in(0)), b(context.in(1));
  Tensor& y = context.out(0);
  const Window window = Window::Of(context.attrs());
  const bool is_difference = context.attrs().String("mode") == "subtract";
  const double terms = static_cast<double>(window.kernel * window.kernel * a.channels());
  std::vector<double> sums(static_cast<size_t>(y.dim(3)));
  int64_t to = 0;
  for (int64_t n = 0; n < y.dim(0); ++n) {
    for (int64_t channel = 0; channel < y.dim(1); ++channel) {
      const Displacement by = {(channel / window.Displacements(1) - window.radius[0]) * window.step,
                               (channel % window.Displacements(1) - window.radius[1]) * window.step};
      for (int64_t row = 0; row < y.dim(2); ++row) {
        std::fill(sums.begin(), sums.end(), 0.0);
        SumRow(window, a, b, n, row, by, is_difference, sums);
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
