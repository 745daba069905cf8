// Batch normalisation; for inference a scale and an offset per channel.
#include <cmath>

#include "base/scalar.h"
#include "ops/nn/foreign.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  for (size_t i = 1; i < context.num_outputs(); ++i)
    context.SetOutput(i, context.input(std::min<size_t>(i + 2, 4)));
  if (!context.shape(0)) return Status::Ok();
  const DimList& x = *context.shape(0);
  const bool is_first = LayoutOf(context.attrs()) == Layout::kChannelsFirst;
  if (x.empty()) return context.Error("the input is a scalar");
  // Of a vector, ONNX takes the only axis for the batch: one channel.
  const Dim channels = !is_first ? x.back() : x.size() == 1 ? Dim(1) : x[1];
  for (size_t i = 1; i < 5; ++i) {
    if (!context.shape(i)) continue;
    const DimList& given = *context.shape(i);
    const bool is_wrong = given.size() != 1 ||
                          (given[0].IsKnown() && channels.IsKnown() && given[0].value() != channels.value());
    if (is_wrong) {
      return context.Error(context.op().inputs[i].name + " is " + ToString(given) + ", needs [" +
                           channels.ToString() + "]");
    }
  }
  return Status::Ok();
}

struct Channels {
  int64_t outer, channels, inner;
};
Channels SplitAtChannel(const Tensor& x, Layout layout) {
  Channels split{1, 1, 1};
  const int axis = x.rank() == 1 && layout == Layout::kChannelsFirst ? -1 : ChannelAxis(layout, x.rank());
  for (int i = 0; i < x.rank(); ++i) {
    (i < axis ? split.outer : i == axis ? split.channels : split.inner) *= x.dim(i);
  }
  if (axis < 0) split = {x.count(), 1, 1};
  return split;
}

// Mean and variance over everything but the channel.
void Moments(const Tensor& x, const Channels& split, std::vector<double>& mean,
             std::vector<double>& variance) {
  const double count = static_cast<double>(split.outer * split.inner);
  const auto at = [&](int64_t o, int64_t c, int64_t i) {
    return LoadReal(x.dtype(), x.data(), (o * split.channels + c) * split.inner + i);
  };
  for (int64_t c = 0; c < split.channels; ++c) {
    double sum = 0;
    for (int64_t o = 0; o < split.outer; ++o) {
      for (int64_t i = 0; i < split.inner; ++i) sum += at(o, c, i);
    }
    const double center = sum / count;
    double squares = 0;
    for (int64_t o = 0; o < split.outer; ++o) {
      for (int64_t i = 0; i < split.inner; ++i) squares += (at(o, c, i) - center) * (at(o, c, i) - center);
    }
    mean[static_cast<size_t>(c)] = center;
    variance[static_cast<size_t>(c)] = squares / count;
  }
}

void StoreRunning(Tensor& to, const Tensor& running, const std::vector<double>& batch, double momentum) {
  for (int64_t i = 0; i < to.count(); ++i) {
    const double old = LoadReal(running.dtype(), running.data(), i);
    StoreReal(to.dtype(), to.data(), i, old * momentum + batch[static_cast<size_t>(i)] * (1 - momentum));
  }
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Channels split = SplitAtChannel(x, LayoutOf(context.attrs()));
  const std::vector<double> scale = Reals(context.in(1));
  const std::vector<double> offset = Reals(context.in(2));
  std::vector<double> mean = Reals(context.in(3));
  std::vector<double> variance = Reals(context.in(4));
  if (context.attrs().Int("training_mode") != 0) {
    Moments(x, split, mean, variance);
    const double momentum = static_cast<double>(context.attrs().Float("momentum"));
    if (context.HasOutput(1)) StoreRunning(context.out(1), context.in(3), mean, momentum);
    if (context.HasOutput(2)) StoreRunning(context.out(2), context.in(4), variance, momentum);
  }
  const double epsilon = static_cast<double>(context.attrs().Float("epsilon"));
  for (int64_t o = 0; o < split.outer; ++o) {
    for (int64_t c = 0; c < split.channels; ++c) {
      const auto k = static_cast<size_t>(c);
      const double factor = scale[k] / std::sqrt(variance[k] + epsilon);
      for (int64_t i = 0; i < split.inner; ++i) {
        const int64_t at = (o * split.channels + c) * split.inner + i;
        StoreReal(y.dtype(), y.data(), at,
                  (LoadReal(x.dtype(), x.data(), at) - mean[k]) * factor + offset[k]);
      }
    }
  }
  return Status::Ok();
}

