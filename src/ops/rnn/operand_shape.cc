#include "ops/rnn/operand_shape.h"

namespace slipway {

Status CheckOperandShape(const InferContext& context, size_t input, const DimList& expected) {
  if (!context.HasInput(input) || !context.shape(input)) return Status::Ok();
  const DimList& shape = *context.shape(input);
  bool fits = shape.size() == expected.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = !shape[i].IsKnown() || !expected[i].IsKnown() || shape[i].value() == expected[i].value();
  if (fits) return Status::Ok();
  return context.Error(context.op().inputs[input].name + " is " + ToString(shape) + "; expected " +
                       ToString(expected));
}

}  // namespace slipway
