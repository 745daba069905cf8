// TensorFlow's strided slice: begin, end, strides and five bit masks over the entries of the index.
//
// Source: tf.strided_slice. Entry i of the index is a range, an ellipsis (the axes in between), a new axis,
// or a single position whose axis disappears.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/run.h"
#include "ops/shape/slice_plan.h"

namespace slipway {
namespace {

struct Masks {
  int64_t begin, end, ellipsis, new_axis, shrink;
};

Masks MasksOf(const Attrs& attrs) {
  return {attrs.Int("begin_mask"), attrs.Int("end_mask"), attrs.Int("ellipsis_mask"),
          attrs.Int("new_axis_mask"), attrs.Int("shrink_axis_mask")};
}

bool Bit(int64_t mask, size_t i) { return (mask >> i) & 1; }

// What becomes of x's axes, and the axes of the result in order: index of x's axis, or -1 for a new one.
struct Plan {
  struct Entry {
    bool is_whole = true;
    bool is_shrunk = false;
    std::optional<int64_t> begin, end;
    int64_t step = 1;
  };
  std::vector<Entry> axes;  // one per axis of x
  std::vector<int> result_axes;
};

Result<Plan> MakePlan(int rank, const Ints& begin, const Ints& end, const Ints& strides, const Masks& masks) {
  const size_t entries = begin.size();
  if (end.size() != entries || strides.size() != entries || entries > 32) {
    return Status(Code::kInvalidModel, "begin, end and strides differ in length");
  }
  size_t consumed = 0;
  for (size_t i = 0; i < entries; ++i) consumed += !Bit(masks.ellipsis, i) && !Bit(masks.new_axis, i);
  if (consumed > static_cast<size_t>(rank))
    return Status(Code::kInvalidModel, "the index has more entries than x has axes");
  Plan plan;
  plan.axes.resize(static_cast<size_t>(rank));
  size_t axis = 0;
  for (size_t i = 0; i < entries; ++i) {
    if (Bit(masks.ellipsis, i)) {
      for (size_t n = static_cast<size_t>(rank) - consumed; n > 0; --n)
        plan.result_axes.push_back(static_cast<int>(axis++));
      continue;
    }
    if (Bit(masks.new_axis, i)) {
      plan.result_axes.push_back(-1);
      continue;
    }
    if (axis >= plan.axes.size())
      return Status(Code::kInvalidModel, "the index has more entries than x has axes");
    Plan::Entry& entry = plan.axes[axis];
    entry.is_whole = false;
    entry.step = strides[i];
    if (entry.step == 0) return Status(Code::kInvalidModel, "strides must not be 0");
    if (Bit(masks.shrink, i)) {
      entry.is_shrunk = true;
      entry.begin = begin[i];
    } else {
      if (!Bit(masks.begin, i)) entry.begin = begin[i];
      if (!Bit(masks.end, i)) entry.end = end[i];
      plan.result_axes.push_back(static_cast<int>(axis));
    }
    ++axis;
  }
  while (axis < plan.axes.size()) plan.result_axes.push_back(static_cast<int>(axis++));
  return plan;
}

AxisSlice Resolve(const Plan::Entry& entry, int64_t extent) {
  if (entry.is_whole) return {0, 1, extent};
  if (entry.is_shrunk) {
    const int64_t at = *entry.begin < 0 ? *entry.begin + extent : *entry.begin;
    return {at, 1, at >= 0 && at < extent ? 1 : 0};
  }
  const int64_t begin = entry.begin.value_or(entry.step > 0 ? 0 : INT64_MAX);
  const int64_t end = entry.end.value_or(entry.step > 0 ? INT64_MAX : INT64_MIN);
  return SliceAxis(extent, begin, end, entry.step);
}

Status Infer(InferContext& context) {
  const auto begin = context.ints(1);
  const auto end = context.ints(2);
  const auto strides = context.ints(3);
  if (!context.shape(0) || !begin || !end || !strides) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const DimList& shape = *context.shape(0);
  auto plan = MakePlan(static_cast<int>(shape.size()), *begin, *end, *strides, MasksOf(context.attrs()));
  if (!plan.ok()) return context.Error(plan.status().message());
  DimList result;
  for (int axis : plan->result_axes) {
    if (axis < 0) {
      result.emplace_back(1);
      continue;
    }
    const Plan::Entry& entry = plan->axes[static_cast<size_t>(axis)];
    const Dim& dim = shape[static_cast<size_t>(axis)];
    if (entry.is_whole) {
      result.push_back(dim);
    } else if (dim.IsKnown()) {
      result.emplace_back(Resolve(entry, dim.value()).count);
    } else {
      const bool is_all = entry.step == 1 && entry.begin.value_or(0) == 0 && !entry.end;
      result.push_back(is_all ? dim : Dim());
    }
  }
  context.SetOutput(0, context.dtype(0), std::move(result));
  const auto content = context.content(0);
  if (!content || shape.size() != 1) return Status::Ok();
  const AxisSlice slice = Resolve(plan->axes[0], static_cast<int64_t>(content->size()));
  Content part;
  for (int64_t i = 0; i < slice.count; ++i)
    part.push_back((*content)[static_cast<size_t>(slice.begin + i * slice.step)]);
  context.SetContent(0, std::move(part));
  return Status::Ok();
}

Ints IntsOf(const Tensor& tensor) {
  Ints values;
  for (int64_t i = 0; i < tensor.count(); ++i) values.push_back(LoadInt(tensor.dtype(), tensor.data(), i));
  return values;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  auto plan = MakePlan(x.rank(), IntsOf(context.in(1)), IntsOf(context.in(2)), IntsOf(context.in(3)),
                       MasksOf(context.attrs()));
  if (!plan.ok()) return context.Error(plan.status().message());
  std::vector<AxisSlice> slices;
  for (int axis = 0; axis < x.rank(); ++axis) {
    slices.push_back(Resolve(plan->axes[static_cast<size_t>(axis)], x.dim(axis)));
    if (plan->axes[static_cast<size_t>(axis)].is_shrunk && slices.back().count == 0) {
      return context.Error("position " + std::to_string(*plan->axes[static_cast<size_t>(axis)].begin) +
                           " is outside axis " + std::to_string(axis) + " of " + Describe(x));
    }
  }
  Dims dims;
  for (int axis : plan->result_axes) dims.push_back(axis < 0 ? 1 : slices[static_cast<size_t>(axis)].count);
  CopySlices(x, slices, context.AllocateOutput(0, std::move(dims)));
  return Status::Ok();
}

}  // namespace

OpDef MakeStridedSlice() {
  OpDef op;
  op.name = "StridedSlice";
  op.group = "shape";
  op.summary = "TensorFlow's strided slice: ranges, ellipsis, new axes and single positions by bit masks.";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"begin", kIndices, "[n]"},
               {"end", kIndices, "[n]"},
               {"strides", kIndices, "[n], not 0"}};
  op.outputs = {{"y", kAnyType, "the part"}};
  op.attrs = {IntAttr("begin_mask", 0, "bit i: entry i begins at the axis' start"),
              IntAttr("end_mask", 0, "bit i: entry i runs to the axis' end"),
              IntAttr("ellipsis_mask", 0, "bit i: entry i stands for the axes in between"),
              IntAttr("new_axis_mask", 0, "bit i: entry i adds an axis of extent 1"),
              IntAttr("shrink_axis_mask", 0, "bit i: entry i is one position, its axis disappears")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto ints = [](std::vector<double> values) {
      const auto n = static_cast<int64_t>(values.size());
      return TestInput{.dtype = DType::kI32, .dims = {n}, .values = std::move(values), .is_constant = true};
    };
    return std::vector<TestCase>{{"shrink",
                                  {{.dims = {3, 5, 7}}, ints({1, 0}), ints({2, 4}), ints({1, 2})},
                                  {{"shrink_axis_mask", int64_t{1}}}},
                                 {"ellipsis",
                                  {{.dims = {3, 5, 7}}, ints({0, 2}), ints({0, 9}), ints({1, 2})},
                                  {{"ellipsis_mask", int64_t{1}}}}};
  };
  op.foreign = {{Format::kTensorflow, "StridedSlice"}, {Format::kTflite, "STRIDED_SLICE"}};
  return op;
}

}  // namespace slipway
