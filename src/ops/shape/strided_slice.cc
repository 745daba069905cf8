// TensorFlow's and TFLite's slicing with masks: ranges, single elements, new axes and an ellipsis in one
// list.
//
// With constant bounds import turns it into Slice, Squeeze and Unsqueeze; this record is for bounds known
// only later. Entry i of begin, end and strides is, in this order of precedence: the ellipsis (bit i of
// ellipsis_mask), a new axis, a single element (shrink_axis_mask), a range whose begin or end may be masked
// out.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/import_move.h"
#include "ops/shape/range.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

constexpr const char* kMasks[] = {"begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask",
                                  "shrink_axis_mask"};

enum class EntryKind { kWhole, kRange, kElement, kNewAxis };

// One axis of x, or a new axis of the result.
struct Entry {
  EntryKind kind = EntryKind::kWhole;
  size_t at = 0;  // in begin, end and strides; ranges and elements only
  bool is_begin_masked = false;
  bool is_end_masked = false;
};

// The list of `n` entries against an x of that rank; empty with `error` set when they don't fit.
std::vector<Entry> Expand(const Attrs& attrs, size_t n, int rank, std::string* error) {
  const auto has = [&](const char* mask, size_t i) { return i < 63 && ((attrs.Int(mask) >> i) & 1) != 0; };
  int used = 0;
  bool has_ellipsis = false;
  for (size_t i = 0; i < n; ++i) {
    const bool is_ellipsis = has("ellipsis_mask", i);
    if (is_ellipsis && has_ellipsis) *error = "has more than one ellipsis";
    has_ellipsis |= is_ellipsis;
    if (!is_ellipsis && !has("new_axis_mask", i)) ++used;
  }
  if (used > rank)
    *error = "slices " + std::to_string(used) + " axes of an input of rank " + std::to_string(rank);
  if (!error->empty()) return {};
  std::vector<Entry> entries;
  for (size_t i = 0; i < n; ++i) {
    if (has("ellipsis_mask", i)) {
      entries.insert(entries.end(), static_cast<size_t>(rank - used), Entry{});
    } else if (has("new_axis_mask", i)) {
      entries.push_back({EntryKind::kNewAxis, i});
    } else if (has("shrink_axis_mask", i)) {
      entries.push_back({EntryKind::kElement, i});
    } else {
      entries.push_back({EntryKind::kRange, i, has("begin_mask", i), has("end_mask", i)});
    }
  }
  if (!has_ellipsis) entries.insert(entries.end(), static_cast<size_t>(rank - used), Entry{});
  return entries;
}

struct Bounds {
  int64_t start;
  int64_t end;
  int64_t step;
};

Bounds BoundsOf(const Entry& entry, const Ints& begin, const Ints& end, const Ints& strides, bool is_offset) {
  const int64_t step = strides[entry.at];
  const int64_t start = entry.is_begin_masked ? (step > 0 ? 0 : INT64_MAX) : begin[entry.at];
  if (entry.is_end_masked) return {start, step > 0 ? INT64_MAX : INT64_MIN, step};
  return {start, is_offset ? begin[entry.at] + end[entry.at] : end[entry.at], step};
}

Result<std::vector<Entry>> EntriesOf(const InferContext& context, size_t n) {
  std::string error;
  std::vector<Entry> entries = Expand(context.attrs(), n, context.input(0).rank(), &error);
  if (!error.empty()) return context.Error(error);
  return entries;
}

