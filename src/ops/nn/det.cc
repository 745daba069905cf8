// Determinant, by Gaussian elimination with the largest pivot of each column, in double.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  if (shape.size() < 2) return context.Error("x is " + ToString(shape) + "; it must be matrices");
  const Dim columns = shape.back();
  const Dim rows = shape[shape.size() - 2];
  if (rows.IsKnown() && columns.IsKnown() && rows.value() != columns.value()) {
    return context.Error("the matrices are " + rows.ToString() + " x " + columns.ToString() +
                         "; they must be square");
  }
  shape.resize(shape.size() - 2);
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// a: n x n, row-major; overwritten.
double Determinant(std::vector<double>& a, size_t n) {
  double product = 1;
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t r = k + 1; r < n; ++r) {
      if (std::fabs(a[r * n + k]) > std::fabs(a[pivot * n + k])) pivot = r;
    }
    if (a[pivot * n + k] == 0) return 0;
    for (size_t c = 0; c < n && pivot != k; ++c) std::swap(a[pivot * n + c], a[k * n + c]);
    product *= (pivot != k ? -1 : 1) * a[k * n + k];
    for (size_t r = k + 1; r < n; ++r) {
      const double factor = a[r * n + k] / a[k * n + k];
      for (size_t c = k; c < n; ++c) a[r * n + c] -= factor * a[k * n + c];
    }
  }
  return product;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const int64_t n = x.dim(-1);
  std::vector<double> matrix(static_cast<size_t>(n * n));
  for (int64_t i = 0; i < y.count(); ++i) {
    for (int64_t k = 0; k < n * n; ++k)
      matrix[static_cast<size_t>(k)] = LoadReal(x.dtype(), x.data(), i * n * n + k);
    StoreReal(y.dtype(), y.data(), i, Determinant(matrix, static_cast<size_t>(n)));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeDet() {
  OpDef op;
  op.name = "Det";
  op.group = "nn";
  op.summary = "Determinant of every matrix.";
  op.inputs = {{"x", kFloats, "[...,M,M]"}};
  op.outputs = {{"y", kFloats, "[...]"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"one", {{.dims = {5, 5}}}, {}}, {"many", {{.dims = {2, 3, 4, 4}}}, {}}};
  };
  op.foreign = {{Format::kOnnx, "Det", 11}, {Format::kTensorflow, "MatrixDeterminant"}};
  return op;
}

}  // namespace slipway
