// Instance normalisation: every channel of every image by its own moments.
#include "base/scalar.h"
#include "ops/nn/normalize.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  if (!context.shape(0)) return Status::Ok();
  const DimList& x = *context.shape(0);
  if (x.size() < 3) return context.Error("input " + ToString(x) + " must be [N,C,spatial...]");
  const Dim& channels =
      x[static_cast<size_t>(ChannelAxis(LayoutOf(context.attrs()), static_cast<int>(x.size())))];
  SLIPWAY_RETURN_IF_ERROR(RequireVector(context, 1, channels));
  return RequireVector(context, 2, channels);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const std::vector<double> scale = Reals(context.in(1));
  const std::vector<double> offset = Reals(context.in(2));
  const double epsilon = static_cast<double>(context.attrs().Float("epsilon"));
  const bool is_first = LayoutOf(context.attrs()) == Layout::kChannelsFirst;
  const int64_t channels = is_first ? x.dim(1) : x.dim(-1);
  const int64_t planes = x.dim(0) * channels;
  const int64_t pixels = planes == 0 ? 0 : x.count() / planes;
  std::vector<double> values(static_cast<size_t>(pixels));
  for (int64_t plane = 0; plane < planes; ++plane) {
    const auto c = static_cast<size_t>(plane % channels);
    const auto at = [&](int64_t k) {
      return is_first ? plane * pixels + k : (plane / channels * pixels + k) * channels + plane % channels;
    };
    for (int64_t k = 0; k < pixels; ++k)
      values[static_cast<size_t>(k)] = LoadReal(x.dtype(), x.data(), at(k));
    const Moments moments = MomentsOf(values);
    const double factor = scale[c] / std::sqrt(moments.variance + epsilon);
    for (int64_t k = 0; k < pixels; ++k) {
      StoreReal(y.dtype(), y.data(), at(k),
                (values[static_cast<size_t>(k)] - moments.mean) * factor + offset[c]);
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeInstanceNormalization() {
  OpDef op;
  op.name = "InstanceNormalization";
  op.group = "nn";
  op.summary = "Normalises every channel of every image by its own mean and variance.";
  op.formula = "y = (x - mean) / sqrt(var + epsilon) * scale + b";
  op.inputs = {{"x", kFloats, "[N,C,spatial...] or [N,spatial...,C]"},
               {"scale", kFloats, "[C]"},
               {"b", kFloats, "[C]"}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = {FloatAttr("epsilon", 1e-5F, "keeps the variance off zero"), LayoutAttr()};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 6 * context.CountOfOutput(0); };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* layout : {"channels_first", "channels_last"}) {
      for (const Dims& dims : {Dims{2, 5, 7, 9}, Dims{1, 33, 4, 4}, Dims{3, 2, 17}}) {
        const int64_t channels = std::string_view(layout) == "channels_first" ? dims[1] : dims.back();
        const TestInput parameter{.dims = {channels}, .low = -1, .high = 1, .is_constant = true};
        cases.push_back({std::string(layout) + ToString(dims),
                         {{.dims = dims}, parameter, parameter},
                         {{"layout", std::string(layout)}}});
      }
    }
    return cases;
  };
  op.tolerance = {.relative = 1e-4, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "InstanceNormalization"}};
  return op;
}

}  // namespace slipway