Status Infer(InferContext& context) {
  const auto& lengths = context.shape(1);
  const bool is_known = context.shape(0) && lengths && lengths->size() == 1 && (*lengths)[0].IsKnown();
  if (!is_known) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const auto n = static_cast<size_t>((*lengths)[0].value());
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Entry> entries, EntriesOf(context, n));
  const auto begin = context.ints(1);
  const auto end = context.ints(2);
  const auto strides = context.ints(3);
  const bool has_bounds = begin && end && strides;
  if (has_bounds && (end->size() != n || strides->size() != n)) {
    return context.Error("begin, end and strides must have one length");
  }
  DimList result;
  size_t axis = 0;
  for (const Entry& entry : entries) {
    if (entry.kind == EntryKind::kNewAxis) {
      result.emplace_back(1);
      continue;
    }
    const Dim& dim = (*context.shape(0))[axis++];
    if (entry.kind == EntryKind::kElement) continue;
    const bool is_whole = entry.kind == EntryKind::kWhole;
    if (!is_whole && has_bounds && (*strides)[entry.at] == 0) return context.Error("a stride is 0");
    Dim extent = is_whole ? dim : Dim();
    if (!is_whole && has_bounds && dim.IsKnown()) {
      const Bounds bounds = BoundsOf(entry, *begin, *end, *strides, context.attrs().Int("offset") != 0);
      extent = ClampRange(bounds.start, bounds.end, bounds.step, dim.value()).count;
    }
    result.push_back(extent);
  }
  context.SetOutput(0, context.dtype(0), std::move(result));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Ints begin = IntsOf(context.in(1));
  const Ints end = IntsOf(context.in(2));
  const Ints strides = IntsOf(context.in(3));
  std::string error;
  const std::vector<Entry> entries = Expand(context.attrs(), begin.size(), x.rank(), &error);
  if (!error.empty()) return context.Error(error);
  const std::vector<int64_t> dense = DenseStrides(x.dims());
  StridedView from;
  Dims dims;
  size_t axis = 0;
  for (const Entry& entry : entries) {
    if (entry.kind == EntryKind::kNewAxis) {
      dims.push_back(1);
      from.strides.push_back(0);
      continue;
    }
    const int64_t extent = x.dims()[axis];
    const int64_t stride = dense[axis++];
    if (entry.kind == EntryKind::kElement) {
      const int64_t at = begin[entry.at] < 0 ? begin[entry.at] + extent : begin[entry.at];
      if (at < 0 || at >= extent) {
        return context.Error("index " + std::to_string(begin[entry.at]) + " is outside an axis of " +
                             std::to_string(extent));
      }
      from.offset += at * stride;
      continue;
    }
    SliceRange range{0, 1, extent};
    if (entry.kind == EntryKind::kRange) {
      const Bounds bounds = BoundsOf(entry, begin, end, strides, context.attrs().Int("offset") != 0);
      range = ClampRange(bounds.start, bounds.end, bounds.step, extent);
    }
    from.offset += range.start * stride;
    from.strides.push_back(range.step * stride);
    dims.push_back(range.count);
  }
  Tensor& y = context.AllocateOutput(0, dims);
  CopyStrided(x.dtype(), x.data(), from, y.data(), {0, DenseStrides(dims)}, dims);
  return Status::Ok();
}

// The same movement as a Slice, then single elements' axes dropped, then new axes.
struct Lowered {
  Ints starts, ends, axes, steps;
  Ints dropped;   // axes of the slice
  Ints new_axes;  // axes of the result
};

Result<Lowered> Lower(const ImportContext& context, const std::vector<Entry>& entries, const Ints& begin,
                      const Ints& end, const Ints& strides) {
  Lowered lowered;
  int64_t axis = 0;
  int64_t result_axis = 0;
  for (const Entry& entry : entries) {
    if (entry.kind == EntryKind::kNewAxis) {
      lowered.new_axes.push_back(result_axis++);
      continue;
    }
    Bounds bounds{0, INT64_MAX, 1};
    if (entry.kind == EntryKind::kElement) {
      const int64_t at = begin[entry.at];
      bounds = {at, at == -1 ? INT64_MAX : at + 1, 1};
      lowered.dropped.push_back(axis);
    } else if (entry.kind == EntryKind::kRange) {
      bounds = BoundsOf(entry, begin, end, strides, context.attrs().Int("offset") != 0);
      if (bounds.step == 0) return context.Error("a stride is 0");
    }
    if (bounds.start != 0 || bounds.end != INT64_MAX || bounds.step != 1) {
      lowered.starts.push_back(bounds.start);
      lowered.ends.push_back(bounds.end);
      lowered.axes.push_back(axis);
      lowered.steps.push_back(bounds.step);
    }
    ++axis;
    if (entry.kind != EntryKind::kElement) ++result_axis;
  }
  return lowered;
}

