// A tensor filled with one value.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/import_move.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const Tensor* value = context.attrs().TensorOf("value");
  if (value != nullptr && value->count() != 1)
    return context.Error("value must be one element, is " + Describe(*value));
  const DType dtype = value != nullptr ? value->dtype() : DType::kF32;
  const auto shape = context.content(0);
  if (!shape) {
    Type type = Type::OfUnknownShape(dtype);
    const auto& lengths = context.shape(0);
    const bool is_rank_known = lengths && lengths->size() == 1 && (*lengths)[0].IsKnown();
    if (is_rank_known && (*lengths)[0].value() <= 64)
      type.shape = DimList(static_cast<size_t>((*lengths)[0].value()));
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  }
  for (const Dim& dim : *shape) {
    if (dim.IsKnown() && dim.value() < 0)
      return context.Error("shape " + ToString(*shape) + " has a negative extent");
  }
  context.SetOutput(0, dtype, *shape);
  return Status::Ok();
}

Status Reference(RunContext& context) {
  Tensor& y = context.AllocateOutput(0, KnownDims(*context.out_type(0).shape));
  const int64_t count = y.count();
  const Tensor zero(DType::kF32, {1});
  const Tensor* value = context.attrs().TensorOf("value");
  if (value == nullptr) value = &zero;
  for (int64_t i = 0; i < count; ++i) CopyElement(y.dtype(), value->data(), 0, y.data(), i);
  return Status::Ok();
}

// TensorFlow and TFLite: the value is an input.
Status ImportFill(ImportContext& context) {
  const Tensor* value = context.constant(context.in(1));
  if (value == nullptr) return context.Emit("Expand", {context.in(1), context.in(0)});
  if (value->count() != 1) return context.Error("the value must be one element, is " + Describe(*value));
  return context.Emit("ConstantOfShape", {context.in(0)}, {{"value", value->Clone().Reshaped({1})}});
}

// ZerosLike and OnesLike: the shape of a tensor.
Status ImportLike(ImportContext& context) {
  const Type& type = context.type(context.in(0));
  if (type.dtype == DType::kNone) return context.Unsupported("the input's type must be known");
  Tensor value(type.dtype, {1});
  const bool is_one = context.node().op == "OnesLike";
  if (is_one) StoreReal(type.dtype, value.data(), 0, 1);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shape, ShapeOf(context, context.in(0)));
  return context.Emit("ConstantOfShape", {shape}, {{"value", value}});
}

}  // namespace

OpDef MakeConstantOfShape() {
  OpDef op;
  op.name = "ConstantOfShape";
  op.group = "shape";
  op.summary = "A tensor of the given shape, every element `value` (f32 0 when left out).";
  op.inputs = {{"shape", kIndices, "[rank of the result]"}};
  op.outputs = {{"y", kAnyType, "as `shape` says; the type of `value`"}};
  op.attrs = {TensorAttr("value", "one element")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"zeros", {{.dtype = DType::kI64, .dims = {2}, .values = {3, 5}, .is_constant = true}}, {}}};
  };
  op.foreign = {{Format::kOnnx, "ConstantOfShape"},
                {Format::kTensorflow, "Fill", 1, INT_MAX, ImportFill},
                {Format::kTensorflow, "ZerosLike", 1, INT_MAX, ImportLike},
                {Format::kTensorflow, "OnesLike", 1, INT_MAX, ImportLike},
                {Format::kTflite, "FILL", 1, INT_MAX, ImportFill},
                {Format::kTflite, "ZEROS_LIKE", 1, INT_MAX, ImportLike}};
  return op;
}

}  // namespace slipway
