// TFLite's EMBEDDING_LOOKUP_SPARSE: weighted sums of a table's rows, gathered by a sparse matrix of row
// numbers.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

enum Operand : size_t { kIds = 0, kPlaces, kDenseShape, kWeights, kTable };

Status Infer(InferContext& context) {
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(kTable)));
  const auto& table = context.shape(kTable);
  if (!table) return Status::Ok();
  if (table->empty()) return context.Error("the table is a scalar");
  const std::optional<Ints> dense = context.ints(kDenseShape);
  if (!dense) return Status::Ok();
  if (dense->empty()) return context.Error("dense_shape is empty");
  DimList shape;
  for (size_t i = 0; i + 1 < dense->size(); ++i) {
    if ((*dense)[i] < 0) return context.Error("dense_shape holds " + std::to_string((*dense)[i]));
    shape.emplace_back((*dense)[i]);
  }
  shape.insert(shape.end(), table->begin() + 1, table->end());
  context.SetOutput(0, context.dtype(kTable), std::move(shape));
  return Status::Ok();
}

// Which sum the entry `i` of the sparse matrix belongs to; an error outside the dense shape.
Result<int64_t> SumOf(const RunContext& context, int64_t i, const Dims& sums) {
  const Tensor& indices = context.in(kPlaces);
  int64_t at = 0;
  for (size_t axis = 0; axis < sums.size(); ++axis) {
    const int64_t index =
        LoadInt(indices.dtype(), indices.data(), i * indices.dim(1) + static_cast<int64_t>(axis));
    if (index < 0 || index >= sums[axis])
      return context.Error("index " + std::to_string(index) + " is outside dense_shape " + ToString(sums));
    at = at * sums[axis] + index;
  }
  return at;
}

Status Reference(RunContext& context) {
  const Tensor& ids = context.in(kIds);
  const Tensor& indices = context.in(kPlaces);
  const Tensor& dense = context.in(kDenseShape);
  const Tensor& weights = context.in(kWeights);
  const Tensor& table = context.in(kTable);
  const int64_t count = ids.count();
  const bool fits = indices.rank() == 2 && indices.dim(0) == count && indices.dim(1) == dense.count() &&
                    weights.count() == count && dense.count() > 0;
  if (!fits)
    return context.Error("ids " + Describe(ids) + ", indices " + Describe(indices) + ", dense_shape " +
                         Describe(dense) + " and weights " + Describe(weights) + " do not fit");
  Dims sums;
  for (int64_t i = 0; i + 1 < dense.count(); ++i) sums.push_back(LoadInt(dense.dtype(), dense.data(), i));
  Dims shape = sums;
  shape.insert(shape.end(), table.dims().begin() + 1, table.dims().end());
  SLIPWAY_RETURN_IF_ERROR(ElementCount(shape).status());
  Tensor& y = context.AllocateOutput(0, std::move(shape));
  if (y.count() == 0) return Status::Ok();
  const int64_t width = y.count() / CountOf(sums);
  std::vector<double> totals(static_cast<size_t>(y.count()), 0.0);
  std::vector<double> scales(static_cast<size_t>(CountOf(sums)), 0.0);
  const std::string& combiner = context.attrs().String("combiner");
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = LoadInt(ids.dtype(), ids.data(), i);
    if (row < 0 || row >= table.dim(0))
      return context.Error("id " + std::to_string(row) + " is outside the table " + Describe(table));
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t sum, SumOf(context, i, sums));
    const double weight = LoadReal(weights.dtype(), weights.data(), i);
    scales[static_cast<size_t>(sum)] += combiner == "SQRTN" ? weight * weight : weight;
    for (int64_t j = 0; j < width; ++j)
      totals[static_cast<size_t>(sum * width + j)] +=
          weight * LoadReal(table.dtype(), table.data(), row * width + j);
  }
  for (int64_t i = 0; i < y.count(); ++i) {
    const double scale = scales[static_cast<size_t>(i / width)];
    const double divisor = combiner == "SUM" || scale == 0 ? 1
                           : combiner == "MEAN"            ? scale
                                                           : std::sqrt(scale);
    StoreReal(y.dtype(), y.data(), i, totals[static_cast<size_t>(i)] / divisor);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeEmbeddingLookupSparse() {
  OpDef op;
  op.name = "EmbeddingLookupSparse";
  op.group = "index";
  op.summary = "Weighted sums of a table's rows; a sparse matrix says which row goes to which sum.";
  op.formula = "y[s] = sum over the i with indices[i, but last] = s of weights[i] table[ids[i]] / norm";
  op.inputs = {{"ids", kIndices, "[n]: rows of the table"},
               {"indices", kIndices, "[n,k]: the first k - 1 name the sum"},
               {"dense_shape", kIndices, "[k]: extents of the indices"},
               {"weights", {DType::kF32}, "[n]"},
               {"table", {DType::kF32}, "[rows,...]"}};
  op.outputs = {{"y", {DType::kF32}, "[dense_shape but last,...]; a sum of nothing is 0"}};
  op.attrs = {
      StringAttr("combiner", "SUM", {"SUM", "MEAN", "SQRTN"},
                 "MEAN: divided by the sum of the weights; SQRTN: by the root of that of their squares")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* combiner : {"SUM", "MEAN", "SQRTN"}) {
      const auto ints = [](Dims dims, std::vector<double> numbers) {
        return TestInput{.dtype = DType::kI32, .dims = std::move(dims), .values = std::move(numbers)};
      };
      TestInput shape = ints({2}, {3, 2});
      shape.is_constant = true;
      cases.push_back({combiner,
                       {ints({3}, {1, 3, 0}),
                        ints({3, 2}, {0, 0, 2, 0, 2, 1}),
                        shape,
                        {.dims = {3}, .low = 0.5, .high = 2},
                        {.dims = {4, 3}}},
                       {{"combiner", std::string(combiner)}}});
    }
    return cases;
  };
  op.foreign = {{Format::kTflite, "EMBEDDING_LOOKUP_SPARSE"}};
  return op;
}

}  // namespace slipway
