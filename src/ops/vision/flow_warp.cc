// Takes every pixel from where an optical flow says that it lies.
//
// Source: FlowWarpLayer of FlowNet 2's Caffe (Ilg et al., "FlowNet 2.0", 2017). Unlike GridSample the flow
// counts pixels, and what lies within the last pixel's cell is that pixel.
#include <algorithm>
#include <limits>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& flow = context.shape(1);
  for (const auto& shape : {x, flow}) {
    if (shape && shape->size() != 4)
      return context.Error("inputs must be [N,C,H,W], one is " + ToString(*shape));
  }
  for (size_t i = 0; x && flow && i < 4; ++i) {
    const Dim wanted = i == 1 ? Dim(2) : (*x)[i];
    if (wanted.IsKnown() && (*flow)[i].IsKnown() && wanted != (*flow)[i])
      return context.Error("flow is " + ToString(*flow) + "; for x " + ToString(*x) +
                           " it must be [N,2,H,W]");
  }
  context.SetOutput(0, context.input(0));
  return Status::Ok();
}

// Two neighbours on an axis, and the second's weight.
struct Between {
  int64_t low, high;
  float weight;

  // REQUIRES: 0 <= at < extent.
  static Between Of(float at, int64_t extent) {
    const auto low = static_cast<int64_t>(at);
    return {low, std::min(low + 1, extent - 1), at - static_cast<float>(low)};
  }
};

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& flow = context.in(1);
  Tensor& y = context.out(0);
  const double fill =
      context.attrs().String("fill") == "nan" ? std::numeric_limits<double>::quiet_NaN() : 0.0;
  const int64_t height = x.dim(2), width = x.dim(3), area = height * width;
  for (int64_t i = 0; i < y.count(); ++i) {
    const int64_t pixel = i % area, plane = i - pixel, n = i / area / x.dim(1);
    const auto move = [&](int64_t axis) {
      return static_cast<float>(LoadReal(flow.dtype(), flow.data(), (n * 2 + axis) * area + pixel));
    };
    const float column = static_cast<float>(pixel % width) + move(0);
    const float row = static_cast<float>(pixel / width) + move(1);
    const bool is_inside =
        column >= 0 && row >= 0 && column < static_cast<float>(width) && row < static_cast<float>(height);
    double value = fill;
    if (is_inside) {
      const Between h = Between::Of(row, height), w = Between::Of(column, width);
      const auto at = [&](int64_t r, int64_t c) {
        return LoadReal(x.dtype(), x.data(), plane + r * width + c);
      };
      const auto down = static_cast<double>(h.weight), right = static_cast<double>(w.weight);
      value = (1 - down) * ((1 - right) * at(h.low, w.low) + right * at(h.low, w.high)) +
              down * ((1 - right) * at(h.high, w.low) + right * at(h.high, w.high));
    }
    StoreReal(y.dtype(), y.data(), i, value);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeFlowWarp() {
  OpDef op;
  op.name = "FlowWarp";
  op.group = "vision";
  op.summary = "Takes every pixel from where an optical flow points to, between four neighbours.";
  op.formula = "y[n,c,i,j] = x[n,c,i+flow[n,1,i,j],j+flow[n,0,i,j]]";
  op.inputs = {{"x", kFloats, "[N,C,H,W]"}, {"flow", kFloats, "[N,2,H,W]: pixels to the right, then down"}};
  op.outputs = {{"y", kFloats, "[N,C,H,W]"}};
  op.attrs = {StringAttr("fill", "zero", {"zero", "nan"}, "where the flow points outside of the image")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 8 * context.CountOfOutput(0); };
  op.cases = [] {
    return std::vector<TestCase>{
        {"small", {{.dims = {2, 3, 5, 6}}, {.dims = {2, 2, 5, 6}, .low = -2, .high = 2}}},
        {"one_pixel", {{.dims = {1, 1, 1, 1}}, {.dims = {1, 2, 1, 1}, .low = 0, .high = 0.9}}}};
  };
  op.foreign = {{Format::kCaffe, "FlowWarp"}};  // read by a function of formats/caffe
  return op;
}

}  // namespace slipway
