// A strided range along some axes, as numpy's x[start:end:step].
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/nn/foreign.h"
#include "ops/run.h"
#include "ops/shape/import_move.h"
#include "ops/shape/range.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

// Extent of start:end:step along `dim`, where not all three are known; anonymous where nothing can be said.
Dim SymbolicExtent(const Dim& dim, const Dim& start, const Dim& end, int64_t step) {
  if (step != 1 || !start.IsKnown() || start.value() < 0) return {};
  const bool is_to_end = (end.IsKnown() && end.value() >= INT32_MAX) || end.SurelyEquals(dim);
  if (is_to_end) return dim - start;
  if (end.IsKnown() && end.value() < 0) return dim + end - start;
  return {};
}

Status Infer(InferContext& context) {
  const auto starts = context.content(1);
  const auto ends = context.content(2);
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const DimList& shape = *context.shape(0);
  std::optional<Ints> axes = context.HasInput(3) ? context.ints(3) : std::nullopt;
  const bool are_axes_unknown = context.HasInput(3) && !axes;
  if (!starts || !ends || are_axes_unknown) {
    // The rank is kept; any extent may have changed.
    context.SetOutput(0, context.dtype(0), DimList(shape.size()));
    return Status::Ok();
  }
  if (!axes) {
    axes.emplace();
    for (size_t i = 0; i < starts->size(); ++i) axes->push_back(static_cast<int64_t>(i));
  }
  std::optional<Ints> steps = context.HasInput(4) ? context.ints(4) : Ints(starts->size(), 1);
  if (starts->size() != ends->size() || axes->size() != starts->size() ||
      (steps && steps->size() != starts->size())) {
    return context.Error("starts, ends, axes and steps must have one length");
  }
  DimList result = shape;
  std::vector<bool> is_cut(shape.size(), false);
  for (size_t i = 0; i < axes->size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int axis,
                             NormalizeAxis(context, (*axes)[i], static_cast<int>(shape.size())));
    if (is_cut[static_cast<size_t>(axis)])
      return context.Error("axes " + ToString(*axes) + " repeat an axis");
    is_cut[static_cast<size_t>(axis)] = true;
    Dim& dim = result[static_cast<size_t>(axis)];
    if (!steps) {
      dim = Dim();
      continue;
    }
    const int64_t step = (*steps)[i];
    if (step == 0) return context.Error("a step is 0");
    const Dim& start = (*starts)[i];
    const Dim& end = (*ends)[i];
    if (dim.IsKnown() && start.IsKnown() && end.IsKnown()) {
      dim = ClampRange(start.value(), end.value(), step, dim.value()).count;
    } else {
      dim = SymbolicExtent(dim, start, end, step);
    }
  }
  context.SetOutput(0, context.dtype(0), result);
  const auto content = context.content(0);
  if (shape.size() != 1 || !content || !AllKnown(*starts) || !AllKnown(*ends) || !steps) return Status::Ok();
  if (axes->empty()) {
    context.SetContent(0, *content);
    return Status::Ok();
  }
  const SliceRange range = ClampRange((*starts)[0].value(), (*ends)[0].value(), (*steps)[0],
                                      static_cast<int64_t>(content->size()));
  Content cut;
  for (int64_t i = 0; i < range.count; ++i)
    cut.push_back((*content)[static_cast<size_t>(range.start + i * range.step)]);
  context.SetContent(0, std::move(cut));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const auto number = [&](size_t input, int64_t i) {
    return LoadInt(context.in(input).dtype(), context.in(input).data(), i);
  };
  StridedView from{0, DenseStrides(x.dims())};
  Dims dims = x.dims();
  for (int64_t i = 0; i < context.in(1).count(); ++i) {
    int64_t axis = context.HasInput(3) ? number(3, i) : i;
    if (axis < 0) axis += x.rank();
    const auto at = static_cast<size_t>(axis);
    const SliceRange range =
        ClampRange(number(1, i), number(2, i), context.HasInput(4) ? number(4, i) : 1, x.dims()[at]);
    from.offset += range.start * from.strides[at];
    from.strides[at] *= range.step;
    dims[at] = range.count;
  }
  Tensor& y = context.AllocateOutput(0, dims);
  CopyStrided(x.dtype(), x.data(), from, y.data(), {0, DenseStrides(dims)}, dims);
  return Status::Ok();
}

