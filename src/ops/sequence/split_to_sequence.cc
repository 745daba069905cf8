// Between one tensor and a sequence of its parts.
#include <algorithm>

#include "base/scalar.h"
#include "ops/control/subgraph.h"
#include "ops/sequence/sequence.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

// Extents of the parts: a list, chunks of one extent with a smaller last, or single slices.
Result<Ints> PartsOf(const RunContext& context, int64_t extent) {
  Ints parts;
  if (!context.HasInput(1)) return Ints(static_cast<size_t>(extent), 1);
  const Tensor& split = context.in(1);
  if (split.rank() == 0) {
    const int64_t chunk = LoadInt(split.dtype(), split.data(), 0);
    if (chunk < 1) return context.Error("split is " + std::to_string(chunk));
    for (int64_t at = 0; at < extent; at += chunk) parts.push_back(std::min(chunk, extent - at));
    return parts;
  }
  int64_t left = extent;
  for (int64_t i = 0; i < split.count(); ++i) {
    parts.push_back(LoadInt(split.dtype(), split.data(), i));
    if (parts.back() < 0 || parts.back() > left)
      return context.Error("split " + ToString(parts) + " exceeds " + std::to_string(extent));
    left -= parts.back();
  }
  if (left != 0)
    return context.Error("split " + ToString(parts) + " does not add up to " + std::to_string(extent));
  return parts;
}

Status RunSplit(RunContext& context) {
  const Tensor& x = context.in(0);
  const int64_t attr = context.attrs().Int("axis");
  const auto axis = static_cast<size_t>(attr < 0 ? attr + x.rank() : attr);
  if (axis >= x.dims().size())
    return context.Error("axis " + std::to_string(attr) + " is outside " + Describe(x));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints parts, PartsOf(context, x.dims()[axis]));
  const bool drops_axis = context.attrs().Int("keepdims") == 0 && !context.HasInput(1);
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  std::vector<Tensor> sequence;
  int64_t at = 0;
  for (int64_t part : parts) {
    Dims dims = x.dims();
    dims[axis] = part;
    Tensor piece(x.dtype(), dims);
    CopyStrided(x.dtype(), x.data(), {at * strides[axis], strides}, piece.data(), {0, DenseStrides(dims)},
                dims);
    at += part;
    if (drops_axis) dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
    sequence.push_back(piece.Reshaped(std::move(dims)));
  }
  context.SetOutput(0, Datum::Of(std::move(sequence)));
  return Status::Ok();
}

Status RunConcat(RunContext& context) {
  const std::vector<Tensor>& sequence = SequenceIn(context, 0);
  if (sequence.empty()) return context.Error("the sequence is empty");
  const int64_t attr = context.attrs().Int("axis");
  if (context.attrs().Int("new_axis") != 0) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor stacked, StackTensors(context, sequence, attr, sequence[0].dtype(), {}));
    TakeOutput(context, 0, Datum::Of(std::move(stacked)));
    return Status::Ok();
  }
  Dims dims = sequence[0].dims();
  const auto axis = static_cast<size_t>(attr < 0 ? attr + static_cast<int64_t>(dims.size()) : attr);
  if (axis >= dims.size())
    return context.Error("axis " + std::to_string(attr) + " is outside " + Describe(sequence[0]));
  dims[axis] = 0;
  for (const Tensor& part : sequence) {
    Dims others = part.dims();
    const int64_t extent = others.size() == dims.size() ? others[axis] : 0;
    if (others.size() == dims.size()) others[axis] = dims[axis];
    if (others != dims)
      return context.Error("cannot join " + Describe(sequence[0]) + " and " + Describe(part));
    dims[axis] += extent;
  }
  Tensor& y = context.AllocateOutput(0, dims);
  const std::vector<int64_t> strides = DenseStrides(dims);
  int64_t at = 0;
  for (const Tensor& part : sequence) {
    CopyStrided(y.dtype(), part.data(), {0, DenseStrides(part.dims())}, y.data(),
                {at * strides[axis], strides}, part.dims());
    at += part.dims()[axis];
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSplitToSequence() {
  OpDef op;
  op.name = "SplitToSequence";
  op.group = "sequence";
  op.summary = "Cuts a tensor into a sequence of parts along an axis.";
  op.inputs = {{"x", kAnyType, "rank 1 or more"},
               {"split", kIndices, "one number: chunks of that extent; [n]: the extents; none: single slices",
                Arity::kOptional}};
  op.outputs = {{"sequence", kAnyType, "the parts"}};
  op.attrs = {IntAttr("axis", 0, "negative counts from the end"),
              IntAttr("keepdims", 1, "0: single slices lose the axis")};
  op.infer = InferSequence;
  op.reference = RunSplit;
  op.foreign = {{Format::kOnnx, "SplitToSequence"}};
  return op;
}

OpDef MakeConcatFromSequence() {
  OpDef op;
  op.name = "ConcatFromSequence";
  op.group = "sequence";
  op.summary = "Joins the tensors of a sequence along an axis, or stacks them along a new one.";
  op.inputs = {{"sequence", kAnyType, "one tensor or more"}};
  op.outputs = {{"y", kAnyType, "joined"}};
  op.attrs = {Required(IntAttr("axis", 0, "negative counts from the end")),
              IntAttr("new_axis", 0, "1: a new axis")};
  op.infer = [](InferContext& context) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  };
  op.reference = RunConcat;
  op.foreign = {{Format::kOnnx, "ConcatFromSequence"}};
  return op;
}

}  // namespace slipway
