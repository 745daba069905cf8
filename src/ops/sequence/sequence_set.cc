// Replacing an element of a sequence: what lists that are filled in a loop need.
#include "ops/sequence/sequence.h"

namespace slipway {
namespace {

// Positions that one write may add; a hostile index would fill the memory.
constexpr int64_t kMaxGrowth = int64_t{1} << 20;

bool HoldsNothing(const Tensor& tensor) { return tensor.dims() == Dims{0}; }

Status Run(RunContext& context) {
  std::vector<Tensor> sequence = SequenceIn(context, 0);
  const auto length = static_cast<int64_t>(sequence.size());
  const int64_t last = context.attrs().Int("grows") != 0 ? length + kMaxGrowth : length - 1;
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t position, PositionIn(context, 2, length, last, 0));
  const Tensor item = context.in(1).Clone();
  if (position >= length) sequence.resize(static_cast<size_t>(position) + 1, Tensor(item.dtype(), {0}));
  sequence[static_cast<size_t>(position)] = item;
  if (!HoldsNothing(item)) {
    Tensor zero;
    for (Tensor& element : sequence) {
      if (!HoldsNothing(element)) continue;
      if (zero.IsNone()) zero = Tensor(item.dtype(), item.dims());
      element = zero;
    }
  }
  context.SetOutput(0, Datum::Of(std::move(sequence)));
  return Status::Ok();
}

}  // namespace

OpDef MakeSequenceSet() {
  OpDef op;
  op.name = "SequenceSet";
  op.group = "sequence";
  op.summary =
      "The sequence with the tensor at a position replaced; places that hold nothing yet ([0]) become zeros "
      "of "
      "its shape.";
  op.inputs = {{"sequence", kAnyType, "a sequence"},
               {"tensor", kAnyType, "of the sequence's type"},
               {"position", kIndices, "one number, negative counts from the end"}};
  op.outputs = {{"sequence", kAnyType, "a sequence"}};
  op.attrs = {IntAttr("grows", 0, "1: a position behind the end makes the sequence longer")};
  op.infer = [](InferContext& context) {
    const DType dtype = context.dtype(0) != DType::kNone ? context.dtype(0) : context.dtype(1);
    context.SetOutput(0, SequenceOf(dtype));
    return Status::Ok();
  };
  op.reference = Run;
  return op;
}

}  // namespace slipway
