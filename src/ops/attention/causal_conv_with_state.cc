// Depthwise convolution along time that sees only the past and carries its last inputs to the next call, as
// ONNX's CausalConvWithState-27 has it (Mamba, Gated DeltaNet).
#include <cmath>

#include "base/scalar.h"
#include "ops/attention/heads.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

enum Input : size_t { kX, kWeight, kBias, kPast };

Status CheckRank(const InferContext& context, size_t i, size_t rank) {
  if (!context.HasInput(i) || !context.shape(i) || context.shape(i)->size() == rank) return Status::Ok();
  return context.Error(context.op().inputs[i].name + " " + ToString(*context.shape(i)) + " must have rank " +
                       std::to_string(rank));
}

Status Infer(InferContext& context) {
  Dim batch, channels, length, taps, one(1);
  SLIPWAY_RETURN_IF_ERROR(CheckRank(context, kX, 3));
  SLIPWAY_RETURN_IF_ERROR(CheckRank(context, kWeight, 3));
  SLIPWAY_RETURN_IF_ERROR(CheckRank(context, kBias, 1));
  SLIPWAY_RETURN_IF_ERROR(CheckRank(context, kPast, 3));
  if (context.shape(kX)) {
    batch = (*context.shape(kX))[0];
    channels = (*context.shape(kX))[1];
    length = (*context.shape(kX))[2];
  }
  if (context.shape(kWeight)) {
    const DimList& weight = *context.shape(kWeight);
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the number of channels", channels, weight[0]));
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the weight's second extent", one, weight[1]));
    taps = weight[2];
    if (taps.IsKnown() && taps.value() < 1)
      return context.Error("weight " + ToString(weight) + " has no taps");
  }
  Dim state = taps - Dim(1);
  if (context.HasInput(kBias) && context.shape(kBias)) {
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the number of channels", channels, (*context.shape(kBias))[0]));
  }
  if (context.HasInput(kPast) && context.shape(kPast)) {
    const DimList& past = *context.shape(kPast);
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the batch", batch, past[0]));
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the number of channels", channels, past[1]));
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the state's length", state, past[2]));
  }
  context.SetOutput(0, context.dtype(kX), {batch, channels, length});
  if (context.num_outputs() > 1) context.SetOutput(1, context.dtype(kX), {batch, channels, state});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(kX);
  const int64_t channels = x.dim(1);
  const int64_t length = x.dim(2);
  const int64_t taps = context.in(kWeight).dim(2);
  const int64_t state = taps - 1;
  const bool has_silu = context.attrs().String("activation") != "none";
  const std::vector<double> weights = Reals(context.in(kWeight));
  Tensor& y = context.out(0);
  for (int64_t row = 0; row < x.dim(0) * channels; ++row) {
    const int64_t c = row % channels;
    // What the window slides over: the state, then the row.
    std::vector<double> line(static_cast<size_t>(state + length), 0.0);
    for (int64_t i = 0; i < state && context.HasInput(kPast); ++i) {
      line[static_cast<size_t>(i)] =
          LoadReal(context.in(kPast).dtype(), context.in(kPast).data(), row * state + i);
    }
    for (int64_t i = 0; i < length; ++i) {
      line[static_cast<size_t>(state + i)] = LoadReal(x.dtype(), x.data(), row * length + i);
    }
    const double bias =
        context.HasInput(kBias) ? LoadReal(context.in(kBias).dtype(), context.in(kBias).data(), c) : 0;
    for (int64_t i = 0; i < length; ++i) {
      double sum = bias + Dot(line.data() + i, weights.data() + c * taps, taps);
      if (has_silu) sum /= 1 + std::exp(-sum);
      StoreReal(y.dtype(), y.data(), row * length + i, sum);
    }
    for (int64_t i = 0; i < state && context.HasOutput(1); ++i) {
      StoreReal(context.out(1).dtype(), context.out(1).data(), row * state + i,
                line[static_cast<size_t>(length + i)]);
    }
  }
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  const auto x = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
  const TestInput absent{.is_absent = true};
  return {
      {"plain", {x({2, 4, 8}), x({4, 1, 4})}, {}, 2},
      {"state", {x({2, 4, 3}), x({4, 1, 5}), x({4}), x({2, 4, 4})}, {{"activation", std::string("silu")}}, 2},
      {"one_tap", {x({1, 3, 7}), x({3, 1, 1}), x({3})}, {}, 2},
      {"short", {x({2, 3, 2}), x({3, 1, 5}), absent, absent}, {{"activation", std::string("swish")}}, 2}};
}

// onnxruntime's: only what ONNX's has too.
Status ImportContrib(ImportContext& context) {
  for (const char* name : {"channels_last", "state_window", "state_length", "state_update_capacity",
                           "input_channels", "input_channel_offset"}) {
    SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, name));
  }
  for (const char* name : {"ndim", "dilation"}) {
    if (context.attrs().Int(name, 1) == 1) continue;
    return context.Unsupported("attribute '" + std::string(name) + "' is " +
                               std::to_string(context.attrs().Int(name)) + "; only 1 is supported");
  }
  return context.EmitSame();
}

}  // namespace

OpDef MakeCausalConvWithState() {
  OpDef op;
  op.name = "CausalConvWithState";
  op.group = "attention";
  op.summary = "Depthwise convolution along time over the past only, with the last inputs carried on.";
  op.formula = "y[t] = act(b + sum_i w[i] x[t - taps + 1 + i])";
  op.inputs = {{"x", kFloats, "[B,C,L]"},
               {"weight", kFloats, "[C,1,taps]"},
               {"bias", kFloats, "[C]", Arity::kOptional},
               {"past_state", kFloats, "[B,C,taps-1], stands before x; absent: zeros", Arity::kOptional}};
  op.outputs = {
      {"y", kFloats, "[B,C,L]"},
      {"present_state", kFloats, "[B,C,taps-1]: the last of what stands before, and x", Arity::kOptional}};
  op.attrs = {StringAttr("activation", "none", {"none", "silu", "swish"}, "swish and silu are the same")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const auto& weight = context.shape(kWeight);
    if (!weight || weight->size() != 3 || !(*weight)[2].IsKnown()) return 0.0;
    return 2 * context.CountOfOutput(0) * static_cast<double>((*weight)[2].value());
  };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "CausalConvWithState", 27}, ContribRow("CausalConvWithState", ImportContrib)};
  return op;
}

}  // namespace slipway
