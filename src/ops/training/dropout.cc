// Dropout: values set to 0 at random. Models for inference hold it as a no-op; that form becomes Identity.
//
// Source: ONNX Dropout-22. With a seed the numbers are those of NumPy's RandomState(seed) (MT19937, 53-bit
// doubles), which is what ONNX's own reference draws from; without one every call differs.
#include <atomic>
#include <random>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  Type mask = context.input(0);
  mask.dtype = DType::kBool;
  context.SetOutput(1, std::move(mask));
  return Status::Ok();
}

uint32_t SeedOf(const Attrs& attrs) {
  static std::atomic<uint32_t> calls{std::random_device{}()};
  return attrs.Has("seed") ? static_cast<uint32_t>(attrs.Int("seed")) : calls++;
}

// In [0, 1), from 53 of 64 random bits.
double UniformOf(std::mt19937& generator) {
  const auto high = static_cast<double>(generator() >> 5);
  const auto low = static_cast<double>(generator() >> 6);
  return (high * 67108864 + low) / 9007199254740992;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const double ratio = context.HasInput(1) ? LoadReal(context.in(1).dtype(), context.in(1).data(), 0) : 0.5;
  if (!(ratio >= 0 && ratio < 1)) {
    return context.Error("ratio is " + std::to_string(ratio) + "; it must lie in [0,1)");
  }
  const bool drops =
      ratio > 0 && context.HasInput(2) && LoadInt(context.in(2).dtype(), context.in(2).data(), 0) != 0;
  Tensor* y = context.HasOutput(0) ? &context.AllocateOutput(0, x.dims()) : nullptr;
  Tensor* mask = context.HasOutput(1) ? &context.AllocateOutput(1, x.dims()) : nullptr;
  std::mt19937 generator(SeedOf(context.attrs()));
  for (int64_t i = 0; i < x.count(); ++i) {
    const bool is_kept = !drops || UniformOf(generator) >= ratio;
    const double value = LoadReal(x.dtype(), x.data(), i);
    if (y != nullptr) StoreReal(y->dtype(), y->data(), i, !drops ? value : is_kept ? value / (1 - ratio) : 0);
    if (mask != nullptr) StoreInt(DType::kBool, mask->data(), i, is_kept ? 1 : 0);
  }
  return Status::Ok();
}

// Nothing is dropped; the mask, if asked for, is all true.
Status ImportForInference(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(ValueId same, context.Add("Identity", {context.in(0)}));
  context.Bind(0, same);
  const bool wants_mask = context.node().outputs.size() > 1 && !context.node().outputs[1].name.empty();
  if (!wants_mask) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(ValueId shape, context.Add("Shape", {context.in(0)}));
  Tensor on(DType::kBool, {1});
  on.as<uint8_t>()[0] = 1;
  SLIPWAY_ASSIGN_OR_RETURN(ValueId mask, context.Add("ConstantOfShape", {shape}, {{"value", on}}));
  context.Bind(1, mask);
  return Status::Ok();
}

// Training mode has been an input since opset 12; before, exported models meant inference.
Status ImportDropout(ImportContext& context) {
  const Tensor* training = context.constant(context.in(2));
  const Tensor* ratio = context.constant(context.in(1));
  const bool is_off =
      training != nullptr && training->count() > 0 && LoadInt(training->dtype(), training->data(), 0) == 0;
  const bool drops_none =
      ratio != nullptr && ratio->count() > 0 && LoadReal(ratio->dtype(), ratio->data(), 0) == 0;
  if (!context.HasInput(2) || is_off || drops_none) return ImportForInference(context);
  return context.EmitSame();
}

}  // namespace

OpDef MakeDropout() {
  OpDef op;
  op.name = "Dropout";
  op.group = "training";
  op.summary = "In training mode sets values to 0 at random and scales the others up, else changes nothing.";
  op.formula = "y = mask ? x / (1 - ratio) : 0";
  op.inputs = {{"x", kFloats, "any shape"},
               {"ratio", kFloats, "one number in [0,1), the share that is dropped; 0.5 when left out",
                Arity::kOptional},
               {"training_mode", kBools, "one value; false when left out", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "the shape of x"},
                {"mask", kBools, "the shape of x: what was kept", Arity::kOptional}};
  AttrDef seed = IntAttr("seed", 0, "makes calls repeatable; absent: every call differs");
  seed.has_default = false;
  op.attrs = {seed};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput x{.dims = {3, 5}};
    const TestInput ratio{.dims = {}, .values = {0.25}};
    const TestInput on{.dtype = DType::kBool, .dims = {}, .values = {1}};
    return std::vector<TestCase>{{"off", {x}, {}}, {"on", {x, ratio, on}, {{"seed", int64_t{7}}}, 2}};
  };
  op.is_deterministic = false;
  op.foreign = {{Format::kOnnx, "Dropout", 1, INT_MAX, ImportDropout}};
  return op;
}

}  // namespace slipway
