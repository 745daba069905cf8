// Squared magnitudes of a spectrum's integers: TensorFlow Lite Micro's SignalEnergy.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, Type::OfUnknownShape(DType::kU32));
  const auto& x = context.shape(0);
  if (!x) return Status::Ok();
  if (x->size() != 1) return context.Error("x is " + ToString(*x) + "; it must be one spectrum");
  const Dim values = FloorDiv((*x)[0], 2);
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "start_index", 0, INT32_MAX));
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "end_index", 0, values.IsKnown() ? values.value() : INT32_MAX));
  context.SetOutput(0, DType::kU32, {values});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.AllocateOutput(0, {x.count() / 2});
  const int64_t start = context.attrs().Int("start_index");
  const int64_t end = std::min(context.attrs().Int("end_index"), y.count());
  for (int64_t i = 0; i < y.count(); ++i) {
    const int64_t real = x.as<int16_t>()[2 * i];
    const int64_t imaginary = x.as<int16_t>()[2 * i + 1];
    const bool is_inside = i >= start && i < end;
    y.as<uint32_t>()[i] = is_inside ? static_cast<uint32_t>(real * real + imaginary * imaginary) : 0;
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalEnergy() {
  OpDef op;
  op.name = "SignalEnergy";
  op.group = "signal";
  op.summary = "The energy at each frequency of a spectrum, from one index up to another.";
  op.formula = "y[i] = re[i]^2 + im[i]^2 for start_index <= i < end_index, else 0";
  op.inputs = {{"x", {DType::kI16}, "[2 values]: real and imaginary parts alternate"}};
  op.outputs = {{"y", {DType::kU32}, "[values]"}};
  op.attrs = {IntAttr("start_index", 0, "the first"), Required(IntAttr("end_index", 0, "behind the last"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"inner",
                                  {{.dtype = DType::kI16, .dims = {34}, .low = -32768, .high = 32767}},
                                  {{"start_index", int64_t{2}}, {"end_index", int64_t{15}}}}};
  };
  op.foreign = {{Format::kTflite, "SignalEnergy"}};
  return op;
}

}  // namespace slipway
