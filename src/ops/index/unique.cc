// The different elements, or slices, of a tensor.
#include <algorithm>
#include <numeric>

#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/infer.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

constexpr int64_t kFlat = INT64_MIN;

Status Infer(InferContext& context) {
  const DType index_dtype = context.attrs().Type("index_dtype");
  const int64_t axis = context.attrs().Int("axis");
  Type type = Type::Of(context.dtype(0), {Dim()});
  Dim count;
  if (context.shape(0) && axis == kFlat) {
    count = 1;
    for (const Dim& dim : *context.shape(0)) count = count * dim;
  } else if (context.shape(0)) {
    type.shape = *context.shape(0);
    SLIPWAY_ASSIGN_OR_RETURN(const int at, NormalizeAxis(context, axis, type.rank()));
    count = (*type.shape)[static_cast<size_t>(at)];
    (*type.shape)[static_cast<size_t>(at)] = Dim();
  } else if (axis != kFlat) {
    type.shape = std::nullopt;
  }
  context.SetOutput(0, std::move(type));
  context.SetOutput(1, index_dtype, {Dim()});
  context.SetOutput(2, index_dtype, {count});
  context.SetOutput(3, index_dtype, {Dim()});
  return Status::Ok();
}

// -1, 0, 1; NaN equals nothing but sorts last.
int CompareElements(const Tensor& x, int64_t a, int64_t b) {
  const auto order = [](const auto& p, const auto& q) { return p < q ? -1 : q < p ? 1 : 0; };
  if (x.dtype() == DType::kString) return order(x.as<std::string>()[a], x.as<std::string>()[b]);
  if (IsFloat(x.dtype())) {
    const double p = LoadReal(x.dtype(), x.data(), a);
    const double q = LoadReal(x.dtype(), x.data(), b);
    if (p != p || q != q) return p == p ? -1 : q == q ? 1 : order(a, b);
    return order(p, q);
  }
  if (x.dtype() == DType::kU64) return order(x.as<uint64_t>()[a], x.as<uint64_t>()[b]);
  return order(LoadInt(x.dtype(), x.data(), a), LoadInt(x.dtype(), x.data(), b));
}

// x as [outer, extent, inner], compared slice by slice.
struct Slices {
  const Tensor& x;
  int64_t outer, extent, inner;

  int Compare(int64_t a, int64_t b) const {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        const int order = CompareElements(x, (o * extent + a) * inner + i, (o * extent + b) * inner + i);
        if (order != 0) return order;
      }
    }
    return 0;
  }
};

struct Groups {
  std::vector<int64_t> first;    // of each group: its first slice
  std::vector<int64_t> counts;   // of each group
  std::vector<int64_t> inverse;  // of each slice: its group
};

enum class Order { kSorted, kByFirst };

Groups GroupSlices(const Slices& slices, Order order) {
  std::vector<int64_t> sorted(static_cast<size_t>(slices.extent));
  std::iota(sorted.begin(), sorted.end(), 0);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](int64_t a, int64_t b) { return slices.Compare(a, b) < 0; });
  Groups groups;
  groups.inverse.resize(sorted.size());
  for (size_t k = 0; k < sorted.size(); ++k) {
    if (k == 0 || slices.Compare(sorted[k - 1], sorted[k]) != 0) {
      groups.first.push_back(sorted[k]);
      groups.counts.push_back(0);
    }
    ++groups.counts.back();
    groups.inverse[static_cast<size_t>(sorted[k])] = static_cast<int64_t>(groups.first.size()) - 1;
  }
  if (order == Order::kSorted) return groups;
  std::vector<size_t> rank(groups.first.size());
  std::iota(rank.begin(), rank.end(), 0);
  std::sort(rank.begin(), rank.end(), [&](size_t a, size_t b) { return groups.first[a] < groups.first[b]; });
  Groups renamed;
  std::vector<int64_t> new_name(rank.size());
  for (size_t k = 0; k < rank.size(); ++k) {
    new_name[rank[k]] = static_cast<int64_t>(k);
    renamed.first.push_back(groups.first[rank[k]]);
    renamed.counts.push_back(groups.counts[rank[k]]);
  }
  for (int64_t group : groups.inverse) renamed.inverse.push_back(new_name[static_cast<size_t>(group)]);
  return renamed;
}

