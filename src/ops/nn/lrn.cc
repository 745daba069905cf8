// Local response normalisation across channels.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/nn/window.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  if (context.shape(0) && context.shape(0)->size() < 2)
    return context.Error("input " + ToString(*context.shape(0)) + " must be [N,C,...]");
  const int64_t size = context.attrs().Int("size");
  return size >= 1 ? Status::Ok()
                   : context.Error("size is " + std::to_string(size) + "; it must be 1 or more");
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Attrs& attrs = context.attrs();
  const int64_t size = attrs.Int("size");
  const double alpha = static_cast<double>(attrs.Float("alpha")) / static_cast<double>(size);
  const double beta = static_cast<double>(attrs.Float("beta"));
  const double bias = static_cast<double>(attrs.Float("bias"));
  const int axis = ChannelAxis(LayoutOf(attrs), x.rank());
  const int64_t channels = x.dim(axis);
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x.dim(i);
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t c = i / inner % channels;
    const int64_t first = std::max<int64_t>(0, c - (size - 1) / 2);
    const int64_t last = std::min(channels - 1, c + size / 2);
    double sum = 0;
    for (int64_t k = first; k <= last; ++k) {
      const double value = LoadReal(x.dtype(), x.data(), i + (k - c) * inner);
      sum += value * value;
    }
    StoreReal(y.dtype(), y.data(), i, LoadReal(x.dtype(), x.data(), i) * std::pow(bias + alpha * sum, -beta));
  }
  return Status::Ok();
}

// TFLite and TensorFlow give a radius and do not divide alpha by the window's size.
Status ImportRadius(ImportContext& context) {
  const Attrs& given = context.attrs();
  const bool is_tflite = context.node().format == Format::kTflite;
  const int64_t radius = is_tflite ? given.Int("radius") : given.Int("depth_radius", 5);
  const int64_t size = 2 * radius + 1;
  return context.Emit("LRN", {context.in(0)},
                      {{"size", size},
                       {"alpha", given.Float("alpha", 1) * static_cast<float>(size)},
                       {"beta", given.Float("beta", 0.5F)},
                       {"bias", given.Float("bias", 1)},
                       {"layout", std::string("channels_last")}});
}

}  // namespace

OpDef MakeLRN() {
  OpDef op;
  op.name = "LRN";
  op.group = "nn";
  op.summary = "Local response normalisation: divides by a power of the energy of neighbouring channels.";
  op.formula = "y[c] = x[c] / (bias + alpha / size * sum_{|k-c| <= size/2} x[k]^2)^beta";
  op.inputs = {{"x", kFloats, "[N,C,...] or [N,...,C]"}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = {Required(IntAttr("size", 1, "channels in the window")),
              FloatAttr("alpha", 1e-4F, "factor on the energy"), FloatAttr("beta", 0.75F, "exponent"),
              FloatAttr("bias", 1, "added to the energy"), LayoutAttr()};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    return context.CountOfOutput(0) * (2.0 * static_cast<double>(context.attrs().Int("size")) + 4);
  };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* layout : {"channels_first", "channels_last"}) {
      for (int64_t size : {1, 3, 4, 9}) {
        cases.push_back({std::string(layout) + std::to_string(size),
                         {{.dims = {2, 7, 5, 6}}},
                         {{"size", size}, {"alpha", 0.3F}, {"layout", std::string(layout)}}});
      }
    }
    return cases;
  };
  op.foreign = {{Format::kOnnx, "LRN"},
                {Format::kTflite, "LOCAL_RESPONSE_NORMALIZATION", 1, INT_MAX, ImportRadius},
                {Format::kTensorflow, "LRN", 1, INT_MAX, ImportRadius}};
  return op;
}

}  // namespace slipway