// Before opset 14 a node with more than one output was in training mode.
Status ImportOldOnnx(ImportContext& context) {
  if (context.node().outputs.size() > 1 && !context.node().outputs[1].name.empty()) {
    return context.Unsupported("training mode of opset 13 and before is not supported",
                               "export for inference");
  }
  if (context.attrs().Int("spatial", 1) == 0) return context.Unsupported("spatial = 0 is not supported");
  return context.EmitSame();
}

// Outputs beyond the first (moments for the gradient) have no use at inference. A graph that was frozen in
// training mode normalises by the batch's own moments; its running ones are then empty.
Status ImportTf(ImportContext& context) {
  const bool is_training = context.attrs().Int("is_training", 1) != 0;
  const Layout layout = TfLayout(context);
  Attrs attrs = {
      {"epsilon", context.attrs().Float("epsilon", 1e-4F)},
      {"layout", std::string(layout == Layout::kChannelsFirst ? "channels_first" : "channels_last")}};
  if (is_training) {
    if (context.node().outputs.size() > 1) return context.Unsupported("the batch's moments are read");
    attrs.Set("training_mode", int64_t{1});
  }
  const ValueId mean = context.in(is_training ? 1 : 3);
  const ValueId variance = context.in(is_training ? 1 : 4);
  return context.Emit("BatchNormalization", {context.in(0), context.in(1), context.in(2), mean, variance},
                      std::move(attrs));
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  const std::pair<const char*, Dims> shapes[] = {{"image", {2, 7, 5, 9}},
                                                 {"wide", {1, 67, 3, 3}},
                                                 {"matrix", {4, 19}},
                                                 {"sound", {1, 8, 33}},
                                                 {"volume", {1, 3, 2, 4, 5}}};
  for (const auto& [label, dims] : shapes) {
    for (const char* layout : {"channels_first", "channels_last"}) {
      const int64_t channels = std::string_view(layout) == "channels_last" ? dims.back() : dims[1];
      const TestInput parameter{.dims = {channels}, .low = -1, .high = 1, .is_constant = true};
      const TestInput variance{.dims = {channels}, .low = 0.1, .high = 2, .is_constant = true};
      cases.push_back({std::string(label) + "_" + layout,
                       {{.dims = dims}, parameter, parameter, parameter, variance},
                       {{"layout", std::string(layout)}}});
    }
  }
  return cases;
}

}  // namespace

OpDef MakeBatchNormalization() {
  OpDef op;
  op.name = "BatchNormalization";
  op.group = "nn";
  op.summary = "Normalises every channel by a given (or, in training mode, its own) mean and variance.";
  op.formula = "y = (x - mean) / sqrt(var + epsilon) * scale + b";
  op.inputs = {{"x", kFloats, "[N,C,...] or [N,...,C]"},
               {"scale", kFloats, "[C]"},
               {"b", kFloats, "[C]"},
               {"mean", kFloats, "[C]"},
               {"var", kFloats, "[C]"}};
  op.outputs = {{"y", kFloats, "as x"},
                {"running_mean", kFloats, "[C], training mode only", Arity::kOptional},
                {"running_var", kFloats, "[C], training mode only", Arity::kOptional}};
  op.attrs = {FloatAttr("epsilon", 1e-5F, "keeps the variance off zero"),
              FloatAttr("momentum", 0.9F, "share of the old running mean and variance, training mode only"),
              IntAttr("training_mode", 0, "1: normalise by the batch's own moments"), LayoutAttr()};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 2 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "BatchNormalization", 1, 13, ImportOldOnnx},
                {Format::kOnnx, "BatchNormalization", 14},
                {Format::kTensorflow, "FusedBatchNorm", 1, INT_MAX, ImportTf},
                {Format::kTensorflow, "FusedBatchNormV2", 1, INT_MAX, ImportTf},
                {Format::kTensorflow, "FusedBatchNormV3", 1, INT_MAX, ImportTf}};
  return op;
}

}  // namespace slipway