Status EmitLowered(ImportContext& context, const Lowered& lowered) {
  struct Link {
    const char* op;
    std::vector<ValueId> operands;
  };
  std::vector<Link> links;
  if (!lowered.axes.empty()) {
    links.push_back({"Slice",
                     {context.ConstInts(lowered.starts), context.ConstInts(lowered.ends),
                      context.ConstInts(lowered.axes), context.ConstInts(lowered.steps)}});
  }
  if (!lowered.dropped.empty()) links.push_back({"Squeeze", {context.ConstInts(lowered.dropped)}});
  if (!lowered.new_axes.empty()) links.push_back({"Unsqueeze", {context.ConstInts(lowered.new_axes)}});
  if (links.empty()) links.push_back({"Identity", {}});
  ValueId value = context.in(0);
  for (size_t i = 0; i < links.size(); ++i) {
    std::vector<ValueId> inputs = {value};
    inputs.insert(inputs.end(), links[i].operands.begin(), links[i].operands.end());
    if (i + 1 == links.size()) return context.Emit(links[i].op, std::move(inputs));
    SLIPWAY_ASSIGN_OR_RETURN(value, AddMove(context, links[i].op, std::move(inputs)));
  }
  return Status::Ok();
}

Status Import(ImportContext& context) {
  bool is_constant = context.type(context.in(0)).HasRank();
  for (size_t i = 1; i < 4; ++i) is_constant &= context.constant(context.in(i)) != nullptr;
  if (!is_constant) {
    Attrs attrs;
    for (const char* mask : kMasks) attrs.Set(mask, context.attrs().Int(mask));
    attrs.Set("offset", context.attrs().Int("offset"));
    return context.Emit("StridedSlice", context.node().inputs, std::move(attrs));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const Ints begin, context.ConstantInts(1));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints end, context.ConstantInts(2));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints strides, context.ConstantInts(3));
  if (end.size() != begin.size() || strides.size() != begin.size()) {
    return context.Error("begin, end and strides must have one length");
  }
  std::string error;
  const std::vector<Entry> entries =
      Expand(context.attrs(), begin.size(), context.type(context.in(0)).rank(), &error);
  if (!error.empty()) return context.Error(error);
  SLIPWAY_ASSIGN_OR_RETURN(const Lowered lowered, Lower(context, entries, begin, end, strides));
  return EmitLowered(context, lowered);
}

}  // namespace

OpDef MakeStridedSlice() {
  OpDef op;
  op.name = "StridedSlice";
  op.group = "shape";
  op.summary = "Ranges, single elements, new axes and an ellipsis in one list, as x[a:b:c, d, None, ...].";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"begin", kIndices, "[n]"},
               {"end", kIndices, "[n]"},
               {"strides", kIndices, "[n]"}};
  op.outputs = {{"y", kAnyType, "as the list says"}};
  for (const char* mask : kMasks) op.attrs.push_back(IntAttr(mask, 0, "bit i: entry i"));
  op.attrs.push_back(IntAttr("offset", 0, "1: end is relative to begin"));
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto ints = [](std::vector<double> values) {
      const auto n = static_cast<int64_t>(values.size());
      return TestInput{.dtype = DType::kI32, .dims = {n}, .values = std::move(values), .is_constant = true};
    };
    return std::vector<TestCase>{{"element_and_range",
                                  {{.dims = {3, 5, 7}}, ints({1, 0}), ints({2, 4}), ints({1, 2})},
                                  {{"shrink_axis_mask", int64_t{1}}}},
                                 {"ellipsis",
                                  {{.dims = {3, 5, 7}}, ints({0, 1}), ints({0, 5}), ints({1, 1})},
                                  {{"ellipsis_mask", int64_t{1}}}}};
  };
  op.foreign = {{Format::kTensorflow, "StridedSlice", 1, INT_MAX, Import},
                {Format::kTflite, "STRIDED_SLICE", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
