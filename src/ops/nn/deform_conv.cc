// Deformable convolution: every tap of the kernel reads at a place of its own, between pixels
// (Dai et al., 2017; with a mask: Zhu et al., 2018).
//
// Two spatial axes, as every runtime has it. Outside the image there are zeros.
#include <cmath>

#include "base/scalar.h"
#include "ops/nn/conv.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

// [N, groups * taps * per_tap, oH, oW], where the parts are known.
Status CheckMap(const InferContext& context, size_t input, const char* name, int64_t per_tap) {
  if (!context.HasInput(input) || !context.shape(input)) return Status::Ok();
  const DimList& map = *context.shape(input);
  const DimList& w = *context.shape(1);
  const DimList& y = *context.output(0).type.shape;
  const int64_t groups = context.attrs().Int("offset_group");
  const DimList want = {y[0], w[2] * w[3] * (groups * per_tap), y[2], y[3]};
  bool fits = map.size() == 4;
  for (size_t i = 0; fits && i < 4; ++i)
    fits = !map[i].IsKnown() || !want[i].IsKnown() || map[i].value() == want[i].value();
  if (fits) return Status::Ok();
  return context.Error(std::string(name) + " is " + ToString(map) + "; it must be " + ToString(want));
}

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& w = context.shape(1);
  SLIPWAY_ASSIGN_OR_RETURN(Type type, ConvType(context, 0, 1, 3, context.dtype(0)));
  const bool has_shape = type.shape.has_value();
  context.SetOutput(0, std::move(type));
  if (!has_shape) return Status::Ok();
  if (x->size() != 4) return context.Unsupported("x is " + ToString(*x) + "; only [N,C,H,W] is supported");
  const int64_t groups = context.attrs().Int("offset_group");
  if (groups < 1 || ((*x)[1].IsKnown() && (*x)[1].value() % groups != 0)) {
    return context.Error((*x)[1].ToString() + " channels do not divide into " + std::to_string(groups) +
                         " offset groups");
  }
  const Ints& kernel = context.attrs().IntList("kernel_shape");
  if (!kernel.empty() && AllKnown(*w) && kernel != Ints{(*w)[2].value(), (*w)[3].value()})
    return context.Error("kernel_shape is " + ToString(kernel) + ", the weights are " + ToString(*w));
  SLIPWAY_RETURN_IF_ERROR(CheckMap(context, 2, "offset", 2));
  return CheckMap(context, 4, "mask", 1);
}

