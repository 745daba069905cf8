// StableHLO's gather and scatter: blocks read from, or put into, places that are data.
//
// Source: the StableHLO specification, `gather` and `scatter`. Left out: batching dimensions, which TFLite's
// files cannot say, and scatters whose body is more than one operator.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/index/reduction.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/move.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

bool Holds(const Ints& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool AreAxes(const Ints& axes, size_t rank) {
  std::vector<bool> seen(rank, false);
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<int64_t>(rank) || seen[static_cast<size_t>(axis)]) return false;
    seen[static_cast<size_t>(axis)] = true;
  }
  return true;
}

// Where the index vectors are, and which axes of the data they name.
struct Places {
  Dims dims;  // of the index tensor without the vectors' axis
  int64_t vector_size = 1;
  int64_t vector_axis = 0;
};

Status CheckIndices(const InferContext& context, const DimList& indices, const char* map, size_t rank) {
  const int64_t axis = context.attrs().Int("index_vector_dim");
  const Ints& named = context.attrs().IntList(map);
  if (axis < 0 || axis > static_cast<int64_t>(indices.size()))
    return context.Error("index_vector_dim is " + std::to_string(axis) + ", the indices are " +
                         ToString(indices));
  const Dim size = axis < static_cast<int64_t>(indices.size()) ? indices[static_cast<size_t>(axis)] : Dim(1);
  if (size.IsKnown() && size.value() != static_cast<int64_t>(named.size()))
    return context.Error("index vectors have " + size.ToString() + " entries, " + map + " names " +
                         std::to_string(named.size()) + " axes");
  if (!AreAxes(named, rank))
    return context.Error(std::string(map) + " " + ToString(named) + " is no list of axes");
  return Status::Ok();
}

Places PlacesOf(const RunContext& context, const Tensor& indices) {
  Places places;
  places.vector_axis = context.attrs().Int("index_vector_dim");
  places.dims = indices.dims();
  if (places.vector_axis < indices.rank()) {
    places.vector_size = indices.dim(static_cast<int>(places.vector_axis));
    places.dims.erase(places.dims.begin() + places.vector_axis);
  }
  return places;
}

// The index vector at `place`, spread over the axes of the data that `map` names.
Dims StartAt(const Tensor& indices, const Places& places, const Dims& place, const Ints& map, size_t rank) {
  Dims full = place;
  if (places.vector_axis < indices.rank()) full.insert(full.begin() + places.vector_axis, 0);
  const std::vector<int64_t> strides = DenseStrides(indices.dims());
  int64_t at = 0;
  for (size_t i = 0; i < full.size(); ++i) at += full[i] * strides[i];
  const int64_t step =
      places.vector_axis < indices.rank() ? strides[static_cast<size_t>(places.vector_axis)] : 0;
  Dims start(rank, 0);
  for (size_t i = 0; i < map.size(); ++i) {
    start[static_cast<size_t>(map[i])] =
        LoadInt(indices.dtype(), indices.data(), at + static_cast<int64_t>(i) * step);
  }
  return start;
}

