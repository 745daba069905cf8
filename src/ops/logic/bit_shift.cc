// Bit shift of unsigned integers.
#include "ops/import.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

// A shift by the width or more leaves nothing.
uint64_t ShiftLeft(uint64_t a, uint64_t b) { return b < 64 ? a << b : 0; }
uint64_t ShiftRight(uint64_t a, uint64_t b) { return b < 64 ? a >> b : 0; }

}  // namespace

OpDef MakeBitShift() {
  OpDef op = BinaryOp({DType::kU8, DType::kU16, DType::kU32, DType::kU64});
  op.name = "BitShift";
  op.group = "logic";
  op.summary = "Shifts the bits of a by b places.";
  op.attrs = {Required(StringAttr("direction", "", {"LEFT", "RIGHT"}, "which way"))};
  op.reference = [](RunContext& context) {
    const bool is_left = context.attrs().String("direction") == "LEFT";
    return RunBinary(context, {.unsigned_integer = is_left ? ShiftLeft : ShiftRight});
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
  op.foreign = {{Format::kOnnx, "BitShift", 11}};
  return op;
}

}  // namespace slipway
