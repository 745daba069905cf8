// Bit shift of integers.
#include "ops/import.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

// A shift by the width or more leaves nothing.
uint64_t ShiftLeft(uint64_t a, uint64_t b) { return b < 64 ? a << b : 0; }
uint64_t ShiftRight(uint64_t a, uint64_t b) { return b < 64 ? a >> b : 0; }
// Signed numbers keep their sign.
int64_t ShiftLeftSigned(int64_t a, int64_t b) {
  return static_cast<int64_t>(ShiftLeft(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
}
int64_t ShiftRightSigned(int64_t a, int64_t b) { return b >= 0 && b < 64 ? a >> b : a < 0 ? -1 : 0; }

Status Import(ImportContext& context) {
  const bool is_left = context.node().op == "LeftShift" || context.node().op == "STABLEHLO_SHIFT_LEFT";
  return context.Emit("BitShift", {context.in(0), context.in(1)},
                      {{"direction", std::string(is_left ? "LEFT" : "RIGHT")}});
}

}  // namespace

OpDef MakeBitShift() {
  OpDef op = BinaryOp(kInts);
  op.name = "BitShift";
  op.group = "logic";
  op.summary = "Shifts the bits of a by b places; signed numbers keep their sign.";
  op.attrs = {Required(StringAttr("direction", "", {"LEFT", "RIGHT"}, "which way"))};
  op.reference = [](RunContext& context) {
    const bool is_left = context.attrs().String("direction") == "LEFT";
    return RunBinary(context, {.signed_integer = is_left ? ShiftLeftSigned : ShiftRightSigned,
                               .unsigned_integer = is_left ? ShiftLeft : ShiftRight});
  };
  op.cases = [] {
    TestCase left{"left",
                  {{.dtype = DType::kU8, .dims = {9}, .low = 0, .high = 255},
                   {.dtype = DType::kU8, .dims = {9}, .low = 0, .high = 8}},
                  {{"direction", std::string("LEFT")}}};
    TestCase right = left;
    right.label = "right";
    right.attrs.Set("direction", std::string("RIGHT"));
    return std::vector<TestCase>{left, right};
  };
  op.foreign = {{Format::kOnnx, "BitShift", 11},
                {Format::kTensorflow, "LeftShift", 1, INT_MAX, Import},
                {Format::kTensorflow, "RightShift", 1, INT_MAX, Import},
                {Format::kTflite, "RIGHT_SHIFT", 1, INT_MAX, Import},
                {Format::kTflite, "STABLEHLO_SHIFT_LEFT", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
