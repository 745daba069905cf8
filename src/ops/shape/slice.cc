// A rectangular part of a tensor.
#include <numeric>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/run.h"
#include "ops/shape/slice_plan.h"

namespace slipway {
namespace {

struct Request {
  Ints starts, ends, axes, steps;
};

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(0);
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(dtype));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  const auto starts = context.ints(1);
  const auto ends = context.content(2);
  const auto steps = context.HasInput(4) ? context.ints(4) : std::optional<Ints>(Ints());
  std::optional<Ints> axes = context.HasInput(3) ? context.ints(3) : std::optional<Ints>();
  if (!context.HasInput(3) && starts) {
    axes.emplace(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!axes) {
    context.SetOutput(0, dtype, DimList(shape.size()));
    return Status::Ok();
  }
  for (size_t i = 0; i < axes->size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(int axis, NormalizeAxis(context, (*axes)[i], static_cast<int>(shape.size())));
    Dim& dim = shape[static_cast<size_t>(axis)];
    const int64_t step = steps && i < steps->size() ? (*steps)[i] : 1;
    if (steps && step == 0) return context.Error("steps must not be 0");
    const bool is_known = dim.IsKnown() && starts && i < starts->size() && ends && i < ends->size() &&
                          (*ends)[i].IsKnown() && steps;
    if (is_known) {
      dim = SliceAxis(dim.value(), (*starts)[i], (*ends)[i].value(), step).count;
    } else if (starts && i < starts->size() && (*starts)[i] >= 0 && ends && i < ends->size() && step == 1 && steps &&
               !dim.IsKnown() && (*ends)[i].IsKnown() && (*ends)[i].value() >= INT32_MAX) {
      dim = dim - (*starts)[i];
    } else {
      dim = Dim();
    }
  }
  context.SetOutput(0, dtype, shape);
  const auto content = context.content(0);
  const bool is_vector = content && shape.size() == 1 && starts && ends && AllKnown(*ends) && steps && axes->size() == 1;
  if (!is_vector) return Status::Ok();
  const int64_t step = steps->empty() ? 1 : (*steps)[0];
  const AxisSlice slice = SliceAxis(static_cast<int64_t>(content->size()), (*starts)[0], (*ends)[0].value(), step);
  Content part;
  for (int64_t i = 0; i < slice.count; ++i) part.push_back((*content)[static_cast<size_t>(slice.begin + i * slice.step)]);
  context.SetContent(0, std::move(part));
  return Status::Ok();
}

int64_t At(const Tensor& tensor, int64_t i) { return LoadInt(tensor.dtype(), tensor.data(), i); }

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  std::vector<AxisSlice> slices;
  for (int64_t extent : x.dims()) slices.push_back({0, 1, extent});
  const int64_t count = context.in(1).count();
  for (int64_t i = 0; i < count; ++i) {
    int64_t axis = context.HasInput(3) ? At(context.in(3), i) : i;
    if (axis < 0) axis += x.rank();
    const int64_t step = context.HasInput(4) ? At(context.in(4), i) : 1;
    if (step == 0 || axis < 0 || axis >= x.rank()) return context.Error("steps must not be 0, axes must exist");
    slices[static_cast<size_t>(axis)] = SliceAxis(x.dim(static_cast<int>(axis)), At(context.in(1), i), At(context.in(2), i), step);
  }
  Dims dims;
  for (const AxisSlice& slice : slices) dims.push_back(slice.count);
  CopySlices(x, slices, context.AllocateOutput(0, std::move(dims)));
  return Status::Ok();
}

Status ImportOld(ImportContext& context) {
  const Ints& starts = context.attrs().IntList("starts");
  Ints axes = context.attrs().IntList("axes");
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  return context.Emit("Slice", {context.in(0), context.ConstInts(starts), context.ConstInts(context.attrs().IntList("ends")),
                                context.ConstInts(axes)});
}

// TensorFlow and TFLite: begin and size; a size of -1 is "to the end".
Status ImportBeginSize(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Ints begin, context.ConstantInts(1));
  SLIPWAY_ASSIGN_OR_RETURN(Ints size, context.ConstantInts(2));
  if (begin.size() != size.size()) return context.Error("begin and size differ in length");
  Ints ends;
  for (size_t i = 0; i < begin.size(); ++i) ends.push_back(size[i] == -1 ? INT64_MAX : begin[i] + size[i]);
  return context.Emit("Slice", {context.in(0), context.ConstInts(begin), context.ConstInts(ends)});
}

}  // namespace

OpDef MakeSlice() {
  OpDef op;
  op.name = "Slice";
  op.group = "shape";
  op.summary = "A part of x: along each given axis, from starts to before ends in steps, as numpy slices.";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"starts", kIndices, "[n]"},
               {"ends", kIndices, "[n]"},
               {"axes", kIndices, "[n]; none: the first n", Arity::kOptional},
               {"steps", kIndices, "[n], not 0; none: 1", Arity::kOptional}};
  op.outputs = {{"y", kAnyType, "the part"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto ints = [](std::vector<double> values) {
      const auto n = static_cast<int64_t>(values.size());
      return TestInput{.dtype = DType::kI64, .dims = {n}, .values = std::move(values), .is_constant = true};
    };
    return std::vector<TestCase>{
        {"inner", {{.dims = {4, 9, 17}}, ints({1, 2}), ints({3, -1}), ints({0, 2})}, {}},
        {"steps", {{.dims = {20, 10}}, ints({0, 9}), ints({20, -100}), ints({0, 1}), ints({3, -2})}, {}}};
  };
  op.foreign = {{Format::kOnnx, "Slice", 10},
                {Format::kOnnx, "Slice", 1, 9, ImportOld},
                {Format::kTensorflow, "Slice", 1, INT_MAX, ImportBeginSize},
                {Format::kTflite, "SLICE", 1, INT_MAX, ImportBeginSize}};
  return op;
}

}  // namespace slipway
