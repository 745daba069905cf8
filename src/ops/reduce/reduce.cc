#include "ops/reduce/reduce.h"

#include <algorithm>

#include "base/scalar.h"

namespace slipway {
namespace {

// Marks each axis of `axes` in a list of `rank`; an axis outside is reported by number.
Result<std::vector<bool>> MarkAxes(const Ints& axes, int rank, bool is_empty_noop, int64_t* culprit) {
  std::vector<bool> marked(static_cast<size_t>(rank), axes.empty() && !is_empty_noop);
  for (int64_t axis : axes) {
    if (axis < -rank || axis >= rank) {
      *culprit = axis;
      return Status(Code::kInvalidModel, "axis out of range");
    }
    marked[static_cast<size_t>(axis < 0 ? axis + rank : axis)] = true;
  }
  return marked;
}

std::string AxisMessage(int64_t axis, int rank) {
  return "axis " + std::to_string(axis) + " is outside [" + std::to_string(-rank) + ", " +
         std::to_string(rank - 1) + "] of rank " + std::to_string(rank);
}

DimList DropAxes(const DimList& shape, const std::vector<bool>& is_reduced, bool keeps_dims) {
  DimList result;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!is_reduced[i]) {
      result.push_back(shape[i]);
    } else if (keeps_dims) {
      result.emplace_back(1);
    }
  }
  return result;
}

template <class T, class Load, class Reduce, class Store>
void ReduceSlices(const Slices& slices, const Load& load, const Reduce& reduce, const Store& store) {
  std::vector<T> elements(slices.offsets.size());
  for (size_t s = 0; s < slices.starts.size(); ++s) {
    for (size_t k = 0; k < elements.size(); ++k) elements[k] = load(slices.starts[s] + slices.offsets[k]);
    store(static_cast<int64_t>(s), reduce(std::span<const T>(elements)));
  }
}

Status ImportAxesAttribute(ImportContext& context) {
  Attrs attrs = {{"keepdims", context.attrs().Int("keepdims", 1)}};
  const Ints& axes = context.attrs().IntList("axes");
  std::vector<ValueId> inputs = {context.in(0)};
  if (!axes.empty()) inputs.push_back(context.ConstInts(axes));
  return context.Emit(context.op().name, std::move(inputs), std::move(attrs));
}

Status ImportKeepDims(ImportContext& context) {
  const int64_t keeps = context.attrs().Int("keep_dims", context.attrs().Int("keepdims", 0));
  return context.Emit(context.op().name, {context.in(0), context.in(1)},
                      {{"keepdims", keeps}, {"noop_with_empty_axes", int64_t{1}}});
}

}  // namespace

Slices SlicesAlong(const Dims& dims, const std::vector<bool>& is_reduced) {
  Slices slices{{0}, {0}};
  int64_t stride = CountOf(dims);
  if (stride == 0) stride = 1;  // no element is read; only the number of slices counts
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    stride /= std::max<int64_t>(dims[axis], 1);
    std::vector<int64_t>& list = is_reduced[axis] ? slices.offsets : slices.starts;
    std::vector<int64_t> longer;
    longer.reserve(list.size() * static_cast<size_t>(dims[axis]));
    for (int64_t base : list) {
      for (int64_t i = 0; i < dims[axis]; ++i) longer.push_back(base + i * stride);
    }
    list = std::move(longer);
  }
  return slices;
}

Result<std::vector<bool>> ReducedAxes(const RunContext& context) {
  Ints axes;
  if (context.HasInput(1)) axes = IntsOf(context.in(1));
  const int rank = context.in(0).rank();
  int64_t culprit = 0;
  auto is_reduced = MarkAxes(axes, rank, context.attrs().Int("noop_with_empty_axes") != 0, &culprit);
  if (!is_reduced.ok()) return context.Error(AxisMessage(culprit, rank));
  return is_reduced;
}

Status InferReduce(InferContext& context) {
  const std::optional<DimList>& shape = context.shape(0);
  const bool keeps_dims = context.attrs().Int("keepdims") != 0;
  const std::optional<Ints> axes = context.HasInput(1) ? context.ints(1) : Ints();
  if (!shape || !axes) {
    Type type = Type::OfUnknownShape(context.dtype(0));
    if (shape && keeps_dims) type.shape = DimList(shape->size());
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  }
  const int rank = static_cast<int>(shape->size());
  int64_t culprit = 0;
  const auto is_reduced = MarkAxes(*axes, rank, context.attrs().Int("noop_with_empty_axes") != 0, &culprit);
  if (!is_reduced.ok()) return context.Error(AxisMessage(culprit, rank));
  context.SetOutput(0, context.dtype(0), DropAxes(*shape, *is_reduced, keeps_dims));
  return Status::Ok();
}

