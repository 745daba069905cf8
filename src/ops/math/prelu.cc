// Rectified linear unit with a learnt slope.
#include "base/scalar.h"
#include "ops/legacy_broadcast.h"
#include "ops/math/elementwise.h"
#include "ops/math/quantized.h"

namespace slipway {
namespace {

Status Reference(RunContext& context) {
  if (IsQuantized(context)) return RunQuantizedPRelu(context);
  const Tensor& x = context.in(0);
  const Tensor& slope = context.in(1);
  Tensor& y = context.out(0);
  const Dims shapes[] = {x.dims(), slope.dims()};
  ForEachBroadcast(y.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    const double value = LoadReal(x.dtype(), x.data(), at[0]);
    StoreReal(y.dtype(), y.data(), i,
              value < 0 ? value * LoadReal(slope.dtype(), slope.data(), at[1]) : value);
  });
  return Status::Ok();
}

}  // namespace

OpDef MakePRelu() {
  OpDef op = UnaryOp(kNumbers);
  op.name = "PRelu";
  op.summary = "Rectified linear unit whose negative part is scaled by a learnt slope.";
  op.formula = "y = x >= 0 ? x : slope * x";
  op.inputs.push_back({"slope", kNumbers, "broadcasts to x"});
  op.infer = InferBroadcast;
  op.reference = Reference;
  op.cases = [] {
    return WithQuantized(
        {{"channels_first", {{.dims = {2, 5, 3, 7}}, {.dims = {5, 1, 1}, .is_constant = true}}, {}},
         {"channels_last", {{.dims = {2, 3, 7, 19}}, {.dims = {1, 1, 19}, .is_constant = true}}, {}}},
        {-4, 4}, {-15, 4});
  };
  op.foreign = {{Format::kOnnx, "PRelu", 7},
                {Format::kOnnx, "PRelu", 1, 6, ImportOldPRelu},
                {Format::kTflite, "PRELU"}};
  return op;
}

}  // namespace slipway
