// Max pooling, with the positions of the maxima when asked for. Padding never wins.
#include <limits>

#include "base/scalar.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/pool.h"

namespace slipway {
namespace {

// Position within the whole tensor [N,C,spatial...], the spatial axes row- or column-major.
int64_t FlatIndex(const ImageView& in, int64_t n, int64_t c, const std::array<int64_t, 3>& at,
                  bool is_row_major) {
  const auto& size = in.size;
  const int64_t spatial = is_row_major ? (at[0] * size[1] + at[1]) * size[2] + at[2]
                                       : (at[2] * size[1] + at[1]) * size[0] + at[0];
  return (n * in.c + c) * size[0] * size[1] * size[2] + spatial;
}

// Spatial axes of extent 1 stand in front: of two axes, column-major means x * height + y.
Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const PoolCall call, ReadPoolCall(context));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const DType dtype = x.dtype();
  const Quant* quant = context.out_quant(0);
  const bool is_integer = IsInteger(dtype);
  const bool is_row_major = context.attrs().Int("storage_order") == 0;
  int64_t* indices = context.HasOutput(1) ? context.out(1).as<int64_t>() : nullptr;
  ClampRange clamp{MinOfInteger(is_integer ? dtype : DType::kI64),
                   MaxOfInteger(is_integer ? dtype : DType::kI64)};
  if (is_integer && quant != nullptr) clamp = QuantizedClamp(call.activation, dtype, *quant);
  ForEachPixel(call.out, [&](int64_t to, int64_t n, int64_t c, const std::array<int64_t, 3>& at) {
    double best = -std::numeric_limits<double>::infinity();
    int64_t where = -1;
    ForEachInWindow(call, n, c, at, [&](int64_t from, const std::array<int64_t, 3>& in) {
      const double value = LoadReal(dtype, x.data(), from);
      if (where >= 0 && !(value > best)) return;
      best = value;
      where = FlatIndex(call.in, n, c, in, is_row_major);
    });
    if (indices != nullptr) indices[to] = where;
    if (!is_integer) return StoreReal(dtype, y.data(), to, ApplyActivation(call.activation, best));
    const int64_t value = where < 0 ? clamp.low : static_cast<int64_t>(best);
    StoreInt(dtype, y.data(), to, std::min(std::max(value, clamp.low), clamp.high));
  });
  return Status::Ok();
}

// onnxruntime's NhwcMaxPool: channels stand last.
Status ImportNhwcPool(ImportContext& context) {
  return context.EmitSame({{"layout", std::string("channels_last")}});
}

}  // namespace

OpDef MakeMaxPool() {
  OpDef op;
  op.name = "MaxPool";
  op.group = "nn";
  op.summary = "Largest element under a sliding window; padding never wins.";
  op.formula = "y[n,c,p] = max_k x[n,c,p*stride - pad + k*dilation]";
  const DTypeSet types = kFloats | DTypeSet{DType::kI8, DType::kU8, DType::kI16};
  op.inputs = {{"x", types, "[N,C,spatial...] or [N,spatial...,C]"}};
  op.outputs = {{"y", types, "pooled"},
                {"indices",
                 {DType::kI64},
                 "position of each maximum in x flattened as [N,C,spatial...]",
                 Arity::kOptional}};
  op.attrs = PoolAttrs();
  op.attrs.push_back(
      IntAttr("storage_order", 0, "indices count the spatial axes row-major (0) or column-major (1)"));
  op.infer = InferPool;
  op.reference = Reference;
  op.flops = PoolFlops;
  op.cases = [] {
    std::vector<TestCase> cases = PoolCases(PoolDomain::kFloatAndInteger);
    cases.push_back(
        {"indices", {{.dims = {1, 3, 6, 6}}}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}}, 2});
    return cases;
  };
  op.foreign = {{Format::kOnnx, "MaxPool"},
                {Format::kTflite, "MAX_POOL_2D", 1, INT_MAX, ImportTflitePool},
                {Format::kTensorflow, "MaxPool", 1, INT_MAX, ImportTfPool},
                {Format::kTensorflow, "MaxPool3D", 1, INT_MAX, ImportTfPool},
                ContribRow("NhwcMaxPool", ImportNhwcPool)};
  return op;
}

}  // namespace slipway
