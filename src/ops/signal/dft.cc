// Discrete Fourier transform along one axis, of real and complex signals, and its inverse.
//
// Complex numbers are pairs along the last axis. Source: ONNX DFT-20; DFT-17 has its axis as an attribute.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/signal/fourier.h"

namespace slipway {
namespace {

// Real spectra are symmetric: half is enough. Which way the half goes depends on the direction.
enum class Form { kFull, kToHalf, kFromHalf };

Form FormOf(const Attrs& attrs) {
  if (attrs.Int("onesided") == 0) return Form::kFull;
  return attrs.Int("inverse") != 0 ? Form::kFromHalf : Form::kToHalf;
}

Dim HalfOf(const Dim& length) { return FloorDiv(length, 2) + 1; }

Dim ResultExtent(Form form, const Dim& length) { return form == Form::kToHalf ? HalfOf(length) : length; }

// The length that is transformed when none is asked for.
Dim LengthOfInput(Form form, const Dim& extent) {
  return form == Form::kFromHalf ? (extent - 1) * 2 : extent;
}

Status CheckPairs(const InferContext& context, const DimList& x) {
  if (x.size() < 2) return context.Error("x is " + ToString(x) + "; it must be [...,signal,1 or 2]");
  const Dim& last = x.back();
  if (last.IsKnown() && last.value() != 1 && last.value() != 2)
    return context.Error("x is " + ToString(x) + "; its last axis must be 1 (real) or 2 (complex)");
  return Status::Ok();
}

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const Form form = FormOf(context.attrs());
  DimList shape = *context.shape(0);
  SLIPWAY_RETURN_IF_ERROR(CheckPairs(context, shape));
  const auto axes = context.ints(2);
  if (!context.HasInput(2) || (axes && axes->size() == 1)) {
    const int64_t asked = axes ? (*axes)[0] : -2;
    SLIPWAY_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context, asked, static_cast<int>(shape.size())));
    if (axis + 1 == static_cast<int>(shape.size()))
      return context.Error("axis " + std::to_string(asked) + " holds the parts of complex numbers");
    Dim& extent = shape[static_cast<size_t>(axis)];
    Dim length = LengthOfInput(form, extent);
    if (context.HasInput(1)) {
      const auto asked_length = context.content(1);
      length = asked_length && asked_length->size() == 1 ? (*asked_length)[0] : Dim();
    }
    if (length.IsKnown() && length.value() < 1)
      return context.Error("the length is " + length.ToString() + "; it must be 1 or more");
    extent = ResultExtent(form, length);
  } else {
    for (size_t i = 0; i + 1 < shape.size(); ++i) shape[i] = Dim();
  }
  shape.back() = form == Form::kFromHalf ? 1 : 2;
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

using Complex = std::complex<double>;

// Completes the second half of a spectrum whose signal is real: X[n-k] is the conjugate of X[k].
void Mirror(std::vector<Complex>& row) {
  const size_t n = row.size();
  row[0] = row[0].real();
  if (n % 2 == 0) row[n / 2] = row[n / 2].real();
  for (size_t k = n / 2 + 1; k < n; ++k) row[k] = std::conj(row[n - k]);
}

