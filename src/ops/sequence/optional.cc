// Values that may be absent.
#include "ops/control/subgraph.h"
#include "ops/sequence/sequence.h"

namespace slipway {
namespace {

bool IsSequenceKind(TypeKind kind) {
  return kind == TypeKind::kSequence || kind == TypeKind::kOptionalSequence;
}

Status InferOptional(InferContext& context) {
  const bool has_input = context.HasInput(0);
  Type type = has_input ? context.input(0) : Type();
  const bool is_sequence = has_input ? IsSequenceKind(type.kind) : context.attrs().Int("holds_sequence") != 0;
  type.kind = is_sequence ? TypeKind::kOptionalSequence : TypeKind::kOptionalTensor;
  if (!has_input) type.dtype = context.attrs().Type("dtype");
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status RunOptional(RunContext& context) {
  Datum datum;
  if (context.HasInput(0)) datum = OwnedCopy(context.in_datum(0));
  datum.has_value = context.HasInput(0);
  datum.kind = context.out_type(0).kind;
  context.SetOutput(0, std::move(datum));
  return Status::Ok();
}

Status InferGet(InferContext& context) {
  Type type = context.input(0);
  type.kind = IsSequenceKind(type.kind) ? TypeKind::kSequence : TypeKind::kTensor;
  // What an optional holds is known only when it is there.
  if (context.input(0).kind == TypeKind::kOptionalTensor && !type.IsStatic()) type.shape.reset();
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status RunGet(RunContext& context) {
  Datum datum = context.in_datum(0);
  if (!datum.has_value) return context.Error("the optional holds nothing");
  datum.kind = IsSequenceKind(datum.kind) ? TypeKind::kSequence : TypeKind::kTensor;
  TakeOutput(context, 0, datum);
  return Status::Ok();
}

Status RunHas(RunContext& context) {
  const bool is_optional = context.HasInput(0) && (context.in_datum(0).kind == TypeKind::kOptionalTensor ||
                                                   context.in_datum(0).kind == TypeKind::kOptionalSequence);
  context.out(0).as<bool>()[0] = context.HasInput(0) && (!is_optional || context.in_datum(0).has_value);
  return Status::Ok();
}

Status ImportOptional(ImportContext& context) {
  const Type& declared = context.node().outputs.empty() ? Type() : context.node().outputs[0].type;
  Attrs attrs = {{"holds_sequence", int64_t{declared.kind == TypeKind::kOptionalSequence}}};
  if (declared.dtype != DType::kNone) attrs.Set("dtype", declared.dtype);
  return context.Emit("Optional", context.node().inputs, std::move(attrs));
}

}  // namespace

OpDef MakeOptional() {
  OpDef op;
  op.name = "Optional";
  op.group = "sequence";
  op.summary = "An optional that holds x, or nothing.";
  op.inputs = {{"x", kAnyType, "a tensor or a sequence", Arity::kOptional}};
  op.outputs = {{"optional", kAnyType, "x or nothing"}};
  op.attrs = {IntAttr("holds_sequence", 0, "1: without x, an optional sequence"),
              DTypeAttr("dtype", DType::kNone, "without x, the type of what it may hold")};
  op.infer = InferOptional;
  op.reference = RunOptional;
  op.foreign = {{Format::kOnnx, "Optional", 1, INT_MAX, ImportOptional}};
  return op;
}

OpDef MakeOptionalHasElement() {
  OpDef op;
  op.name = "OptionalHasElement";
  op.group = "sequence";
  op.summary = "Whether an optional holds something.";
  op.inputs = {{"x", kAnyType, "an optional; a tensor or sequence is always there", Arity::kOptional}};
  op.outputs = {{"y", kBools, "one element"}};
  op.infer = [](InferContext& context) {
    context.SetOutput(0, DType::kBool, {});
    return Status::Ok();
  };
  op.reference = RunHas;
  op.foreign = {{Format::kOnnx, "OptionalHasElement"}};
  return op;
}

OpDef MakeOptionalGetElement() {
  OpDef op;
  op.name = "OptionalGetElement";
  op.group = "sequence";
  op.summary = "What an optional holds; an error when that is nothing.";
  op.inputs = {{"x", kAnyType, "an optional, or the value itself"}};
  op.outputs = {{"y", kAnyType, "the value"}};
  op.infer = InferGet;
  op.reference = RunGet;
  op.foreign = {{Format::kOnnx, "OptionalGetElement"}};
  return op;
}

}  // namespace slipway
