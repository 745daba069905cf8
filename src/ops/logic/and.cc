// Logical and of two bool tensors.
#include "ops/import.h"
#include "ops/legacy_broadcast.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

// Of bools, or bit by bit.
Status ImportStablehlo(ImportContext& context) {
  const bool is_logical = context.type(context.in(0)).dtype == DType::kBool;
  return context.Emit(is_logical ? "And" : "BitwiseAnd", {context.in(0), context.in(1)});
}

}  // namespace

OpDef MakeAnd() {
  OpDef op = BinaryOp(kBools);
  op.name = "And";
  op.group = "logic";
  op.summary = "Logical and of two bool tensors under numpy broadcasting.";
  op.reference = [](RunContext& context) {
    return RunBinary(context, {.signed_integer = [](int64_t a, int64_t b) -> int64_t { return a && b; }});
  };
  op.cases = [] { return BinaryCases(0, 1.99, DType::kBool); };
  op.foreign = {{Format::kOnnx, "And", 7},
                {Format::kOnnx, "And", 1, 6, ImportExplicitBroadcast},
                {Format::kTensorflow, "LogicalAnd", 1},
                {Format::kTflite, "LOGICAL_AND", 1},
                {Format::kTflite, "STABLEHLO_AND", 1, INT_MAX, ImportStablehlo}};
  return op;
}

}  // namespace slipway
