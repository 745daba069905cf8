// Making, reading and changing sequences, an element at a time.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/onnx_dtype.h"
#include "ops/sequence/sequence.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

OpDef SequenceOp(const char* name, const char* summary) {
  OpDef op;
  op.name = name;
  op.group = "sequence";
  op.summary = summary;
  op.foreign = {{Format::kOnnx, name}};
  return op;
}

Port SequencePort() { return {"sequence", kAnyType, "a sequence"}; }
Port PositionPort(const char* otherwise) {
  return {"position", kIndices, std::string("one number, negative counts from the end; none: ") + otherwise,
          Arity::kOptional};
}

Status InferConstruct(InferContext& context) {
  for (size_t i = 1; i < context.num_inputs(); ++i) {
    if (context.dtype(i) != context.dtype(0)) return context.Error("the inputs must be of one type");
  }
  return InferSequence(context);
}

Status RunConstruct(RunContext& context) {
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < context.num_inputs(); ++i) tensors.push_back(context.in(i).Clone());
  context.SetOutput(0, Datum::Of(std::move(tensors)));
  return Status::Ok();
}

Status RunAt(RunContext& context) {
  const std::vector<Tensor>& sequence = SequenceIn(context, 0);
  const auto length = static_cast<int64_t>(sequence.size());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t position, PositionIn(context, 1, length, length - 1, 0));
  const Tensor& x = sequence[static_cast<size_t>(position)];
  Tensor& y = context.AllocateOutput(0, x.dims());
  const StridedView flat{0, {1}};
  CopyStrided(x.dtype(), x.data(), flat, y.data(), flat, {x.count()});
  return Status::Ok();
}

Status RunInsert(RunContext& context) {
  std::vector<Tensor> sequence = SequenceIn(context, 0);
  const auto length = static_cast<int64_t>(sequence.size());
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t position, PositionIn(context, 2, length, length, length));
  sequence.insert(sequence.begin() + position, context.in(1).Clone());
  context.SetOutput(0, Datum::Of(std::move(sequence)));
  return Status::Ok();
}

Status RunErase(RunContext& context) {
  std::vector<Tensor> sequence = SequenceIn(context, 0);
  const auto length = static_cast<int64_t>(sequence.size());
  if (length == 0) return context.Error("the sequence is empty");
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t position, PositionIn(context, 1, length, length - 1, length - 1));
  sequence.erase(sequence.begin() + position);
  context.SetOutput(0, Datum::Of(std::move(sequence)));
  return Status::Ok();
}

Status ImportEmpty(ImportContext& context) {
  const auto dtype = DTypeFromOnnx(context.attrs().Int("dtype", 1));
  if (!dtype) return context.Error("dtype " + std::to_string(context.attrs().Int("dtype")) + " is unknown");
  return context.Emit("SequenceEmpty", {}, {{"dtype", *dtype}});
}

}  // namespace

OpDef MakeSequenceConstruct() {
  OpDef op = SequenceOp("SequenceConstruct", "A sequence of the inputs.");
  op.inputs = {{"tensors", kAnyType, "of one type", Arity::kOneOrMore}};
  op.outputs = {SequencePort()};
  op.infer = InferConstruct;
  op.reference = RunConstruct;
  return op;
}

OpDef MakeSequenceEmpty() {
  OpDef op = SequenceOp("SequenceEmpty", "A sequence of no tensors.");
  op.outputs = {SequencePort()};
  op.attrs = {DTypeAttr("dtype", DType::kF32, "type of its tensors")};
  op.infer = [](InferContext& context) {
    context.SetOutput(0, SequenceOf(context.attrs().Type("dtype")));
    return Status::Ok();
  };
  op.reference = [](RunContext& context) {
    context.SetOutput(0, Datum::Of(std::vector<Tensor>()));
    return Status::Ok();
  };
  op.foreign = {{Format::kOnnx, "SequenceEmpty", 1, INT_MAX, ImportEmpty}};
  return op;
}

OpDef MakeSequenceAt() {
  OpDef op = SequenceOp("SequenceAt", "The tensor at a position of a sequence.");
  op.inputs = {SequencePort(), PositionPort("the first")};
  op.outputs = {{"tensor", kAnyType, "that tensor"}};
  op.infer = [](InferContext& context) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  };
  op.reference = RunAt;
  return op;
}

OpDef MakeSequenceInsert() {
  OpDef op = SequenceOp("SequenceInsert", "The sequence with a tensor inserted before a position.");
  op.inputs = {
      SequencePort(), {"tensor", kAnyType, "of the sequence's type"}, PositionPort("behind the last")};
  op.outputs = {SequencePort()};
  op.infer = [](InferContext& context) {
    const DType dtype = context.dtype(0) != DType::kNone ? context.dtype(0) : context.dtype(1);
    context.SetOutput(0, SequenceOf(dtype));
    return Status::Ok();
  };
  op.reference = RunInsert;
  return op;
}

OpDef MakeSequenceErase() {
  OpDef op = SequenceOp("SequenceErase", "The sequence without the tensor at a position.");
  op.inputs = {SequencePort(), PositionPort("the last")};
  op.outputs = {SequencePort()};
  op.infer = InferSequence;
  op.reference = RunErase;
  return op;
}

OpDef MakeSequenceLength() {
  OpDef op = SequenceOp("SequenceLength", "How many tensors a sequence has.");
  op.inputs = {SequencePort()};
  op.outputs = {{"length", {DType::kI64}, "one number"}};
  op.infer = [](InferContext& context) {
    context.SetOutput(0, DType::kI64, {});
    return Status::Ok();
  };
  op.reference = [](RunContext& context) {
    context.out(0).as<int64_t>()[0] = static_cast<int64_t>(SequenceIn(context, 0).size());
    return Status::Ok();
  };
  return op;
}

}  // namespace slipway