// Calls visit(index, number) for every index of a dense shape, in order.
template <class F>
void ForEachIndex(const Dims& dims, const F& visit) {
  const int64_t count = CountOf(dims);
  Dims index(dims.size(), 0);
  for (int64_t n = 0; n < count; ++n) {
    visit(index, n);
    for (size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
}

// Splits an index of the blocks' tensor into the place of its block and the place within it: `window` names
// the axes within, `collapsed` the data's axes that blocks do not have.
void SplitIndex(const Dims& index, const Ints& window, const Ints& collapsed, Dims& place, Dims& within) {
  place.clear();
  size_t next = 0;
  const auto skip = [&] {
    while (next < within.size() && Holds(collapsed, static_cast<int64_t>(next))) within[next++] = 0;
  };
  for (size_t i = 0; i < index.size(); ++i) {
    if (!Holds(window, static_cast<int64_t>(i))) {
      place.push_back(index[i]);
      continue;
    }
    skip();
    if (next < within.size()) within[next++] = index[i];
  }
  skip();
}

// ---- Gather ----

Status InferGather(InferContext& context) {
  const Attrs& attrs = context.attrs();
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  if (!context.shape(0) || !context.shape(1)) return Status::Ok();
  const DimList& x = *context.shape(0);
  const DimList& indices = *context.shape(1);
  const Ints& sizes = attrs.IntList("slice_sizes");
  const Ints& collapsed = attrs.IntList("collapsed_slice_dims");
  const Ints& offsets = attrs.IntList("offset_dims");
  SLIPWAY_RETURN_IF_ERROR(CheckIndices(context, indices, "start_index_map", x.size()));
  bool fits = sizes.size() == x.size() && AreAxes(collapsed, x.size()) &&
              offsets.size() + collapsed.size() == x.size() && std::is_sorted(offsets.begin(), offsets.end());
  for (size_t i = 0; fits && i < x.size(); ++i) {
    const bool is_collapsed = Holds(collapsed, static_cast<int64_t>(i));
    fits = sizes[i] >= 0 && (!x[i].IsKnown() || sizes[i] <= x[i].value()) && (!is_collapsed || sizes[i] == 1);
  }
  const auto vector_axis = static_cast<size_t>(attrs.Int("index_vector_dim"));
  DimList places = indices;
  if (vector_axis < places.size()) places.erase(places.begin() + static_cast<int64_t>(vector_axis));
  const size_t rank = places.size() + offsets.size();
  fits = fits && AreAxes(offsets, rank);
  if (!fits)
    return context.Error("blocks " + ToString(sizes) + " of x " + ToString(x) + ", collapsed along " +
                         ToString(collapsed) + ", do not stand at axes " + ToString(offsets) +
                         " of the result");
  DimList shape;
  size_t next_place = 0;
  size_t next_axis = 0;
  for (size_t i = 0; i < rank; ++i) {
    if (!Holds(offsets, static_cast<int64_t>(i))) {
      shape.push_back(places[next_place++]);
      continue;
    }
    while (Holds(collapsed, static_cast<int64_t>(next_axis))) ++next_axis;
    shape.emplace_back(sizes[next_axis++]);
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status RunGather(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& indices = context.in(1);
  Tensor& y = context.out(0);
  const Attrs& attrs = context.attrs();
  const Ints& sizes = attrs.IntList("slice_sizes");
  const Places places = PlacesOf(context, indices);
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  Dims place;
  Dims within(x.dims().size(), 0);
  ForEachIndex(y.dims(), [&](const Dims& index, int64_t to) {
    SplitIndex(index, attrs.IntList("offset_dims"), attrs.IntList("collapsed_slice_dims"), place, within);
    const Dims start = StartAt(indices, places, place, attrs.IntList("start_index_map"), within.size());
    int64_t from = 0;
    for (size_t i = 0; i < within.size(); ++i)
      from += (std::clamp<int64_t>(start[i], 0, x.dims()[i] - sizes[i]) + within[i]) * strides[i];
    CopyElement(x.dtype(), x.data(), from, y.data(), to);
  });
  return Status::Ok();
}

// ---- Scatter ----

Status InferScatter(InferContext& context) {
  const Attrs& attrs = context.attrs();
  if (context.dtype(2) != context.dtype(0)) return context.Error("x and the updates must be of one type");
  if (context.shape(0) && context.shape(1) && context.shape(2)) {
    const DimList& x = *context.shape(0);
    const DimList& updates = *context.shape(2);
    const Ints& window = attrs.IntList("update_window_dims");
    const Ints& inserted = attrs.IntList("inserted_window_dims");
    SLIPWAY_RETURN_IF_ERROR(
        CheckIndices(context, *context.shape(1), "scatter_dims_to_operand_dims", x.size()));
    const size_t places =
        context.shape(1)->size() -
        (attrs.Int("index_vector_dim") < static_cast<int64_t>(context.shape(1)->size()) ? 1 : 0);
    const bool fits = AreAxes(window, updates.size()) && std::is_sorted(window.begin(), window.end()) &&
                      AreAxes(inserted, x.size()) && window.size() + inserted.size() == x.size() &&
                      places + window.size() == updates.size();
    if (!fits)
      return context.Error("updates " + ToString(updates) + " with blocks along " + ToString(window) +
                           " do not fit x " + ToString(x) + " and indices " + ToString(*context.shape(1)));
    DimList wanted = *context.shape(1);
    if (places < wanted.size()) wanted.erase(wanted.begin() + attrs.Int("index_vector_dim"));
    size_t next = 0;
    for (size_t i = 0; i < updates.size(); ++i) {
      if (Holds(window, static_cast<int64_t>(i))) continue;
      const Dim& place = wanted[next++];
      if (place.IsKnown() && updates[i].IsKnown() && place.value() != updates[i].value())
        return context.Error("updates are " + ToString(updates) + ", the indices " +
                             ToString(*context.shape(1)));
    }
  }
  return InferSameAsInput(context);
}

Status RunScatter(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RunMove(context));
  const Tensor& indices = context.in(1);
  const Tensor& updates = context.in(2);
  Tensor& y = context.out(0);
  const Attrs& attrs = context.attrs();
  const Places places = PlacesOf(context, indices);
  const std::vector<int64_t> strides = DenseStrides(y.dims());
  Dims place;
  Dims within(y.dims().size(), 0);
  ForEachIndex(updates.dims(), [&](const Dims& index, int64_t from) {
    SplitIndex(index, attrs.IntList("update_window_dims"), attrs.IntList("inserted_window_dims"), place,
               within);
    const Dims start =
        StartAt(indices, places, place, attrs.IntList("scatter_dims_to_operand_dims"), within.size());
    int64_t to = 0;
    for (size_t i = 0; i < within.size(); ++i) {
      const bool is_inside = start[i] >= -within[i] && start[i] < y.dims()[i] - within[i];
      to = is_inside && to >= 0 ? to + (start[i] + within[i]) * strides[i] : -1;
    }
    if (to >= 0) ScatterElement(attrs.String("reduction"), y.dtype(), updates.data(), from, y.data(), to);
  });
  return Status::Ok();
}

// The body says how an element of x and its update combine.
Status ImportScatter(ImportContext& context) {
  const GraphRef body = context.attrs().GraphOf("update_computation");
  if (context.num_inputs() != 3 || body == nullptr || body->inputs.size() != 2 || body->outputs.size() != 1)
    return context.Unsupported("one tensor at a time is scattered into");
  const char* reduction = nullptr;
  if (body->nodes.empty() && body->outputs[0] == body->inputs[1]) reduction = "none";
  if (body->nodes.size() == 1) {
    const std::string& op = body->nodes[0].op;
    reduction = op == "Add"   ? "add"
                : op == "Mul" ? "mul"
                : op == "Max" ? "max"
                : op == "Min" ? "min"
                              : nullptr;
  }
  if (reduction == nullptr)
    return context.Unsupported("its body must give the update, or one of add, multiply, maximum, minimum");
  return context.EmitSame({{"reduction", std::string(reduction)}});
}

constexpr DTypeSet kElements = kNumbers | kBools | DTypeSet{DType::kC64};

TestInput IndexInput(Dims dims, std::vector<double> values) {
  return {.dtype = DType::kI32, .dims = std::move(dims), .values = std::move(values)};
}

}  // namespace

OpDef MakeSliceGather() {
  OpDef op;
  op.name = "SliceGather";
  op.group = "index";
  op.summary = "Blocks of x that start where index vectors say; those that would hang over are moved inside.";
  op.inputs = {{"x", kElements, "any shape"}, {"indices", kIndices, "index vectors along index_vector_dim"}};
  op.outputs = {{"y", kElements, "the indices' other axes and the blocks' axes, these at offset_dims"}};
  op.attrs = {
      IntsAttr("offset_dims", {}, "the result's axes that run within a block, ascending"),
      IntsAttr("collapsed_slice_dims", {}, "axes of x along which blocks have one element and no axis"),
      IntsAttr("start_index_map", {}, "the axis of x that each entry of an index vector is for"),
      IntAttr("index_vector_dim", 0, "the indices' axis that holds the vectors; their rank: scalars"),
      IntsAttr("slice_sizes", {}, "extents of a block, per axis of x")};
  op.infer = InferGather;
  op.reference = RunGather;
  op.cases = [] {
    return std::vector<TestCase>{
        {"rows",
         {{.dims = {4, 5, 2}}, IndexInput({2, 3, 2}, {0, 0, 1, 1, 2, 9, 3, -1, 1, 2, 0, 1})},
         {{"offset_dims", Ints{2, 3}},
          {"collapsed_slice_dims", Ints{0}},
          {"start_index_map", Ints{0, 1}},
          {"index_vector_dim", int64_t{2}},
          {"slice_sizes", Ints{1, 2, 2}}}},
        {"scalars",
         {{.dims = {6}}, IndexInput({3}, {5, 0, 2})},
         {{"collapsed_slice_dims", Ints{0}},
          {"start_index_map", Ints{0}},
          {"index_vector_dim", int64_t{1}},
          {"slice_sizes", Ints{1}}}}};
  };
  op.foreign = {{Format::kTflite, "STABLEHLO_GATHER"}};
  return op;
}

OpDef MakeSliceScatter() {
  OpDef op;
  op.name = "SliceScatter";
  op.group = "index";
  op.summary =
      "A copy of x with blocks combined into it where index vectors say; what lies outside is dropped.";
  op.inputs = {{"x", kElements, "any shape"},
               {"indices", kIndices, "index vectors along index_vector_dim"},
               {"updates", kElements,
                "the blocks: their axes at update_window_dims, around them the indices' others"}};
  op.outputs = {{"y", kElements, "the shape of x"}};
  op.attrs = {
      IntsAttr("update_window_dims", {}, "the updates' axes that run within a block, ascending"),
      IntsAttr("inserted_window_dims", {}, "axes of x along which blocks have one element and no axis"),
      IntsAttr("scatter_dims_to_operand_dims", {}, "the axis of x that each entry of an index vector is for"),
      IntAttr("index_vector_dim", 0, "the indices' axis that holds the vectors; their rank: scalars"),
      ReductionAttr()};
  op.infer = InferScatter;
  op.reference = RunScatter;
  op.cases = [] {
    return std::vector<TestCase>{{"rows",
                                  {{.dims = {4, 5}}, IndexInput({3, 1}, {2, 0, 7}), {.dims = {3, 5}}},
                                  {{"update_window_dims", Ints{1}},
                                   {"inserted_window_dims", Ints{0}},
                                   {"scatter_dims_to_operand_dims", Ints{0}},
                                   {"index_vector_dim", int64_t{1}},
                                   {"reduction", std::string("add")}}}};
  };
  op.foreign = {{Format::kTflite, "STABLEHLO_SCATTER", 1, INT_MAX, ImportScatter}};
  return op;
}

}  // namespace slipway
