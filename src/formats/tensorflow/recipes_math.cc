// Arithmetic and linear algebra of TensorFlow that is several of our operators. Beside each: its formula.
#include "formats/tensorflow/parts.h"

namespace slipway::tensorflow {
namespace {

ValueId IsZero(Parts& p, ValueId x) { return p.Add("Equal", {x, p.Like(x, 0)}); }

// |x - y| < tolerance
void ApproximateEqual(Parts& p) {
  const ValueId distance = p.Add("Abs", {p.Add("Sub", {p.In(0), p.In(1)})});
  const double tolerance = p.node().attrs.Float("tolerance", 1e-5F);
  p.Bind(0, p.Add("Less", {distance, p.Like(p.In(0), tolerance)}));
}

// x * y, 0 where y is 0
void MulNoNan(Parts& p) {
  const ValueId product = p.Add("Mul", {p.In(0), p.In(1)});
  p.Bind(0, p.Add("Where", {IsZero(p, p.In(1)), p.Like(p.In(0), 0), product}));
}

// x * f(y), 0 where x is 0
void ZeroTimes(Parts& p, ValueId f) {
  const ValueId product = p.Add("Mul", {p.In(0), f});
  p.Bind(0, p.Add("Where", {IsZero(p, p.In(0)), p.Like(p.In(0), 0), product}));
}
void Xlogy(Parts& p) { ZeroTimes(p, p.Add("Log", {p.In(1)})); }
void Xlog1py(Parts& p) { ZeroTimes(p, p.Add("Log1p", {p.In(1)})); }
void Xdivy(Parts& p) {
  const ValueId ratio = p.Add("Div", {p.In(0), p.In(1)});
  p.Bind(0, p.Add("Where", {IsZero(p, p.In(0)), p.Like(p.In(0), 0), ratio}));
}

void AccumulateNV2(Parts& p) {
  std::vector<ValueId> all;
  for (size_t i = 0; i < p.num_inputs(); ++i) all.push_back(p.In(i));
  p.Bind(0, p.Add("Sum", std::move(all)));
}

// sum of x^2 / 2
void L2Loss(Parts& p) {
  const ValueId sum = p.Add("ReduceSumSquare", {p.In(0)}, {{"keepdims", int64_t{0}}});
  p.Bind(0, p.Add("Mul", {sum, p.Like(p.In(0), 0.5)}));
}

// The losses that a graph for training ends in: -sum of p log softmax(x).
void SoftmaxCrossEntropy(Parts& p) {
  const ValueId logs = p.Add("LogSoftmax", {p.In(0)}, {{"axis", int64_t{-1}}});
  const ValueId sum =
      p.Add("ReduceSum", {p.Add("Mul", {logs, p.In(1)}), p.Ints({-1})}, {{"keepdims", int64_t{0}}});
  p.Bind(0, p.Add("Neg", {sum}));
}

// start + i (stop - start) / (num - 1)
void LinSpace(Parts& p) {
  const DType dtype = p.TypeOf(p.In(0)).dtype;
  const int64_t num = p.KnownInt(2);
  if (!p.ok() || num < 1 || num > (1 << 24)) return p.Refuse("the number of points");
  Tensor steps(DType::kF64, {num});
  for (int64_t i = 0; i < num; ++i)
    steps.as<double>()[i] = num == 1 ? 0 : static_cast<double>(i) / static_cast<double>(num - 1);
  const ValueId range = p.Add("Sub", {p.In(1), p.In(0)});
  const ValueId part = p.Add("Mul", {p.Cast(p.Constant(std::move(steps)), dtype), range});
  p.Bind(0, p.Add("Add", {part, p.In(0)}));
}

// A real matrix is its own conjugate.
void ConjugateTranspose(Parts& p) {
  const DType dtype = p.TypeOf(p.In(0)).dtype;
  if (dtype == DType::kC64 || dtype == DType::kC128) return p.Refuse("of complex numbers");
  p.Bind(0, p.Foreign("Transpose", {p.In(0), p.In(1)}, {}));
}

// --- Matrices ---

// The upper triangle from -lower on, of that the lower one up to `upper`; a negative number keeps all.
void MatrixBandPart(Parts& p) {
  const int64_t lower = p.KnownInt(1);
  const int64_t upper = p.KnownInt(2);
  ValueId x = p.In(0);
  if (lower >= 0)
    x = p.Add("Trilu", {x, p.Scalar(DType::kI64, static_cast<double>(-lower))}, {{"upper", int64_t{1}}});
  if (upper >= 0)
    x = p.Add("Trilu", {x, p.Scalar(DType::kI64, static_cast<double>(upper))}, {{"upper", int64_t{0}}});
  p.Bind(0, lower < 0 && upper < 0 ? p.Add("Identity", {x}) : x);
}

// Operand i is 0, or not there: the main diagonal.
void CheckMainDiagonal(Parts& p, size_t i) {
  if (i >= p.num_inputs()) return;
  for (int64_t k : p.KnownInts(i)) {
    if (k != 0) p.Refuse("diagonals other than the main one");
  }
}

void MatrixDiag(Parts& p) {
  CheckMainDiagonal(p, 1);
  for (size_t i : {2, 3}) {
    if (i < p.num_inputs() && p.KnownInt(i) >= 0) {
      const Type type = p.TypeOf(p.In(0));
      const bool is_square =
          type.HasRank() && !type.shape->empty() && type.shape->back() == Dim(p.KnownInt(i));
      if (!is_square) p.Refuse("matrices that are not square");
    }
  }
  p.Bind(0, p.Add("MatrixDiag", {p.In(0)}));
}

void MatrixSetDiag(Parts& p) {
  CheckMainDiagonal(p, 2);
  p.Bind(0, p.Add("MatrixSetDiag", {p.In(0), p.In(1)}));
}

// Rows of the matrices, one after the other, at i (columns + 1).
ValueId DiagonalOf(Parts& p, ValueId x, int64_t rows, int64_t columns, std::vector<int64_t> front) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < std::min(rows, columns); ++i) places.push_back(i * (columns + 1));
  front.push_back(rows * columns);
  return p.Add("Gather", {p.Reshape(x, front), p.Ints(places)}, {{"axis", int64_t{-1}}});
}

