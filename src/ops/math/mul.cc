// Element-wise product; integers wrap around.
#include <complex>

#include "ops/activation.h"
#include "ops/legacy_broadcast.h"
#include "ops/math/arithmetic.h"
#include "ops/math/quantized.h"

namespace slipway {
namespace {

template <class T>
Status RunComplex(const RunContext& context) {
  if (ActivationOf(context.attrs()).kind != Activation::kNone)
    return context.Error("no activation is defined on complex numbers");
  const std::span<const T> a = context.in(0).values<T>();
  const std::span<const T> b = context.in(1).values<T>();
  const std::span<T> c = context.out(0).values<T>();
  const Dims shapes[] = {context.in(0).dims(), context.in(1).dims()};
  ForEachBroadcast(context.out(0).dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    c[static_cast<size_t>(i)] = a[static_cast<size_t>(at[0])] * b[static_cast<size_t>(at[1])];
  });
  return Status::Ok();
}

}  // namespace

OpDef MakeMul() {
  OpDef op = ArithmeticOp();
  op.name = "Mul";
  for (std::vector<Port>* ports : {&op.inputs, &op.outputs}) {
    for (Port& port : *ports) port.dtypes = port.dtypes | DTypeSet{DType::kC64, DType::kC128};
  }
  op.summary = "Element-wise product; integers wrap around.";
  op.formula = "c = a * b";
  op.infer = [](InferContext& context) {
    return InferOnExtents(context, [](const Dim& a, const Dim& b) { return a * b; });
  };
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedMul(context);
    if (context.in(0).dtype() == DType::kC64) return RunComplex<std::complex<float>>(context);
    if (context.in(0).dtype() == DType::kC128) return RunComplex<std::complex<double>>(context);
    return RunArithmetic(
        context, {.real = [](double a, double b) { return a * b; },
                  .signed_integer =
                      [](int64_t a, int64_t b) {
                        return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
                      }});
  };
  op.cases = [] { return WithQuantized(ArithmeticCases(-4, 4), {-4, 4}, {-14, 14}); };
  op.foreign = {{Format::kOnnx, "Mul", 7},
                {Format::kOnnx, "Mul", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "Mul", 1},
                {Format::kTflite, "MUL", 1, INT_MAX, ImportTfliteActivation},
                {Format::kTflite, "STABLEHLO_MULTIPLY"}};
  return op;
}

}  // namespace slipway
