// The half spectrum of real signals along the last one, two or three axes.
//
// Source: TensorFlow's RFFT, RFFT2D, RFFT3D; TFLite's RFFT2D. Signals are cut or filled with zeros to the
// length.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"
#include "ops/signal/fourier.h"

namespace slipway {
namespace {

using Complex = std::complex<double>;

DType ComplexOf(DType real) { return real == DType::kF64 ? DType::kC128 : DType::kC64; }

Status Infer(InferContext& context) {
  const DType dtype = ComplexOf(context.dtype(0));
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  const auto& x = context.shape(0);
  const auto& axes = context.shape(1);
  if (!x || !axes || axes->size() != 1 || !(*axes)[0].IsKnown()) return Status::Ok();
  const auto count = static_cast<size_t>((*axes)[0].value());
  if (count < 1 || count > 3 || count > x->size())
    return context.Error("has " + std::to_string(count) + " lengths for x " + ToString(*x) +
                         "; it needs 1 to 3, one for each of the last axes");
  DimList shape = *x;
  const auto lengths = context.content(1);
  for (size_t i = 0; i < count; ++i) {
    Dim& extent = shape[x->size() - count + i];
    extent = lengths && lengths->size() == count ? (*lengths)[i] : Dim();
    if (extent.IsKnown() && extent.value() < 1)
      return context.Error("length " + extent.ToString() + " must be 1 or more");
  }
  shape.back() = FloorDiv(shape.back(), 2) + 1;
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

// Transforms every line of a dense array along one axis.
void FourierAlong(std::vector<Complex>& values, const Dims& dims, size_t axis) {
  const std::vector<int64_t> strides = DenseStrides(dims);
  const auto length = static_cast<size_t>(dims[axis]);
  const auto stride = static_cast<size_t>(strides[axis]);
  std::vector<Complex> line(length);
  for (size_t start = 0; start < values.size(); ++start) {
    if (start / stride % length != 0) continue;
    for (size_t i = 0; i < length; ++i) line[i] = values[start + i * stride];
    Fourier(line, FourierDirection::kForward);
    for (size_t i = 0; i < length; ++i) values[start + i * stride] = line[i];
  }
}

// One signal of `dims`: the part of x that lies inside `lengths`, zeros behind it.
std::vector<Complex> SignalOf(const Tensor& x, int64_t first, const Dims& dims, const Dims& lengths) {
  std::vector<Complex> values(static_cast<size_t>(CountOf(lengths)));
  const std::vector<int64_t> from = DenseStrides(dims);
  const std::vector<int64_t> to = DenseStrides(lengths);
  for (int64_t i = 0; i < CountOf(dims); ++i) {
    int64_t at = 0;
    bool is_inside = true;
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      const int64_t index = i / from[axis] % dims[axis];
      is_inside &= index < lengths[axis];
      at += index * to[axis];
    }
    if (is_inside) values[static_cast<size_t>(at)] = LoadReal(x.dtype(), x.data(), first + i);
  }
  return values;
}

void StoreComplex(Tensor& y, int64_t i, Complex value) {
  const DType part = y.dtype() == DType::kC128 ? DType::kF64 : DType::kF32;
  StoreReal(part, y.data(), 2 * i, value.real());
  StoreReal(part, y.data(), 2 * i + 1, value.imag());
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Dims lengths = IntsOf(context.in(1));
  if (lengths.empty() || lengths.size() > 3 || static_cast<int>(lengths.size()) > x.rank())
    return context.Error("has " + std::to_string(lengths.size()) + " lengths for x " + Describe(x));
  for (int64_t length : lengths) {
    if (length < 1) return context.Error("length " + std::to_string(length) + " must be 1 or more");
  }
  SLIPWAY_RETURN_IF_ERROR(ElementCount(lengths).status());
  const size_t outer = x.dims().size() - lengths.size();
  const Dims signal(x.dims().begin() + static_cast<int64_t>(outer), x.dims().end());
  Dims result(x.dims().begin(), x.dims().begin() + static_cast<int64_t>(outer));
  const int64_t signals = CountOf(result);
  result.insert(result.end(), lengths.begin(), lengths.end());
  result.back() = lengths.back() / 2 + 1;
  SLIPWAY_RETURN_IF_ERROR(ElementCount(result).status());
  Tensor& y = context.AllocateOutput(0, result);
  const int64_t half = result.back();
  int64_t to = 0;
  for (int64_t n = 0; n < signals; ++n) {
    std::vector<Complex> values = SignalOf(x, n * CountOf(signal), signal, lengths);
    for (size_t axis = lengths.size(); axis-- > 0;) FourierAlong(values, lengths, axis);
    for (size_t i = 0; i < values.size(); ++i) {
      if (static_cast<int64_t>(i) % lengths.back() < half) StoreComplex(y, to++, values[i]);
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeRFFT() {
  OpDef op;
  op.name = "RFFT";
  op.group = "signal";
  op.summary = "Half the spectrum of real signals along their last axes, as complex numbers.";
  op.formula = "X[k] = sum over j of x[j] e^(-2 pi i j k / n), for k of 0 to n/2 on the last axis";
  op.inputs = {{"x", {DType::kF32, DType::kF64}, "[...,signal axes]"},
               {"fft_length", kIndices, "one length for each of the last 1 to 3 axes"}};
  op.outputs = {{"y", {DType::kC64, DType::kC128}, "[...,fft_length], the last axis length/2 + 1"}};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 40 * context.CountOfOutput(0); };
  op.cases = [] {
    const auto lengths = [](std::vector<double> values) {
      return TestInput{.dtype = DType::kI32,
                       .dims = {static_cast<int64_t>(values.size())},
                       .values = std::move(values),
                       .is_constant = true};
    };
    return std::vector<TestCase>{{"one", {{.dims = {3, 16}}, lengths({16})}, {}},
                                 {"longer", {{.dims = {2, 5}}, lengths({8})}, {}},
                                 {"two", {{.dims = {2, 6, 9}}, lengths({4, 8})}, {}}};
  };
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "RFFT2D"},
                {Format::kTensorflow, "RFFT"},
                {Format::kTensorflow, "RFFT2D"},
                {Format::kTensorflow, "RFFT3D"}};
  return op;
}

}  // namespace slipway
