// Rows of different lengths side by side in a dense tensor: TensorFlow's RaggedTensorToTensor.
//
// A ragged tensor is a flat list of values and, for every ragged axis from the outermost in, where its rows
// begin. Each axis becomes as long as its longest row, or as `shape` says; the rest is filled up, and what
// has no room is cut off.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

enum Operand : size_t { kShape = 0, kValues, kDefault, kFirstPartition };
constexpr size_t kMaxRaggedAxes = 32;

// Ragged axes: every partition but FIRST_DIM_SIZE, which only tells how many rows the next one has.
size_t NumRagged(const Attrs& attrs) {
  const Strings& kinds = attrs.StringList("row_partition_types");
  return kinds.size() - static_cast<size_t>(std::count(kinds.begin(), kinds.end(), "FIRST_DIM_SIZE"));
}

Status CheckKinds(const InferContext& context) {
  const Strings& kinds = context.attrs().StringList("row_partition_types");
  const size_t num_partitions =
      context.num_inputs() - std::min<size_t>(context.num_inputs(), kFirstPartition);
  if (kinds.empty() || kinds.size() != num_partitions)
    return context.Error("it has " + std::to_string(num_partitions) + " partitions, and kinds of " +
                         std::to_string(kinds.size()));
  if (kinds.size() > kMaxRaggedAxes)
    return context.Unsupported("it has " + std::to_string(kinds.size()) + " ragged axes; " +
                               std::to_string(kMaxRaggedAxes) + " are the most");
  for (size_t i = 0; i < kinds.size(); ++i) {
    const bool is_size = kinds[i] == "FIRST_DIM_SIZE";
    if (is_size && (i != 0 || kinds.size() < 2 || kinds[1] != "VALUE_ROWIDS"))
      return context.Error("FIRST_DIM_SIZE stands first only, and before VALUE_ROWIDS");
    if (!is_size && kinds[i] != "ROW_SPLITS" && kinds[i] != "VALUE_ROWIDS")
      return context.Error("partitions are FIRST_DIM_SIZE, VALUE_ROWIDS or ROW_SPLITS, not " + kinds[i]);
    if (i == 0 && kinds[i] == "VALUE_ROWIDS")
      return context.Error("VALUE_ROWIDS needs FIRST_DIM_SIZE before it, the number of rows");
  }
  return Status::Ok();
}

Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckKinds(context));
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(kValues)));
  const auto& values = context.shape(kValues);
  if (!values) return Status::Ok();
  if (values->empty()) return context.Error("the values are a scalar; they must be a list");
  DimList dims(NumRagged(context.attrs()) + 1);
  dims.insert(dims.end(), values->begin() + 1, values->end());
  if (const auto shape = context.content(kShape); shape && context.shape(kShape)->size() == 1) {
    if (shape->size() != dims.size())
      return context.Error("shape has " + std::to_string(shape->size()) + " extents, the result " +
                           std::to_string(dims.size()));
    for (size_t i = 0; i <= NumRagged(context.attrs()); ++i) {
      const Dim& given = (*shape)[i];
      if (given.IsKnown() && given.value() >= 0) dims[i] = given;
    }
  }
  context.SetOutput(0, context.dtype(kValues), std::move(dims));
  return Status::Ok();
}

// Where each row's elements begin on the next level, and where the last one ends.
using Splits = std::vector<int64_t>;

// splits, of rows over `count` elements.
Status CheckSplits(const RunContext& context, const Splits& splits, int64_t count) {
  const bool is_ordered = !splits.empty() && splits.front() == 0 && splits.back() == count &&
                          std::is_sorted(splits.begin(), splits.end());
  if (is_ordered) return Status::Ok();
  return context.Error("row splits must go up from 0 to " + std::to_string(count) +
                       ", the number of elements that they share out");
}

Result<Splits> SplitsOfIds(const RunContext& context, const std::vector<int64_t>& ids, int64_t num_rows) {
  Splits splits(static_cast<size_t>(num_rows) + 1, 0);
  int64_t row = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < row || ids[i] >= num_rows)
      return context.Error("row " + std::to_string(ids[i]) + " of element " + std::to_string(i) +
                           " is not in order, or not one of " + std::to_string(num_rows));
    while (row < ids[i]) splits[static_cast<size_t>(++row)] = static_cast<int64_t>(i);
  }
  while (row < num_rows) splits[static_cast<size_t>(++row)] = static_cast<int64_t>(ids.size());
  return splits;
}

// From the outermost axis in. Each level's rows are the elements of the one before.
Result<std::vector<Splits>> SplitsOfAll(const RunContext& context) {
  const Strings& kinds = context.attrs().StringList("row_partition_types");
  std::vector<Splits> all;
  int64_t num_rows = -1;  // open before the first
  for (size_t i = 0; i < kinds.size(); ++i) {
    const Tensor& partition = context.in(kFirstPartition + i);
    if (kinds[i] == "FIRST_DIM_SIZE") {
      if (partition.count() != 1) return context.Error("FIRST_DIM_SIZE is " + Describe(partition));
      num_rows = LoadInt(partition.dtype(), partition.data(), 0);
      constexpr int64_t kMaxRows = int64_t{1} << 31;
      if (num_rows < 0 || num_rows > kMaxRows)
        return context.Error("there are said to be " + std::to_string(num_rows) + " rows");
      continue;
    }
    Splits splits = IntsOf(partition);
    if (kinds[i] == "VALUE_ROWIDS") {
      SLIPWAY_ASSIGN_OR_RETURN(splits, SplitsOfIds(context, splits, num_rows));
    } else if (num_rows >= 0 && static_cast<int64_t>(splits.size()) != num_rows + 1) {
      return context.Error("there are " + std::to_string(splits.size()) + " row splits for " +
                           std::to_string(num_rows) + " rows");
    }
    num_rows = splits.empty() ? 0 : splits.back();
    all.push_back(std::move(splits));
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const int64_t count =
        i + 1 < all.size() ? static_cast<int64_t>(all[i + 1].size()) - 1 : context.in(kValues).dim(0);
    SLIPWAY_RETURN_IF_ERROR(CheckSplits(context, all[i], count));
  }
  return all;
}