// Between the four pixels around (y, x) of a plane.
double Sample(const std::vector<double>& image, int64_t plane, int64_t height, int64_t width, double y,
              double x) {
  if (!(y > -1 && y < static_cast<double>(height) && x > -1 && x < static_cast<double>(width))) return 0;
  const auto top = static_cast<int64_t>(std::floor(y));
  const auto left = static_cast<int64_t>(std::floor(x));
  const double dy = y - static_cast<double>(top);
  const double dx = x - static_cast<double>(left);
  const auto at = [&](int64_t row, int64_t column) {
    const bool is_inside = row >= 0 && row < height && column >= 0 && column < width;
    return is_inside ? image[static_cast<size_t>(plane + row * width + column)] : 0;
  };
  return (1 - dy) * ((1 - dx) * at(top, left) + dx * at(top, left + 1)) +
         dy * ((1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1));
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ConvCall call, ReadConvCall(context));
  const std::vector<double> image = Reals(context.in(0));
  const std::vector<double> weights = Reals(context.in(1));
  const std::vector<double> offsets = Reals(context.in(2));
  const std::vector<double> bias = context.HasInput(3) ? Reals(context.in(3)) : std::vector<double>();
  const std::vector<double> mask = context.HasInput(4) ? Reals(context.in(4)) : std::vector<double>();
  Tensor& y = context.out(0);
  const int64_t groups = context.attrs().Int("offset_group");
  const int64_t taps = call.window.kernel[1] * call.window.kernel[2];
  const int64_t pixels = call.out.size[1] * call.out.size[2];
  ForEachOutput(call.out, [&](int64_t n, int64_t oc, int64_t to, const int64_t* at) {
    const int64_t first = oc / (call.out.c / call.group) * call.weight.c;
    const int64_t pixel = at[1] * call.out.size[2] + at[2];
    double sum = bias.empty() ? 0 : bias[static_cast<size_t>(oc)];
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t row = tap / call.window.kernel[2];
      const int64_t column = tap % call.window.kernel[2];
      for (int64_t c = 0; c < call.weight.c; ++c) {
        const int64_t offset_group = (first + c) / (call.in.c / groups);
        const int64_t map = (n * groups + offset_group) * taps + tap;
        const double dy = offsets[static_cast<size_t>(map * 2 * pixels + pixel)];
        const double dx = offsets[static_cast<size_t>((map * 2 + 1) * pixels + pixel)];
        const double value =
            Sample(image, call.in.At(n, first + c, 0, 0, 0), call.in.size[1], call.in.size[2],
                   dy + static_cast<double>(at[1] * call.window.stride[1] - call.window.pad[1] +
                                            row * call.window.dilation[1]),
                   dx + static_cast<double>(at[2] * call.window.stride[2] - call.window.pad[2] +
                                            column * call.window.dilation[2]));
        const double share = mask.empty() ? 1 : mask[static_cast<size_t>(map * pixels + pixel)];
        sum += share * value * weights[static_cast<size_t>(call.weight.At(oc, c, 0, row, column))];
      }
    }
    StoreReal(y.dtype(), y.data(), to, sum);
  });
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  const TestInput x{.dims = {2, 4, 7, 6}, .low = -1, .high = 1};
  const TestInput w{.dims = {4, 2, 3, 3}, .low = -1, .high = 1};
  const TestInput offset{.dims = {2, 36, 4, 3}, .low = -2, .high = 2};
  const TestInput bias{.dims = {4}, .low = -1, .high = 1};
  const TestInput mask{.dims = {2, 18, 4, 3}, .low = 0, .high = 1};
  const TestInput absent{.is_absent = true};
  const Attrs attrs = {{"group", int64_t{2}},
                       {"offset_group", int64_t{2}},
                       {"pads", Ints{1, 1, 1, 1}},
                       {"strides", Ints{2, 2}}};
  return {{"plain",
           {{.dims = {1, 1, 4, 4}}, {.dims = {1, 1, 2, 2}}, {.dims = {1, 8, 3, 3}, .low = -1, .high = 1}},
           {}},
          {"all", {x, w, offset, bias, mask}, attrs},
          {"mask_only", {x, w, offset, absent, mask}, attrs}};
}

}  // namespace

OpDef MakeDeformConv() {
  OpDef op;
  op.name = "DeformConv";
  op.group = "nn";
  op.summary =
      "Convolution whose taps read at places that data shift, between pixels, each weighted by a mask.";
  op.formula =
      "y[n,o,p] = b[o] + sum_{i,k} w[o,i,k] * mask[n,k,p] * x[n, i, p*stride - pad + k*dilation + "
      "offset[n,k,p]]";
  op.inputs = {{"x", kFloats, "[N,C,H,W]"},
               {"w", kFloats, "[O,C/group,kH,kW]"},
               {"offset", kFloats, "[N,offset_group * kH * kW * 2,oH,oW]: down, then right, in pixels"},
               {"b", kFloats, "[O]", Arity::kOptional},
               {"mask", kFloats, "[N,offset_group * kH * kW,oH,oW]; ones when left out", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[N,O,oH,oW]"}};
  op.attrs = WindowAttrs();
  op.attrs.push_back(IntAttr("group", 1, "groups of channels that do not mix"));
  op.attrs.push_back(IntAttr("offset_group", 1, "groups of channels with offsets of their own"));
  op.attrs.push_back(IntsAttr("kernel_shape", {}, "checked against the weights"));
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 5 * ConvFlops(context, 1); };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "DeformConv", 19}};
  return op;
}

}  // namespace slipway
