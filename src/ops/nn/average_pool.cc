// Average pooling. Integers follow TFLite: the mean rounds half away from zero, without a change of scale.
#include "base/scalar.h"
#include "ops/nn/pool.h"

namespace slipway {
namespace {

// Taps of the window that lie inside the image with its padding: what count_include_pad divides by. A window
// that hangs over the end of the padding (ceil_mode) counts only what is there.
int64_t TapsWithPadding(const PoolCall& call, const std::array<int64_t, 3>& at) {
  int64_t count = 1;
  for (size_t i = 0; i < 3; ++i) {
    const Window3& window = call.window;
    const int64_t end = call.in.size[i] + window.pad_end[i];
    int64_t taps = 0;
    for (int64_t k = 0; k < window.kernel[i]; ++k) {
      taps += at[i] * window.stride[i] - window.pad[i] + k * window.dilation[i] < end ? 1 : 0;
    }
    count *= taps;
  }
  return count;
}

int64_t RoundedMean(int64_t sum, int64_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const PoolCall call, ReadPoolCall(context));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const DType dtype = x.dtype();
  const bool includes_pad = context.attrs().Int("count_include_pad") != 0;
  const bool is_integer = IsInteger(dtype);
  const Quant* quant = context.out_quant(0);
  ClampRange clamp{MinOfInteger(is_integer ? dtype : DType::kI64),
                   MaxOfInteger(is_integer ? dtype : DType::kI64)};
  if (is_integer && quant != nullptr) clamp = QuantizedClamp(call.activation, dtype, *quant);
  ForEachPixel(call.out, [&](int64_t to, int64_t n, int64_t c, const std::array<int64_t, 3>& at) {
    double sum = 0;
    int64_t count = 0;
    ForEachInWindow(call, n, c, at, [&](int64_t from, const auto&) {
      sum += LoadReal(dtype, x.data(), from);
      ++count;
    });
    if (includes_pad) count = TapsWithPadding(call, at);
    if (!is_integer) {
      return StoreReal(dtype, y.data(), to,
                       ApplyActivation(call.activation, count == 0 ? 0 : sum / static_cast<double>(count)));
    }
    const int64_t mean = count == 0 ? 0 : RoundedMean(static_cast<int64_t>(sum), count);
    StoreInt(dtype, y.data(), to, std::min(std::max(mean, clamp.low), clamp.high));
  });
  return Status::Ok();
}

}  // namespace

OpDef MakeAveragePool() {
  OpDef op;
  op.name = "AveragePool";
  op.group = "nn";
  op.summary = "Mean under a sliding window; padding counts only with count_include_pad.";
  op.formula = "y[n,c,p] = mean_k x[n,c,p*stride - pad + k*dilation]";
  const DTypeSet types = kFloats | DTypeSet{DType::kI8, DType::kU8, DType::kI16};
  op.inputs = {{"x", types, "[N,C,spatial...] or [N,spatial...,C]"}};
  op.outputs = {{"y", types, "pooled"}};
  op.attrs = PoolAttrs();
  op.attrs.push_back(IntAttr("count_include_pad", 0, "1: divide by the window's size, padding included"));
  op.infer = InferPool;
  op.reference = Reference;
  op.flops = PoolFlops;
  op.cases = [] {
    std::vector<TestCase> cases = PoolCases(PoolDomain::kFloatAndInteger);
    cases.push_back(
        {"include_pad",
         {{.dims = {1, 5, 9, 9}}},
         {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}, {"count_include_pad", int64_t{1}}}});
    return cases;
  };
  op.foreign = {{Format::kOnnx, "AveragePool"},
                {Format::kTflite, "AVERAGE_POOL_2D", 1, INT_MAX, ImportTflitePool},
                {Format::kTensorflow, "AvgPool", 1, INT_MAX, ImportTfPool},
                {Format::kTensorflow, "AvgPool3D", 1, INT_MAX, ImportTfPool}};
  return op;
}

}  // namespace slipway
