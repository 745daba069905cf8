// A block put into a copy of a tensor, at a place that is data.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/move.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.dtype(1) != context.dtype(0)) return context.Error("x and the update must be of one type");
  const auto& x = context.shape(0);
  const auto& update = context.shape(1);
  if (x && update) {
    bool fits = x->size() == update->size();
    for (size_t i = 0; fits && i < x->size(); ++i)
      fits = !(*x)[i].IsKnown() || !(*update)[i].IsKnown() || (*update)[i].value() <= (*x)[i].value();
    if (!fits)
      return context.Error("the update " + ToString(*update) + " does not fit into x " + ToString(*x));
  }
  return InferSameAsInput(context);
}

Status Reference(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RunMove(context));
  Tensor& y = context.out(0);
  const Tensor& update = context.in(1);
  const std::vector<int64_t> start = IntsOf(context.in(2));
  if (start.size() != y.dims().size())
    return context.Error("start has " + std::to_string(start.size()) + " entries, x is " + Describe(y));
  const std::vector<int64_t> strides = DenseStrides(y.dims());
  int64_t offset = 0;
  for (size_t i = 0; i < start.size(); ++i)
    offset += std::clamp<int64_t>(start[i], 0, y.dims()[i] - update.dims()[i]) * strides[i];
  CopyStrided(y.dtype(), update.data(), {0, DenseStrides(update.dims())}, y.data(), {offset, strides},
              update.dims());
  return Status::Ok();
}

}  // namespace

OpDef MakeDynamicUpdateSlice() {
  const DTypeSet elements = kNumbers | kBools | kSubByteInts | DTypeSet{DType::kC64};
  OpDef op;
  op.name = "DynamicUpdateSlice";
  op.group = "shape";
  op.summary = "A copy of x with a block replaced; a block that would hang over is moved inside.";
  op.formula = "y[start + i] = update[i], else x";
  op.inputs = {{"x", elements, "any shape"},
               {"update", elements, "the rank of x, no extent larger"},
               {"start", kIndices, "[rank of x]: where the block's first element goes"}};
  op.outputs = {{"y", elements, "the shape of x"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput start{.dtype = DType::kI32, .dims = {2}, .values = {1, 9}};
    return std::vector<TestCase>{{"inside", {{.dims = {4, 5}}, {.dims = {2, 3}}, start}, {}}};
  };
  op.foreign = {{Format::kTflite, "DYNAMIC_UPDATE_SLICE"}, {Format::kTensorflow, "XlaDynamicUpdateSlice"}};
  return op;
}

}  // namespace slipway
