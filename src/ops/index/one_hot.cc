// Class numbers to vectors that are on at one place.
#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/infer.h"
#include "ops/shape/import_move.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(2)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context, context.attrs().Int("axis"),
                                                         static_cast<int>(shape.size()) + 1));
  Dim depth;
  if (const Tensor* constant = context.constant(1)) {
    if (constant->count() != 1) return context.Error("depth must be one number, is " + Describe(*constant));
    depth = LoadInt(constant->dtype(), constant->data(), 0);
  } else if (const auto content = context.content(1); content && content->size() == 1) {
    depth = (*content)[0];
  }
  if (depth.IsKnown() && depth.value() < 0) return context.Error("depth is " + depth.ToString());
  shape.insert(shape.begin() + axis, depth);
  context.SetOutput(0, context.dtype(2), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& indices = context.in(0);
  const Tensor& values = context.in(2);
  const int64_t depth = LoadInt(context.in(1).dtype(), context.in(1).data(), 0);
  const size_t axis = AxisOf(context, indices.rank() + 1);
  const bool are_negatives_from_end = context.attrs().Int("from_end") != 0;
  Dims dims = indices.dims();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  Tensor& y = context.AllocateOutput(0, dims);
  const std::span<const int64_t> shape(indices.dims());
  const int64_t outer = CountOf(shape.first(axis));
  const int64_t inner = CountOf(shape.subspan(axis));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      int64_t hot = LoadInt(indices.dtype(), indices.data(), o * inner + i);
      if (hot < 0 && are_negatives_from_end) hot += depth;
      for (int64_t d = 0; d < depth; ++d) {
        CopyElement(y.dtype(), values.data(), d == hot ? 1 : 0, y.data(), (o * depth + d) * inner + i);
      }
    }
  }
  return Status::Ok();
}

// TensorFlow and TFLite: on and off are inputs, negative indices are off everywhere.
Status ImportOnOff(ImportContext& context) {
  const Tensor* on = context.constant(context.in(2));
  const Tensor* off = context.constant(context.in(3));
  ValueId values = kNoValue;
  if (on != nullptr && off != nullptr && on->count() == 1 && off->count() == 1 &&
      on->dtype() == off->dtype()) {
    Tensor pair(on->dtype(), {2});
    CopyElement(on->dtype(), off->data(), 0, pair.data(), 0);
    CopyElement(on->dtype(), on->data(), 0, pair.data(), 1);
    values = context.Const(std::move(pair));
  } else {
    const ValueId one = context.ConstInts({1});
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId off_vector, context.Add("Reshape", {context.in(3), one}));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId on_vector, context.Add("Reshape", {context.in(2), one}));
    SLIPWAY_ASSIGN_OR_RETURN(values, context.Add("Concat", {off_vector, on_vector}, {{"axis", int64_t{0}}}));
  }
  return context.Emit("OneHot", {context.in(0), context.in(1), values},
                      {{"axis", context.attrs().Int("axis", -1)}, {"from_end", int64_t{0}}});
}

}  // namespace

OpDef MakeOneHot() {
  OpDef op;
  op.name = "OneHot";
  op.group = "index";
  op.summary = "A new axis of `depth` that holds values[1] where the index says and values[0] elsewhere.";
  op.inputs = {{"indices", kNumbers, "any shape; outside the depth: off everywhere"},
               {"depth", kNumbers, "one number"},
               {"values", kAnyType, "[2]: off, on"}};
  op.outputs = {{"y", kAnyType, "the indices' shape with the new axis"}};
  op.attrs = {IntAttr("axis", -1, "place of the new axis in the result"),
              IntAttr("from_end", 1, "1: negative indices count from the end")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"last",
                                  {{.dtype = DType::kI64, .dims = {3}, .values = {0, -1, 5}},
                                   {.dtype = DType::kI64, .dims = {}, .values = {4}, .is_constant = true},
                                   {.dims = {2}, .values = {0, 1}}},
                                  {}}};
  };
  op.foreign = {{Format::kOnnx, "OneHot"},
                {Format::kTensorflow, "OneHot", 1, INT_MAX, ImportOnOff},
                {Format::kTflite, "ONE_HOT", 1, INT_MAX, ImportOnOff}};
  return op;
}

}  // namespace slipway
