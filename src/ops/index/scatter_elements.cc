// Single elements put into a copy of a tensor, an index each.
#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/index/reduction.h"
#include "ops/infer.h"
#include "ops/shape/move.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.dtype(2) != context.dtype(0)) return context.Error("x and updates must be of one type");
  const auto& x = context.shape(0);
  const auto& indices = context.shape(1);
  const auto& updates = context.shape(2);
  if (x && indices && updates) {
    if (x->size() != indices->size() || indices->size() != updates->size()) {
      return context.Error("x " + ToString(*x) + ", indices " + ToString(*indices) + " and updates " +
                           ToString(*updates) + " must have one rank");
    }
    SLIPWAY_ASSIGN_OR_RETURN(
        const int axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(x->size())));
    for (size_t i = 0; i < x->size(); ++i) {
      const bool are_known = (*x)[i].IsKnown() && (*indices)[i].IsKnown() && (*updates)[i].IsKnown();
      if (!are_known) continue;
      const bool reaches_beyond = static_cast<int>(i) != axis && (*indices)[i].value() > (*x)[i].value();
      if (reaches_beyond || (*indices)[i].value() != (*updates)[i].value()) {
        return context.Error("indices " + ToString(*indices) + " and updates " + ToString(*updates) +
                             " do not fit x " + ToString(*x));
      }
    }
  }
  context.SetOutput(0, context.input(0));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RunMove(context));
  Tensor& y = context.out(0);
  const Tensor& indices = context.in(1);
  const Tensor& updates = context.in(2);
  const size_t axis = AxisOf(context, y.rank());
  const std::string& reduction = context.attrs().String("reduction");
  const std::vector<int64_t> strides = DenseStrides(y.dims());
  Dims at(indices.dims().size(), 0);
  const int64_t count = indices.count();
  for (int64_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int64_t pick, IndexAt(context, indices, i, y.dims()[axis]));
    int64_t to = pick * strides[axis];
    for (size_t k = 0; k < at.size(); ++k) to += k == axis ? 0 : at[k] * strides[k];
    ScatterElement(reduction, y.dtype(), updates.data(), i, y.data(), to);
    for (size_t k = at.size(); k-- > 0;) {
      if (++at[k] < indices.dims()[k]) break;
      at[k] = 0;
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeScatterElements() {
  OpDef op;
  op.name = "ScatterElements";
  op.group = "index";
  op.summary = "A copy of x with each update put at its own place but for `axis`, where its index says.";
  op.formula = "y[i, indices[i, j, k], k] = updates[i, j, k] for axis 1";
  op.inputs = {{"x", kAnyType, "rank 1 or more"},
               {"indices", kIndices, "the rank of x; negative counts from the end"},
               {"updates", kAnyType, "the shape of indices"}};
  op.outputs = {{"y", kAnyType, "the shape of x"}};
  op.attrs = {IntAttr("axis", 0, "negative counts from the end"), ReductionAttr()};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput indices{.dtype = DType::kI64, .dims = {2, 2}, .values = {0, -1, 1, 1}};
    return std::vector<TestCase>{
        {"replace",
         {{.dims = {2, 3}},
          {.dtype = DType::kI64, .dims = {2, 2}, .values = {0, -1, 1, 2}},
          {.dims = {2, 2}}},
         {{"axis", int64_t{1}}}},
        {"add", {{.dims = {3, 2}}, indices, {.dims = {2, 2}}}, {{"reduction", std::string("add")}}}};
  };
  op.foreign = {{Format::kOnnx, "ScatterElements"}, {Format::kOnnx, "Scatter"}};
  return op;
}

}  // namespace slipway
