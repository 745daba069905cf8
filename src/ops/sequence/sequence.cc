#include "ops/sequence/sequence.h"

#include "base/scalar.h"

namespace slipway {

Type SequenceOf(DType dtype) {
  Type type;
  type.kind = TypeKind::kSequence;
  type.dtype = dtype;
  return type;
}

Status InferSequence(InferContext& context) {
  context.SetOutput(0, SequenceOf(context.dtype(0)));
  return Status::Ok();
}

const std::vector<Tensor>& SequenceIn(const RunContext& context, size_t i) {
  static const std::vector<Tensor> kNone;
  const Datum& datum = context.in_datum(i);
  return datum.sequence != nullptr ? *datum.sequence : kNone;
}

Result<int64_t> PositionIn(const RunContext& context, size_t i, int64_t length, int64_t last,
                           int64_t otherwise) {
  if (!context.HasInput(i) || context.in(i).count() == 0) return otherwise;
  const int64_t position = LoadInt(context.in(i).dtype(), context.in(i).data(), 0);
  if (position < -length || position > last) {
    return context.Error("position " + std::to_string(position) + " is outside a sequence of " +
                         std::to_string(length));
  }
  return position < 0 ? position + length : position;
}

}  // namespace slipway