void MatrixDiagPart(Parts& p) {
  CheckMainDiagonal(p, 1);
  const Dims dims = p.KnownShape(p.In(0));
  if (!p.ok() || dims.size() < 2) return p.Refuse("of no matrix");
  const std::vector<int64_t> front(dims.begin(), dims.end() - 2);
  p.Bind(0, DiagonalOf(p, p.In(0), dims[dims.size() - 2], dims.back(), front));
}

// Diag of a vector is MatrixDiag; of tensors of more axes nobody asks.
void Diag(Parts& p) {
  if (p.KnownShape(p.In(0)).size() != 1) p.Refuse("of more than one axis");
  p.Bind(0, p.Add("MatrixDiag", {p.In(0)}));
}

void DiagPart(Parts& p) {
  const Dims dims = p.KnownShape(p.In(0));
  if (p.ok() && dims.size() != 2) return p.Refuse("of more than two axes");
  if (p.ok()) p.Bind(0, DiagonalOf(p, p.In(0), dims[0], dims[1], {}));
}

}  // namespace

Recipe MathRecipeOf(const std::string& op) {
  static const std::map<std::string, Recipe> kRecipes = {
      {"AccumulateNV2", AccumulateNV2},
      {"ApproximateEqual", ApproximateEqual},
      {"ConjugateTranspose", ConjugateTranspose},
      {"Diag", Diag},
      {"DiagPart", DiagPart},
      {"L2Loss", L2Loss},
      {"LinSpace", LinSpace},
      {"MatrixBandPart", MatrixBandPart},
      {"MatrixDiagPart", MatrixDiagPart},
      {"MatrixDiagPartV2", MatrixDiagPart},
      {"MatrixDiagPartV3", MatrixDiagPart},
      {"MatrixDiagV2", MatrixDiag},
      {"MatrixDiagV3", MatrixDiag},
      {"MatrixSetDiagV2", MatrixSetDiag},
      {"MatrixSetDiagV3", MatrixSetDiag},
      {"MulNoNan", MulNoNan},
      {"SoftmaxCrossEntropyWithLogits", SoftmaxCrossEntropy},
      {"Xdivy", Xdivy},
      {"Xlog1py", Xlog1py},
      {"Xlogy", Xlogy}};
  const auto found = kRecipes.find(op);
  return found == kRecipes.end() ? nullptr : found->second;
}

}  // namespace slipway::tensorflow
