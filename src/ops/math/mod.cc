// Remainder.
#include <cmath>

#include "ops/import.h"
#include "ops/math/elementwise.h"

namespace slipway {
namespace {

Status Reference(RunContext& context) {
  if (context.attrs().Int("fmod") != 0) {
    return RunBinary(context,
                     {.real = [](double a, double b) { return std::fmod(a, b); },
                      .signed_integer = [](int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; },
                      .unsigned_integer = [](uint64_t a, uint64_t b) { return b == 0 ? 0 : a % b; }});
  }
  return RunBinary(
      context, {.real = [](double a, double b) { return a - std::floor(a / b) * b; },
                .signed_integer = [](int64_t a, int64_t b) { return b == 0 ? 0 : a - FloorDivide(a, b) * b; },
                .unsigned_integer = [](uint64_t a, uint64_t b) { return b == 0 ? 0 : a % b; }});
}

Status ImportTruncateMod(ImportContext& context) {
  return context.Emit("Mod", {context.in(0), context.in(1)}, {{"fmod", int64_t{1}}});
}

}  // namespace

OpDef MakeMod() {
  OpDef op = BinaryOp(kNumbers);
  op.name = "Mod";
  op.summary = "Element-wise remainder: of the sign of b, or of a with fmod.";
  op.attrs = {IntAttr("fmod", 0, "1: C's fmod; 0: Python's %")};
  op.reference = Reference;
  op.cases = [] { return BinaryCases(1, 9, DType::kI32); };
  op.foreign = {{Format::kOnnx, "Mod", 10},
                {Format::kTensorflow, "Mod"},
                {Format::kTensorflow, "TruncateMod", 1, INT_MAX, ImportTruncateMod}};
  return op;
}

}  // namespace slipway
