// Rounded square roots of 64-bit energies, scaled down: TensorFlow Lite Micro's SignalFilterBankSquareRoot.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) { return InferAs(context, DType::kU32); }

// Bit by bit from the top. What fits into 32 bits has its root in 16: 65535 is not rounded up.
uint32_t RoundedRoot(uint64_t x) {
  const uint64_t most = x >> 32 == 0 ? 0xFFFF : 0xFFFFFFFF;
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit != 0; bit >>= 1) {
    const uint64_t tried = root | bit;
    if (tried * tried <= x) root = tried;
  }
  const bool is_nearer_above = x - root * root > root;
  return static_cast<uint32_t>(is_nearer_above && root < most ? root + 1 : root);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& bits = context.in(1);
  Tensor& y = context.out(0);
  if (bits.count() != 1 || bits.as<int32_t>()[0] < 0 || bits.as<int32_t>()[0] > 31)
    return context.Error("scale_bits must be one number of 0..31");
  for (int64_t i = 0; i < x.count(); ++i)
    y.as<uint32_t>()[i] = RoundedRoot(x.as<uint64_t>()[i]) >> bits.as<int32_t>()[0];
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalFilterBankSquareRoot() {
  OpDef op;
  op.name = "SignalFilterBankSquareRoot";
  op.group = "signal";
  op.summary = "Square roots, rounded to the nearest integer, shifted right.";
  op.formula = "y = round(sqrt(x)) >> scale_bits";
  op.inputs = {{"x", {DType::kU64}, "[channels]"}, {"scale_bits", {DType::kI32}, "one number"}};
  op.outputs = {{"y", {DType::kU32}, "the shape of x"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"roots",
         {{.dtype = DType::kU64, .dims = {6}, .values = {0, 1, 6, 7, 4294967295.0, 1e15}},
          {.dtype = DType::kI32, .dims = {}, .values = {0}}},
         {}}};
  };
  op.foreign = {{Format::kTflite, "SignalFilterBankSquareRoot"}};
  return op;
}

}  // namespace slipway