// ONNX before 10: starts, ends and axes are attributes.
Status ImportOld(ImportContext& context) {
  const Attrs& attrs = context.attrs();
  std::vector<ValueId> inputs = {context.in(0), context.ConstInts(attrs.IntList("starts")),
                                 context.ConstInts(attrs.IntList("ends"))};
  if (!attrs.IntList("axes").empty()) inputs.push_back(context.ConstInts(attrs.IntList("axes")));
  return context.Emit("Slice", std::move(inputs));
}

// TensorFlow and TFLite: begin and size, a size of -1 going to the end.
Status ImportBeginSize(ImportContext& context) {
  const Tensor* begin = context.constant(context.in(1));
  const Tensor* size = context.constant(context.in(2));
  if (begin != nullptr && size != nullptr) {
    SLIPWAY_ASSIGN_OR_RETURN(const Ints starts, context.ConstantInts(1));
    SLIPWAY_ASSIGN_OR_RETURN(Ints ends, context.ConstantInts(2));
    if (starts.size() != ends.size()) return context.Error("begin and size must have one length");
    for (size_t i = 0; i < ends.size(); ++i) ends[i] = ends[i] == -1 ? INT64_MAX : starts[i] + ends[i];
    return context.Emit("Slice", {context.in(0), context.ConstInts(starts), context.ConstInts(ends)});
  }
  const DType dtype = context.type(context.in(2)).dtype;
  const int64_t far = dtype == DType::kI64 ? INT64_MAX : INT32_MAX;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {context.in(1), context.in(2)}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_open,
                           context.Add("Equal", {context.in(2), IntsOf(context, dtype, {-1})}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId ends,
                           context.Add("Where", {is_open, IntsOf(context, dtype, {far}), sum}));
  return context.Emit("Slice", {context.in(0), context.in(1), ends});
}

// TensorFlow's ReverseV2 and TFLite's REVERSE_V2: the axes backwards.
Status ImportReverse(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axes, context.ConstantInts(1));
  const size_t n = axes.size();
  return context.Emit("Slice",
                      {context.in(0), context.ConstInts(Ints(n, -1)), context.ConstInts(Ints(n, INT64_MIN)),
                       context.ConstInts(axes), context.ConstInts(Ints(n, -1))});
}

}  // namespace

OpDef MakeSlice() {
  OpDef op;
  op.name = "Slice";
  op.group = "shape";
  op.summary =
      "Elements start, start + step, ... before end along the given axes; bounds beyond the axis are "
      "clamped.";
  op.formula = "y = x[start:end:step]";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"starts", kIndices, "[n]; negative counts from the end"},
               {"ends", kIndices, "[n]; exclusive"},
               {"axes", kIndices, "[n]; none: the first n axes", Arity::kOptional},
               {"steps", kIndices, "[n]; none: 1; negative walks backwards", Arity::kOptional}};
  op.outputs = {{"y", kAnyType, "the rank of x"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto ints = [](std::vector<double> values) {
      const auto n = static_cast<int64_t>(values.size());
      return TestInput{.dtype = DType::kI64, .dims = {n}, .values = std::move(values), .is_constant = true};
    };
    return std::vector<TestCase>{
        {"inner", {{.dims = {3, 17}}, ints({1, 2}), ints({3, 100})}, {}},
        {"channels", {{.dims = {1, 8, 5, 7}}, ints({4}), ints({8}), ints({1})}, {}},
        {"focus", {{.dims = {1, 3, 6, 8}}, ints({0, 1}), ints({99, 99}), ints({2, 3}), ints({2, 2})}, {}},
        {"backwards", {{.dims = {9}}, ints({-1}), ints({-99}), ints({0}), ints({-1})}, {}}};
  };
  op.foreign = {{Format::kOnnx, "Slice", 10},
                {Format::kOnnx, "Slice", 1, 9, ImportOld},
                {Format::kOnnx, "Crop", 1, INT_MAX, ImportCrop},
                {Format::kTensorflow, "Slice", 1, INT_MAX, ImportBeginSize},
                {Format::kTensorflow, "ReverseV2", 1, INT_MAX, ImportReverse},
                {Format::kTflite, "SLICE", 1, INT_MAX, ImportBeginSize},
                {Format::kTflite, "REVERSE_V2", 1, INT_MAX, ImportReverse}};
  return op;
}

}  // namespace slipway