Result<Dims> OutputDims(const RunContext& context, const std::vector<Splits>& splits) {
  const Tensor& values = context.in(kValues);
  const Tensor& shape = context.in(kShape);
  Dims dims = {static_cast<int64_t>(splits[0].size()) - 1};
  for (const Splits& each : splits) {
    int64_t longest = 0;
    for (size_t i = 1; i < each.size(); ++i) longest = std::max(longest, each[i] - each[i - 1]);
    dims.push_back(longest);
  }
  dims.insert(dims.end(), values.dims().begin() + 1, values.dims().end());
  if (shape.rank() == 0) return dims;  // -1: nothing is said
  const Ints given = IntsOf(shape);
  if (given.size() != dims.size())
    return context.Error("shape has " + std::to_string(given.size()) + " extents, the result " +
                         std::to_string(dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (given[i] < 0) continue;
    if (i > splits.size() && given[i] != dims[i])
      return context.Error("shape has extent " + std::to_string(given[i]) + " where the values have " +
                           std::to_string(dims[i]));
    dims[i] = given[i];
  }
  SLIPWAY_RETURN_IF_ERROR(ElementCount(dims).status());
  return dims;
}

// Copies the rows of one level into the dense tensor.
class Filler {
 public:
  Filler(const std::vector<Splits>& splits, const Tensor& values, Tensor& y)
      : splits_(splits), values_(values), y_(y), width_(CountOf(std::span(values.dims()).subspan(1))) {}

  // Elements first to last of `level` to places from `at` on.
  void Fill(size_t level, int64_t first, int64_t last, int64_t at) {
    const int64_t room = y_.dims()[level];
    const int64_t stride = CountOf(std::span(y_.dims()).subspan(level + 1));
    for (int64_t i = 0; i < std::min(last - first, room); ++i) {
      const auto row = static_cast<size_t>(first + i);
      if (level < splits_.size()) {
        Fill(level + 1, splits_[level][row], splits_[level][row + 1], at + i * stride);
      } else {
        for (int64_t k = 0; k < width_; ++k)
          CopyElement(y_.dtype(), values_.data(), (first + i) * width_ + k, y_.data(), at + i * stride + k);
      }
    }
  }

 private:
  const std::vector<Splits>& splits_;
  const Tensor& values_;
  Tensor& y_;
  int64_t width_;
};

Status Reference(RunContext& context) {
  const Tensor& values = context.in(kValues);
  const Tensor& fill = context.in(kDefault);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Splits> splits, SplitsOfAll(context));
  SLIPWAY_ASSIGN_OR_RETURN(Dims dims, OutputDims(context, splits));
  const int64_t width = CountOf(std::span(values.dims()).subspan(1));
  if (fill.count() != 1 && fill.count() != width)
    return context.Error("the default is " + Describe(fill) + "; it must be one value, or of one element's " +
                         std::to_string(width) + " values");
  Tensor& y = context.AllocateOutput(0, std::move(dims));
  const int64_t count = y.count();
  for (int64_t i = 0; i < count; ++i)
    CopyElement(y.dtype(), fill.data(), fill.count() == 1 ? 0 : i % width, y.data(), i);
  Filler(splits, values, y).Fill(0, 0, static_cast<int64_t>(splits[0].size()) - 1, 0);
  return Status::Ok();
}

}  // namespace

OpDef MakeRaggedToDense() {
  OpDef op;
  op.name = "RaggedToDense";
  op.group = "shape";
  op.summary = "Rows of different lengths side by side in a dense tensor, filled up with a default.";
  op.inputs = {{"shape", kIndices, "extents of y, -1 for as needed; or a scalar -1"},
               {"values", kAnyType, "[elements,...]"},
               {"default_value", kAnyType, "one value, or [...]"},
               {"partitions", kIndices,
                "by axis from the outermost in: row splits [rows + 1], the row of "
                "each element [elements], or the number of rows",
                Arity::kOneOrMore}};
  op.outputs = {{"y", kAnyType, "[rows,longest row,...]"}};
  op.attrs = {Required(
      StringsAttr("row_partition_types", {}, "of each partition: ROW_SPLITS, VALUE_ROWIDS, FIRST_DIM_SIZE"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto ints = [](Dims dims, std::vector<double> values) {
      return TestInput{.dtype = DType::kI64, .dims = std::move(dims), .values = std::move(values)};
    };
    return std::vector<TestCase>{
        {"splits",
         {ints({}, {-1}), {.dims = {5, 2}}, {.dims = {}}, ints({4}, {0, 2, 2, 5})},
         {{"row_partition_types", Strings{"ROW_SPLITS"}}}},
        {"two axes, cut off",
         {ints({3}, {3, 2, -1}),
          {.dims = {6}},
          {.dims = {}},
          ints({}, {2}),
          ints({3}, {0, 0, 1}),
          ints({4}, {0, 3, 3, 6})},
         {{"row_partition_types", Strings{"FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_SPLITS"}}}}};
  };
  op.foreign = {{Format::kTflite, "FlexRaggedTensorToTensor"}, {Format::kTensorflow, "RaggedTensorToTensor"}};
  return op;
}

}  // namespace slipway
