// What complex numbers are made of: real part, imaginary part, magnitude.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Type type = context.input(0);
  type.dtype = type.dtype == DType::kC128 ? DType::kF64 : DType::kF32;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

template <double (*kPart)(double, double)>
Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  for (int64_t i = 0; i < y.count(); ++i)
    StoreReal(y.dtype(), y.data(), i,
              kPart(LoadReal(y.dtype(), x.data(), 2 * i), LoadReal(y.dtype(), x.data(), 2 * i + 1)));
  return Status::Ok();
}

double RealPart(double real, double) { return real; }
double ImaginaryPart(double, double imaginary) { return imaginary; }
double Magnitude(double real, double imaginary) { return std::hypot(real, imaginary); }

OpDef PartOp(const char* name, const char* summary, const char* tflite, const char* tensorflow) {
  OpDef op;
  op.name = name;
  op.group = "math";
  op.summary = summary;
  op.inputs = {{"x", {DType::kC64, DType::kC128}, "any shape"}};
  op.outputs = {{"y", {DType::kF32, DType::kF64}, "the shape of x"}};
  op.infer = Infer;
  op.foreign = {{Format::kTflite, tflite}, {Format::kTensorflow, tensorflow}};
  return op;
}

}  // namespace

OpDef MakeReal() {
  OpDef op = PartOp("Real", "The real parts of complex numbers.", "REAL", "Real");
  op.reference = Reference<RealPart>;
  return op;
}

OpDef MakeImag() {
  OpDef op = PartOp("Imag", "The imaginary parts of complex numbers.", "IMAG", "Imag");
  op.reference = Reference<ImaginaryPart>;
  return op;
}

OpDef MakeComplexAbs() {
  OpDef op = PartOp("ComplexAbs", "The magnitudes of complex numbers.", "COMPLEX_ABS", "ComplexAbs");
  op.formula = "y = sqrt(re^2 + im^2)";
  op.reference = Reference<Magnitude>;
  return op;
}

}  // namespace slipway
