// Elements put between the elements of a tensor; StableHLO's pad, which also does that, is this and Pad.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

constexpr DTypeSet kElements = kNumbers | kBools | DTypeSet{DType::kC64};

Status Infer(InferContext& context) {
  if (context.dtype(2) != context.dtype(0)) return context.Error("x and the value must be of one type");
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  if (!context.shape(0)) return Status::Ok();
  DimList shape = *context.shape(0);
  const auto dilations = context.ints(1);
  if (!dilations) {
    context.SetOutput(0, context.dtype(0), DimList(shape.size()));
    return Status::Ok();
  }
  if (dilations->size() != shape.size())
    return context.Error("has " + std::to_string(dilations->size()) + " dilations for x " + ToString(shape));
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t step = (*dilations)[i];
    if (step < 1) return context.Error("dilation " + std::to_string(step) + " must be 1 or more");
    if (shape[i].IsKnown() && shape[i].value() > 1 && step > INT64_MAX / shape[i].value())
      return context.Error("dilation " + std::to_string(step) + " makes axis " + std::to_string(i) +
                           " too long");
    if (!shape[i].IsKnown() || shape[i].value() > 0) shape[i] = (shape[i] - 1) * step + 1;
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const std::vector<int64_t> dilations = IntsOf(context.in(1));
  if (dilations.size() != x.dims().size())
    return context.Error("has " + std::to_string(dilations.size()) + " dilations for x " + Describe(x));
  if (context.in(2).count() != 1) return context.Error("the value must be one element");
  Dims dims = x.dims();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dilations[i] < 1)
      return context.Error("dilation " + std::to_string(dilations[i]) + " must be 1 or more");
    if (dims[i] > 1 && dilations[i] > INT64_MAX / dims[i])
      return context.Error("dilation " + std::to_string(dilations[i]) + " makes an axis too long");
    if (dims[i] > 0) dims[i] = (dims[i] - 1) * dilations[i] + 1;
  }
  SLIPWAY_RETURN_IF_ERROR(ElementCount(dims).status());
  Tensor& y = context.AllocateOutput(0, dims);
  for (int64_t i = 0; i < y.count(); ++i) CopyElement(y.dtype(), context.in(2).data(), 0, y.data(), i);
  StridedView to{0, DenseStrides(dims)};
  for (size_t i = 0; i < dilations.size(); ++i) to.strides[i] *= dilations[i];
  CopyStrided(x.dtype(), x.data(), {0, DenseStrides(x.dims())}, y.data(), to, x.dims());
  return Status::Ok();
}

Status ImportStablehloPad(ImportContext& context) {
  const Attrs& attrs = context.attrs();
  Ints pads = attrs.IntList("edge_padding_low");
  const Ints& high = attrs.IntList("edge_padding_high");
  Ints dilations = attrs.IntList("interior_padding");
  if (pads.size() != high.size() || pads.size() != dilations.size())
    return context.Error("its three paddings differ in length");
  bool is_dense = true;
  for (int64_t& step : dilations) {
    if (step < 0 || step == INT64_MAX) return context.Error("interior padding " + std::to_string(step));
    is_dense &= step == 0;
    ++step;
  }
  pads.insert(pads.end(), high.begin(), high.end());
  ValueId x = context.in(0);
  if (!is_dense) {
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Add("Dilate", {x, context.ConstInts(dilations), context.in(1)}));
  }
  return context.Emit("Pad", {x, context.ConstInts(pads), context.in(1)});
}

}  // namespace

OpDef MakeDilate() {
  OpDef op;
  op.name = "Dilate";
  op.group = "shape";
  op.summary = "Puts dilation - 1 copies of a value between neighbours along each axis.";
  op.formula = "y[i * dilation] = x[i], else value";
  op.inputs = {{"x", kElements, "any shape"},
               {"dilations", kIndices, "[rank of x], 1 or more"},
               {"value", kElements, "one element"}};
  op.outputs = {{"y", kElements, "(extent - 1) * dilation + 1 per axis"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"both",
                                  {{.dims = {3, 4}},
                                   {.dtype = DType::kI32, .dims = {2}, .values = {2, 3}, .is_constant = true},
                                   {.dims = {}}},
                                  {}}};
  };
  op.foreign = {{Format::kTflite, "DILATE"},
                {Format::kTflite, "STABLEHLO_PAD", 1, INT_MAX, ImportStablehloPad}};
  return op;
}

}  // namespace slipway
