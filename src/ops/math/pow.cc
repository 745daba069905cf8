// Element-wise power; the exponent may have another type.
#include <cmath>

#include "base/scalar.h"
#include "ops/legacy_broadcast.h"
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakePow() {
  OpDef op = BinaryOp(kNumbers);
  op.name = "Pow";
  op.summary = "Element-wise power; the exponent may have another type.";
  op.formula = "c = a ^ b";
  op.infer = [](InferContext& context) {
    SLIPWAY_RETURN_IF_ERROR(InferBroadcastBool(context));  // the shape; types may differ
    Type type = context.output(0).type;
    type.dtype = context.dtype(0);
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  };
  op.reference = [](RunContext& context) {
    // Through double for every mix of types: exact for the integers that ONNX's Pow is used with (< 2^53).
    const Tensor& a = context.in(0);
    const Tensor& b = context.in(1);
    Tensor& c = context.out(0);
    const Dims shapes[] = {a.dims(), b.dims()};
    ForEachBroadcast(c.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
      const double power =
          std::pow(LoadReal(a.dtype(), a.data(), at[0]), LoadReal(b.dtype(), b.data(), at[1]));
      StoreReal(c.dtype(), c.data(), i, power);
    });
    return Status::Ok();
  };
  op.cases = [] { return BinaryCases(0.25, 3); };
  op.foreign = {{Format::kOnnx, "Pow", 7},
                {Format::kOnnx, "Pow", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "Pow", 1},
                {Format::kTflite, "POW", 1}};
  return op;
}

}  // namespace slipway
