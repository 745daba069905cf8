// Gathering, scattering, counting and joining of TensorFlow that is several of our operators. Beside each:
// its formula.
#include "base/scalar.h"
#include "formats/tensorflow/parts.h"

namespace slipway::tensorflow {
namespace {

Attrs AlongRows() { return {{"axis", int64_t{0}}}; }
Attrs Dropping() { return {{"keepdims", int64_t{0}}}; }

// y[x[i]] = i
void InvertPermutation(Parts& p) {
  const ValueId x = p.In(0);
  const ValueId zeros = p.Add("Sub", {x, x});
  const ValueId count = p.Cast(p.Reshape(p.Add("Shape", {x}), {}), p.TypeOf(x).dtype);
  const ValueId numbers = p.Add("Range", {p.Like(x, 0), count, p.Like(x, 1)});
  const ValueId rows = p.Reshape(p.Cast(x, DType::kI64), {-1, 1});
  p.Bind(0, p.Add("ScatterND", {zeros, rows, numbers}));
}

// The last s of an axis come first.
void Roll(Parts& p) {
  const std::vector<int64_t> shifts = p.KnownInts(1);
  const std::vector<int64_t> axes = p.KnownInts(2);
  if (!p.ok() || shifts.size() != axes.size()) return p.Refuse("as many shifts as axes");
  ValueId x = p.In(0);
  for (size_t i = 0; i < shifts.size(); ++i) {
    const Type type = p.TypeOf(x);
    if (!p.ok() || !type.HasRank()) return p.Refuse("of an unknown rank");
    const int64_t axis = axes[i] < 0 ? axes[i] + type.rank() : axes[i];
    if (axis < 0 || axis >= type.rank() || !(*type.shape)[static_cast<size_t>(axis)].IsKnown())
      return p.Refuse("along an axis of unknown extent");
    const int64_t extent = (*type.shape)[static_cast<size_t>(axis)].value();
    const int64_t shift = extent == 0 ? 0 : (shifts[i] % extent + extent) % extent;
    if (shift == 0) continue;
    const auto slice = [&](int64_t begin, int64_t end) {
      return p.Add("Slice", {x, p.Ints({begin}), p.Ints({end}), p.Ints({axis})});
    };
    x = p.Add("Concat", {slice(extent - shift, extent), slice(0, extent - shift)}, {{"axis", axis}});
  }
  p.Bind(0, p.Add("Identity", {x}));
}

// --- Segments ---

ValueId Segments(Parts& p, const char* reduction, ValueId x, ValueId ids, ValueId count = kNoValue) {
  std::vector<ValueId> inputs = {x, ids};
  if (count != kNoValue) inputs.push_back(count);
  return p.Add("SegmentReduce", std::move(inputs), {{"reduction", std::string(reduction)}});
}

// How many there are in each segment, at least 1, in the shape [segments, 1...] of rank `rank`.
ValueId Counts(Parts& p, ValueId x, ValueId ids, ValueId count = kNoValue) {
  const Type type = p.TypeOf(x);
  if (!p.ok() || !type.HasRank() || type.rank() == 0) {
    p.Refuse("of an unknown rank");
    return kNoValue;
  }
  const ValueId ones = p.Add("Expand", {p.Like(x, 1), p.Add("Shape", {ids})});
  const ValueId counts = p.Add("Max", {Segments(p, "add", ones, ids, count), p.Like(x, 1)});
  std::vector<int64_t> shape(static_cast<size_t>(type.rank()), 1);
  shape[0] = -1;
  return p.Reshape(counts, shape);
}

// Segments between that are empty hold 0, whatever the reduction.
ValueId ZeroWhereEmpty(Parts& p, ValueId reduced, ValueId x, ValueId ids) {
  const Type type = p.TypeOf(x);
  if (!p.ok() || !type.HasRank() || type.rank() == 0) return kNoValue;
  const ValueId ones = p.Add("Expand", {p.Scalar(DType::kI32, 1), p.Add("Shape", {ids})});
  std::vector<int64_t> shape(static_cast<size_t>(type.rank()), 1);
  shape[0] = -1;
  const ValueId counts = p.Reshape(Segments(p, "add", ones, ids), shape);
  return p.Add("Where", {p.Add("Greater", {counts, p.Scalar(DType::kI32, 0)}), reduced, p.Like(x, 0)});
}

void SegmentMax(Parts& p) {
  p.Bind(0, ZeroWhereEmpty(p, Segments(p, "max", p.In(0), p.In(1)), p.In(0), p.In(1)));
}
void SegmentMin(Parts& p) {
  p.Bind(0, ZeroWhereEmpty(p, Segments(p, "min", p.In(0), p.In(1)), p.In(0), p.In(1)));
}
// An empty product is 1.
void SegmentProd(Parts& p) { p.Bind(0, Segments(p, "mul", p.In(0), p.In(1))); }
void SegmentMean(Parts& p) {
  p.Bind(0, p.Add("Div", {Segments(p, "add", p.In(0), p.In(1)), Counts(p, p.In(0), p.In(1))}));
}

// Segments of the rows data[indices]; with a fourth operand there are that many.
void SparseSegment(Parts& p, bool is_divided, bool is_root) {
  const ValueId rows = p.Add("Gather", {p.In(0), p.In(1)}, AlongRows());
  const ValueId count = p.num_inputs() > 3 ? p.In(3) : kNoValue;
  ValueId y = Segments(p, "add", rows, p.In(2), count);
  if (is_divided) {
    ValueId counts = Counts(p, rows, p.In(2), count);
    if (is_root) counts = p.Add("Sqrt", {counts});
    y = p.Add("Div", {y, counts});
  }
  p.Bind(0, y);
}
void SparseSegmentSum(Parts& p) { SparseSegment(p, false, false); }
void SparseSegmentMean(Parts& p) { SparseSegment(p, true, false); }
void SparseSegmentSqrtN(Parts& p) { SparseSegment(p, true, true); }

// y[i] += value * b[column] for every element (i, column) of the sparse matrix
void SparseTensorDenseMatMul(Parts& p) {
  if (p.node().attrs.Int("adjoint_a") != 0 || p.node().attrs.Int("adjoint_b") != 0)
    return p.Refuse("of adjoint matrices");
  const auto column = [&](ValueId x, int64_t at) {
    return p.Add("Gather", {x, p.Scalar(DType::kI64, static_cast<double>(at))}, {{"axis", int64_t{-1}}});
  };
  const ValueId rows = p.Add("Gather", {p.In(3), column(p.In(0), 1)}, AlongRows());
  const ValueId weighted = p.Add("Mul", {rows, p.Reshape(p.In(1), {-1, 1})});
  p.Bind(0, Segments(p, "add", weighted, column(p.In(0), 0), column(p.In(2), 0)));
}

// --- Counting ---

// y[k] = how often x is k, or the sum of its weights there; of a matrix, row by row.
void Bincount(Parts& p) {
  const bool is_binary = p.node().attrs.Int("binary_output") != 0;
  const Type type = p.TypeOf(p.In(0));
  const Type weights = p.TypeOf(p.In(2));
  if (!p.ok() || !type.HasRank() || type.rank() < 1 || !weights.IsStatic())
    return p.Refuse("of unknown ranks");
  const bool is_weighted = slipway::CountOf(KnownDims(*weights.shape)) > 0;
  const ValueId values = p.Add(
      "Concat", {p.Reshape(p.Scalar(weights.dtype, 0), {1}), p.Reshape(p.Scalar(weights.dtype, 1), {1})},
      AlongRows());
  ValueId hits = p.Add("OneHot", {p.In(0), p.In(1), values}, {{"axis", int64_t{-1}}});
  // Numbers below 0 count for nothing; OneHot counts them from the end.
  const ValueId is_low = p.Add("Less", {p.In(0), p.Like(p.In(0), 0)});
  hits = p.Add("Where", {p.Add("Unsqueeze", {is_low, p.Ints({-1})}), p.Scalar(weights.dtype, 0), hits});
  if (is_weighted && !is_binary) hits = p.Add("Mul", {hits, p.Add("Unsqueeze", {p.In(2), p.Ints({-1})})});
  p.Bind(0, p.Add(is_binary ? "ReduceMax" : "ReduceSum", {hits, p.Ints({-2})}, Dropping()));
}

// How many of a row's sorted numbers are below v, or not above it.
void Bound(Parts& p, const char* comparison) {
  const ValueId sorted = p.Add("Unsqueeze", {p.In(0), p.Ints({1})});  // [n,1,m]
  const ValueId values = p.Add("Unsqueeze", {p.In(1), p.Ints({2})});  // [n,k,1]
  const DType dtype = p.node().attrs.Type("out_type", DType::kI32);
  const ValueId hits = p.Cast(p.Add(comparison, {sorted, values}), dtype);
  p.Bind(0, p.Add("ReduceSum", {hits, p.Ints({-1})}, Dropping()));
}
void LowerBound(Parts& p) { Bound(p, "Less"); }
void UpperBound(Parts& p) { Bound(p, "LessOrEqual"); }

// --- Scattering ---

void TensorScatterSub(Parts& p) {
  p.Bind(0, p.Foreign("TensorScatterAdd", {p.In(0), p.In(1), p.Add("Neg", {p.In(2)})}, {}));
}
void ScatterNdAdd(Parts& p) { p.Bind(0, p.Foreign("TensorScatterAdd", {p.In(0), p.In(1), p.In(2)}, {})); }

// Rows of each part: those where the number is its own.
void DynamicPartition(Parts& p) {
  const Type type = p.TypeOf(p.In(1));
  const int64_t count = p.node().attrs.Int("num_partitions", 1);
  if (!p.ok() || !type.HasRank() || type.rank() != 1 || count < 1 || count > 1024)
    return p.Refuse("by numbers of more than one axis");
  for (int64_t i = 0; i < count; ++i) {
    const ValueId is_of_part = p.Add("Equal", {p.In(1), p.Like(p.In(1), static_cast<double>(i))});
    const ValueId rows = p.Reshape(p.Add("NonZero", {is_of_part}), {-1});
    p.Bind(static_cast<int>(i), p.Add("Gather", {p.In(0), rows}, AlongRows()));
  }
}

// y[indices[k]] = data[k]; of equal indices the last
void DynamicStitch(Parts& p) {
  const size_t count = p.num_inputs() / 2;
  std::vector<ValueId> rows, data;
  for (size_t i = 0; i < count; ++i) {
    const Type index = p.TypeOf(p.In(i));
    const Type part = p.TypeOf(p.In(count + i));
    if (!p.ok() || !index.HasRank() || !part.HasRank() || part.rank() < index.rank())
      return p.Refuse("of unknown ranks");
    rows.push_back(p.Reshape(p.Cast(p.In(i), DType::kI64), {-1}));
    const ValueId rest = p.Add("Shape", {p.In(count + i)}, {{"start", int64_t{index.rank()}}});
    data.push_back(p.Add("Reshape", {p.In(count + i), p.Add("Concat", {p.Ints({-1}), rest}, AlongRows())}));
  }
  if (count == 0) return p.Refuse("of nothing");
  const ValueId at = p.Add("Concat", rows, AlongRows());
  const ValueId all = p.Add("Concat", data, AlongRows());
  const ValueId last = p.Add("ReduceMax", {at, p.Ints({0})});  // [1]
  const ValueId extent = p.Add("Add", {last, p.Ints({1})});
  const ValueId rest = p.Add("Shape", {all}, {{"start", int64_t{1}}});
  const ValueId zeros = p.Add("Expand", {p.Like(all, 0), p.Add("Concat", {extent, rest}, AlongRows())});
  p.Bind(0, p.Add("ScatterND", {zeros, p.Reshape(at, {-1, 1}), all}));
}

// --- Strings ---

// All strings of a place, one after the other, with a separator between.
void StringJoin(Parts& p) {
  Tensor separator(DType::kString, {});
  *separator.as<std::string>() = p.node().attrs.String("separator");
  const bool is_separated = !separator.as<std::string>()->empty();
  const ValueId between = is_separated ? p.Constant(std::move(separator)) : kNoValue;
  ValueId joined = p.In(0);
  for (size_t i = 1; i < p.num_inputs(); ++i) {
    if (is_separated) joined = p.Add("StringConcat", {joined, between});
    joined = p.Add("StringConcat", {joined, p.In(i)});
  }
  p.Bind(0, p.num_inputs() == 1 ? p.Add("Identity", {joined}) : joined);
}

// Whole numbers in decimal, without any padding.
void AsString(Parts& p) {
  const bool is_plain = p.node().attrs.Int("width", -1) <= 0 && p.node().attrs.String("fill").empty();
  if (!IsInteger(p.TypeOf(p.In(0)).dtype) || !is_plain) return p.Refuse("of reals, or padded");
  p.Bind(0, p.Cast(p.In(0), DType::kString));
}

void StringToNumber(Parts& p) { p.Bind(0, p.Cast(p.In(0), p.node().attrs.Type("out_type", DType::kF32))); }

// Nobody may rely on what is in it.
void Empty(Parts& p) {
  const ValueId shape = p.Cast(p.In(0), DType::kI64);
  p.Bind(0, p.Add("ConstantOfShape", {shape},
                  {{"value", Tensor(p.node().attrs.Type("dtype", DType::kF32), {1})}}));
}

}  // namespace

Recipe IndexRecipeOf(const std::string& op) {
  static const std::map<std::string, Recipe> kRecipes = {
      {"AsString", AsString},
      {"Bincount", Bincount},
      {"DenseBincount", Bincount},
      {"DynamicPartition", DynamicPartition},
      {"DynamicStitch", DynamicStitch},
      {"Empty", Empty},
      {"InvertPermutation", InvertPermutation},
      {"LowerBound", LowerBound},
      {"ParallelDynamicStitch", DynamicStitch},
      {"Roll", Roll},
      {"ScatterNdNonAliasingAdd", ScatterNdAdd},
      {"SegmentMax", SegmentMax},
      {"SegmentMean", SegmentMean},
      {"SegmentMin", SegmentMin},
      {"SegmentProd", SegmentProd},
      {"SparseSegmentMean", SparseSegmentMean},
      {"SparseSegmentMeanWithNumSegments", SparseSegmentMean},
      {"SparseSegmentSqrtN", SparseSegmentSqrtN},
      {"SparseSegmentSqrtNWithNumSegments", SparseSegmentSqrtN},
      {"SparseSegmentSum", SparseSegmentSum},
      {"SparseSegmentSumWithNumSegments", SparseSegmentSum},
      {"SparseTensorDenseMatMul", SparseTensorDenseMatMul},
      {"StringJoin", StringJoin},
      {"StringToNumber", StringToNumber},
      {"TensorScatterSub", TensorScatterSub},
      {"UpperBound", UpperBound}};
  const auto found = kRecipes.find(op);
  return found == kRecipes.end() ? nullptr : found->second;
}

}  // namespace slipway::tensorflow