OpDef ReduceOp(DTypeSet dtypes) {
  OpDef op;
  op.group = "reduce";
  op.inputs = {
      {"data", dtypes, "any shape"},
      {"axes", kIndices, "[n] or one number, negative from the end; none: every axis", Arity::kOptional}};
  op.outputs = {{"reduced", dtypes, "data without the axes, or with extent 1 there"}};
  op.attrs = {IntAttr("keepdims", 1, "1: reduced axes stay with extent 1; 0: they go"),
              IntAttr("noop_with_empty_axes", 0, "without axes, 0: reduce all; 1: every element is a slice")};
  op.infer = InferReduce;
  op.flops = [](const InferContext& context) { return context.CountOfInput(0); };
  return op;
}

Status RunReduce(RunContext& context, const ReduceFunctions& functions) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<bool> is_reduced, ReducedAxes(context));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Slices slices = SlicesAlong(x.dims(), is_reduced);
  if (!IsFloat(x.dtype()) && functions.integer != nullptr) {
    ReduceSlices<int64_t>(
        slices, [&](int64_t i) { return LoadInt(x.dtype(), x.data(), i); },
        [&](std::span<const int64_t> slice) { return functions.integer(slice, x.dtype()); },
        [&](int64_t i, int64_t value) { StoreInt(y.dtype(), y.data(), i, value); });
    return Status::Ok();
  }
  ReduceSlices<double>(
      slices, [&](int64_t i) { return LoadReal(x.dtype(), x.data(), i); },
      [&](std::span<const double> slice) { return functions.real(slice); },
      [&](int64_t i, double value) { StoreReal(y.dtype(), y.data(), i, value); });
  return Status::Ok();
}

std::vector<TestCase> ReduceCases(double low, double high, DType dtype) {
  struct Each {
    const char* label;
    Dims dims;
    std::vector<double> axes;
    int64_t keepdims;
  };
  const Each list[] = {{"last", {3, 37}, {-1}, 0},
                       {"first", {5, 33}, {0}, 1},
                       {"spatial_first", {2, 7, 5, 3}, {2, 3}, 1},
                       {"spatial_last", {2, 5, 3, 19}, {1, 2}, 0},
                       {"middle", {2, 9, 17}, {1}, 0},
                       {"ends", {4, 3, 5}, {0, 2}, 0},
                       {"all", {3, 4, 5}, {}, 0},
                       {"long", {1031}, {0}, 1}};
  std::vector<TestCase> cases;
  for (const Each& each : list) {
    TestInput axes{
        .dtype = DType::kI64, .dims = {static_cast<int64_t>(each.axes.size())}, .values = each.axes};
    axes.is_constant = true;
    axes.is_absent = each.axes.empty();
    cases.push_back({each.label,
                     {{.dtype = dtype, .dims = each.dims, .low = low, .high = high}, std::move(axes)},
                     {{"keepdims", each.keepdims}}});
  }
  return cases;
}

ForeignRows OnnxReduceRows(const char* name, int axes_input_since) {
  return {{Format::kOnnx, name, axes_input_since},
          {Format::kOnnx, name, 1, axes_input_since - 1, ImportAxesAttribute}};
}

ForeignRow TensorflowReduceRow(const char* name) {
  return {Format::kTensorflow, name, 1, INT_MAX, ImportKeepDims};
}

ForeignRow TfliteReduceRow(const char* name) { return {Format::kTflite, name, 1, INT_MAX, ImportKeepDims}; }

Status InferAlongAxis(InferContext& context, DType result) {
  const std::optional<DimList>& shape = context.shape(0);
  if (!shape) {
    context.SetOutput(0, Type::OfUnknownShape(result));
    return Status::Ok();
  }
  const int rank = static_cast<int>(shape->size());
  SLIPWAY_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context, context.attrs().Int("axis"), rank));
  std::vector<bool> is_reduced(shape->size(), false);
  is_reduced[static_cast<size_t>(axis)] = true;
  context.SetOutput(0, result, DropAxes(*shape, is_reduced, context.attrs().Int("keepdims") != 0));
  return Status::Ok();
}

}  // namespace slipway
