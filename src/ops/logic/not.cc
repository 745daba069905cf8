// Logical negation.
#include "ops/math/elementwise.h"

namespace slipway {

OpDef MakeNot() {
  OpDef op = UnaryOp(kBools);
  op.name = "Not";
  op.group = "logic";
  op.summary = "Logical negation.";
  op.formula = "y = !x";
  op.reference = [](RunContext& context) {
    for (int64_t i = 0; i < context.in(0).count(); ++i) {
      context.out(0).as<uint8_t>()[i] = !context.in(0).as<uint8_t>()[i];
    }
    return Status::Ok();
  };
  op.cases = [] {
    return std::vector<TestCase>{
        {"tail", {{.dtype = DType::kBool, .dims = {37}, .low = 0, .high = 1.99}}, {}}};
  };
  op.foreign = {
      {Format::kOnnx, "Not"}, {Format::kTensorflow, "LogicalNot"}, {Format::kTflite, "LOGICAL_NOT"}};
  return op;
}

}  // namespace slipway
