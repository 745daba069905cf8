// Matrices with a given diagonal, zeros around it or those of another matrix.
//
// Source: TensorFlow's MatrixDiag and MatrixSetDiag, TFLite's MATRIX_DIAG and MATRIX_SET_DIAG (main
// diagonal).
#include <cstring>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/move.h"

namespace slipway {
namespace {

constexpr DTypeSet kElements = kNumbers | kBools;

Status InferDiag(InferContext& context) {
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  if (!context.shape(0)) return Status::Ok();
  DimList shape = *context.shape(0);
  if (shape.empty()) return context.Error("the diagonal is a scalar");
  shape.push_back(shape.back());
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

bool Differ(const Dim& a, const Dim& b) { return a.IsKnown() && b.IsKnown() && a.value() != b.value(); }

Status InferSetDiag(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& diagonal = context.shape(1);
  if (x && diagonal) {
    bool fits = x->size() >= 2 && diagonal->size() + 1 == x->size();
    for (size_t i = 0; fits && i + 2 < x->size(); ++i) fits = !Differ((*x)[i], (*diagonal)[i]);
    if (fits && x->back().IsKnown() && (*x)[x->size() - 2].IsKnown())
      fits = !Differ(diagonal->back(), std::min(x->back().value(), (*x)[x->size() - 2].value()));
    if (!fits) return context.Error("x is " + ToString(*x) + ", the diagonal " + ToString(*diagonal));
  }
  return InferSameAsInput(context);
}

// `diagonal` onto every matrix [rows,columns] of y.
void StoreDiagonals(const Tensor& diagonal, Tensor& y) {
  const int64_t rows = y.dim(-2);
  const int64_t columns = y.dim(-1);
  const int64_t length = std::min(rows, columns);
  for (int64_t i = 0; i < diagonal.count(); ++i) {
    const int64_t at = i % length;
    CopyElement(y.dtype(), diagonal.data(), i, y.data(), (i / length * rows + at) * columns + at);
  }
}

Status RunDiag(RunContext& context) {
  Tensor& y = context.out(0);
  if (y.count() > 0) std::memset(y.data(), 0, static_cast<size_t>(y.size_bytes()));
  StoreDiagonals(context.in(0), y);
  return Status::Ok();
}

Status RunSetDiag(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RunMove(context));
  StoreDiagonals(context.in(1), context.out(0));
  return Status::Ok();
}

}  // namespace

OpDef MakeMatrixDiag() {
  OpDef op;
  op.name = "MatrixDiag";
  op.group = "shape";
  op.summary = "Square matrices with the given diagonals, zeros elsewhere.";
  op.formula = "y[...,i,i] = x[...,i]";
  op.inputs = {{"x", kElements, "[...,n]"}};
  op.outputs = {{"y", kElements, "[...,n,n]"}};
  op.infer = InferDiag;
  op.reference = RunDiag;
  op.cases = [] { return std::vector<TestCase>{{"two", {{.dims = {2, 3}}}, {}}}; };
  op.foreign = {{Format::kTflite, "MATRIX_DIAG"}, {Format::kTensorflow, "MatrixDiag"}};
  return op;
}

OpDef MakeMatrixSetDiag() {
  OpDef op;
  op.name = "MatrixSetDiag";
  op.group = "shape";
  op.summary = "A copy of x with other diagonals.";
  op.formula = "y[...,i,i] = diagonal[...,i], else x";
  op.inputs = {{"x", kElements, "[...,m,n]"}, {"diagonal", kElements, "[...,min(m,n)]"}};
  op.outputs = {{"y", kElements, "the shape of x"}};
  op.infer = InferSetDiag;
  op.reference = RunSetDiag;
  op.cases = [] {
    return std::vector<TestCase>{{"tall", {{.dims = {2, 4, 3}}, {.dims = {2, 3}}}, {}},
                                 {"wide", {{.dims = {2, 5}}, {.dims = {2}}}, {}}};
  };
  op.foreign = {{Format::kTflite, "MATRIX_SET_DIAG"}, {Format::kTensorflow, "MatrixSetDiag"}};
  return op;
}

}  // namespace slipway
