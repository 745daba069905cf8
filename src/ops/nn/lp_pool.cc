// p-norm pooling.
#include <cmath>

#include "base/scalar.h"
#include "ops/nn/pool.h"

namespace slipway {

namespace {

// The root of the mean square under the window; what hangs over the image does not count.
Status ImportTfliteL2Pool(ImportContext& context) {
  Attrs attrs;
  SLIPWAY_RETURN_IF_ERROR(AddTfliteWindow(context, attrs));
  attrs.Set("kernel_shape",
            Ints{context.attrs().Int("filter_height", 1), context.attrs().Int("filter_width", 1)});
  const std::string& activation = context.attrs().String("fused_activation_function");
  const bool is_done = activation == "NONE" || activation == "RELU" || activation == "RELU6" ||
                       activation == "RELU_N1_TO_1" || activation.empty();
  if (!is_done) return context.Unsupported("fused activation " + activation + " is unknown");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId squares, context.Add("Mul", {context.in(0), context.in(0)}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId mean, context.Add("AveragePool", {squares}, std::move(attrs)));
  if (activation != "RELU6" && activation != "RELU_N1_TO_1") return context.Emit("Sqrt", {mean});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId root, context.Add("Sqrt", {mean}));
  const ValueId most = context.builder().Scalar(DType::kF32, activation == "RELU6" ? 6 : 1);
  return context.Emit("Clip", {root, kNoValue, most});
}

}  // namespace

OpDef MakeLpPool() {
  OpDef op;
  op.name = "LpPool";
  op.group = "nn";
  op.summary = "p-norm under a sliding window.";
  op.formula = "y = (sum_k |x[k]|^p)^(1/p)";
  op.inputs = {{"x", kFloats, "[N,C,spatial...] or [N,spatial...,C]"}};
  op.outputs = {{"y", kFloats, "pooled"}};
  op.attrs = PoolAttrs();
  op.attrs.push_back(IntAttr("p", 2, "the norm's exponent, at least 1"));
  op.infer = InferPool;
  op.reference = [](RunContext& context) {
    SLIPWAY_ASSIGN_OR_RETURN(const PoolCall call, ReadPoolCall(context));
    const auto p = static_cast<double>(context.attrs().Int("p", 2));
    if (p < 1) return context.Error("p must be at least 1");
    const Tensor& x = context.in(0);
    Tensor& y = context.out(0);
    ForEachPixel(call.out, [&](int64_t to, int64_t n, int64_t c, const std::array<int64_t, 3>& at) {
      double sum = 0;
      ForEachInWindow(call, n, c, at, [&](int64_t from, const auto&) {
        sum += std::pow(std::abs(LoadReal(x.dtype(), x.data(), from)), p);
      });
      StoreReal(y.dtype(), y.data(), to, ApplyActivation(call.activation, std::pow(sum, 1 / p)));
    });
    return Status::Ok();
  };
  op.flops = PoolFlops;
  op.cases = [] { return PoolCases(PoolDomain::kFloatOnly); };
  op.foreign = {{Format::kOnnx, "LpPool"}, {Format::kTflite, "L2_POOL_2D", 1, INT_MAX, ImportTfliteL2Pool}};
  return op;
}

}  // namespace slipway