Result<int64_t> ScalarOf(const RunContext& context, size_t i, const char* name) {
  const Tensor& tensor = context.in(i);
  if (tensor.count() != 1) return context.Error(std::string(name) + " must be one number");
  return LoadInt(tensor.dtype(), tensor.data(), 0);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Form form = FormOf(context.attrs());
  int64_t axis = -2;
  if (context.HasInput(2)) {
    SLIPWAY_ASSIGN_OR_RETURN(axis, ScalarOf(context, 2, "axis"));
  }
  if (axis < 0) axis += x.rank();
  if (axis < 0 || axis + 1 >= x.rank())
    return context.Error("axis " + std::to_string(axis) + " is no signal axis of " + Describe(x));
  const auto at = static_cast<size_t>(axis);
  const int64_t extent = x.dims()[at];
  int64_t length = LengthOfInput(form, extent).value();
  if (context.HasInput(1)) {
    SLIPWAY_ASSIGN_OR_RETURN(length, ScalarOf(context, 1, "dft_length"));
  }
  if (length < 1) return context.Error("the length is " + std::to_string(length) + "; it must be 1 or more");
  Dims dims = x.dims();
  dims[at] = ResultExtent(form, length).value();
  dims.back() = form == Form::kFromHalf ? 1 : 2;
  SLIPWAY_RETURN_IF_ERROR(ElementCount(dims).status());
  Tensor& y = context.AllocateOutput(0, dims);

  const bool is_inverse = context.attrs().Int("inverse") != 0;
  const int64_t parts = x.dim(-1);
  const int64_t inner = CountOf(std::span(dims).subspan(at + 1)) / dims.back();
  const int64_t outer = CountOf(std::span(dims).first(at));
  const int64_t taken = std::min(extent, form == Form::kFromHalf ? length / 2 + 1 : length);
  for (int64_t row = 0; row < outer * inner; ++row) {
    const int64_t o = row / inner;
    const int64_t i = row % inner;
    std::vector<Complex> values(static_cast<size_t>(length));
    for (int64_t k = 0; k < taken; ++k) {
      const int64_t from = ((o * extent + k) * inner + i) * parts;
      values[static_cast<size_t>(k)] = {LoadReal(x.dtype(), x.data(), from),
                                        parts == 2 ? LoadReal(x.dtype(), x.data(), from + 1) : 0};
    }
    if (form == Form::kFromHalf) Mirror(values);
    Fourier(values, is_inverse ? FourierDirection::kInverse : FourierDirection::kForward);
    const double scale = is_inverse ? 1 / static_cast<double>(length) : 1;
    for (int64_t k = 0; k < dims[at]; ++k) {
      const int64_t to = ((o * dims[at] + k) * inner + i) * dims.back();
      const Complex value = values[static_cast<size_t>(k)] * scale;
      StoreReal(y.dtype(), y.data(), to, value.real());
      if (dims.back() == 2) StoreReal(y.dtype(), y.data(), to + 1, value.imag());
    }
  }
  return Status::Ok();
}

// The axis was an attribute.
Status ImportOld(ImportContext& context) {
  Attrs attrs;
  for (const char* name : {"inverse", "onesided"}) attrs.Set(name, context.attrs().Int(name));
  Tensor axis(DType::kI64, {});
  axis.as<int64_t>()[0] = context.attrs().Int("axis", 1);
  return context.Emit("DFT", {context.in(0), context.in(1), context.Const(std::move(axis))},
                      std::move(attrs));
}

std::vector<TestCase> Cases() {
  const auto number = [](double value) {
    return TestInput{.dtype = DType::kI64, .dims = {}, .values = {value}, .is_constant = true};
  };
  const TestInput absent{.is_absent = true};
  const Attrs onesided = {{"onesided", int64_t{1}}};
  const Attrs inverse = {{"inverse", int64_t{1}}};
  const Attrs both = {{"onesided", int64_t{1}}, {"inverse", int64_t{1}}};
  return {{"real", {{.dims = {2, 12, 1}}}, {}},
          {"complex", {{.dims = {2, 12, 2}}}, {}},
          {"prime", {{.dims = {1, 13, 2}}}, {}},
          {"axis", {{.dims = {3, 8, 5, 1}}, absent, number(1)}, {}},
          {"longer", {{.dims = {2, 5, 1}}, number(8)}, {}},
          {"shorter", {{.dims = {2, 9, 1}}, number(6)}, {}},
          {"onesided", {{.dims = {2, 9, 1}}}, onesided},
          {"inverse", {{.dims = {2, 6, 2}}}, inverse},
          {"inverse_onesided", {{.dims = {2, 5, 2}}}, both},
          {"inverse_odd", {{.dims = {2, 5, 2}}, number(9)}, both}};
}

}  // namespace

OpDef MakeDFT() {
  OpDef op;
  op.name = "DFT";
  op.group = "signal";
  op.summary =
      "Discrete Fourier transform along an axis, or its inverse; signals are cut or filled with zeros to the "
      "length.";
  op.formula = "X[k] = sum over j of x[j] e^(-2 pi i j k / n)";
  op.inputs = {{"x", kFloats, "[...,1] real or [...,2] complex"},
               {"dft_length", kIndices, "one number; the extent of the axis when left out", Arity::kOptional},
               {"axis", kIndices, "one number; -2 when left out", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[...,2], or [...,1] for an inverse of half a spectrum"}};
  op.attrs = {IntAttr("inverse", 0, "1: from the spectrum to the signal, divided by the length"),
              IntAttr("onesided", 0,
                      "1: only the first length/2 + 1 values of the spectrum are given (inverse: taken)")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 5 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "DFT", 20}, {Format::kOnnx, "DFT", 17, 19, ImportOld}};
  return op;
}

}  // namespace slipway