Status Reference(RunContext& context) {
  const bool is_flat = context.attrs().Int("axis") == kFlat;
  const Tensor x = is_flat ? context.in(0).Reshaped({context.in(0).count()}) : context.in(0);
  const size_t axis = is_flat ? 0 : AxisOf(context, x.rank());
  const std::span<const int64_t> dims(x.dims());
  const Slices slices{x, CountOf(dims.first(axis)), dims[axis], CountOf(dims.subspan(axis + 1))};
  const Groups groups =
      GroupSlices(slices, context.attrs().Int("sorted") != 0 ? Order::kSorted : Order::kByFirst);
  if (context.HasOutput(0)) {
    Dims result = x.dims();
    result[axis] = static_cast<int64_t>(groups.first.size());
    Tensor& y = context.AllocateOutput(0, result);
    const std::vector<int64_t> from = DenseStrides(x.dims());
    const std::vector<int64_t> to = DenseStrides(result);
    Dims slice = result;
    slice[axis] = 1;
    for (size_t k = 0; k < groups.first.size(); ++k) {
      CopyStrided(x.dtype(), x.data(), {groups.first[k] * from[axis], from}, y.data(),
                  {static_cast<int64_t>(k) * to[axis], to}, slice);
    }
  }
  const std::vector<int64_t>* lists[] = {nullptr, &groups.first, &groups.inverse, &groups.counts};
  for (size_t i = 1; i < 4; ++i) {
    if (!context.HasOutput(i)) continue;
    Tensor& y = context.AllocateOutput(i, {static_cast<int64_t>(lists[i]->size())});
    for (size_t k = 0; k < lists[i]->size(); ++k)
      StoreInt(y.dtype(), y.data(), static_cast<int64_t>(k), (*lists[i])[k]);
  }
  return Status::Ok();
}

// TensorFlow's Unique and TFLite's UNIQUE: values in order of appearance, and each element's group.
Status ImportByFirst(ImportContext& context) {
  DType dtype = context.attrs().Type("out_idx", context.attrs().Type("idx_out_type", DType::kI32));
  if (dtype != DType::kI64) dtype = DType::kI32;
  Node node;
  node.op = "Unique";
  node.name = context.node().name;
  node.inputs = {context.in(0)};
  node.attrs = {{"sorted", int64_t{0}}, {"index_dtype", dtype}};
  std::vector<GraphBuilder::Output> outputs(4, {.is_left_out = true});
  const std::vector<Value>& declared = context.node().outputs;
  constexpr size_t kPlaces[] = {0, 2, 3};  // y, idx, count (UniqueWithCounts)
  for (size_t i = 0; i < declared.size() && i < 3; ++i) {
    outputs[kPlaces[i]] = {declared[i].name, declared[i].quant, declared[i].type, declared[i].name.empty()};
  }
  while (!outputs.empty() && outputs.back().is_left_out) outputs.pop_back();
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> ids,
                           context.builder().Add(std::move(node), std::move(outputs)));
  for (size_t i = 0; i < declared.size() && i < 3; ++i) {
    if (kPlaces[i] < ids.size()) context.Bind(i, ids[kPlaces[i]]);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeUnique() {
  OpDef op;
  op.name = "Unique";
  op.group = "index";
  op.summary = "The different elements of x, or its different slices along an axis.";
  const DTypeSet dtypes = kNumbers | kBools | DTypeSet{DType::kString};
  op.inputs = {{"x", dtypes, "any shape"}};
  op.outputs = {{"y", dtypes, "[groups], or x with fewer slices", Arity::kOptional},
                {"indices", kIndices, "[groups], first place of each", Arity::kOptional},
                {"inverse_indices", kIndices, "[elements or slices], the group of each", Arity::kOptional},
                {"counts", kIndices, "[groups]", Arity::kOptional}};
  op.attrs = {
      IntAttr("sorted", 1, "0: in order of appearance"),
      IntAttr("axis", kFlat, "negative counts from the end; the lowest integer: x is flattened first"),
      DTypeAttr("index_dtype", DType::kI64, "i32 or i64")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"flat", {{.dims = {6}, .values = {2, 1, 1, 3, 4, 3}}}, {}, 4}};
  };
  op.foreign = {{Format::kOnnx, "Unique"},
                {Format::kTensorflow, "Unique", 1, INT_MAX, ImportByFirst},
                {Format::kTensorflow, "UniqueWithCounts", 1, INT_MAX, ImportByFirst},
                {Format::kTflite, "UNIQUE", 1, INT_MAX, ImportByFirst}};
  return op;
}

}  // namespace slipway
