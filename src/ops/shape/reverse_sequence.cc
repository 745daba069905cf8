// Reverses the first sequence_lens[b] steps of each batch entry.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  if (!context.shape(0)) return Status::Ok();
  const auto rank = static_cast<int>(context.shape(0)->size());
  SLIPWAY_ASSIGN_OR_RETURN(const int batch, NormalizeAxis(context, context.attrs().Int("batch_axis"), rank));
  SLIPWAY_ASSIGN_OR_RETURN(const int time, NormalizeAxis(context, context.attrs().Int("time_axis"), rank));
  if (batch == time) return context.Error("batch_axis and time_axis are both " + std::to_string(batch));
  const auto& lengths = context.shape(1);
  const Dim& entries = (*context.shape(0))[static_cast<size_t>(batch)];
  const bool fits = !lengths || (lengths->size() == 1 && (!(*lengths)[0].IsKnown() || !entries.IsKnown() ||
                                                          (*lengths)[0].value() == entries.value()));
  if (!fits) return context.Error("needs one length per batch entry, " + entries.ToString());
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const auto axis_of = [&](const char* name) {
    const int64_t axis = context.attrs().Int(name);
    return static_cast<size_t>(axis < 0 ? axis + x.rank() : axis);
  };
  const size_t batch = axis_of("batch_axis");
  const size_t time = axis_of("time_axis");
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  Dims slice = x.dims();
  slice[batch] = 1;
  for (int64_t b = 0; b < x.dims()[batch]; ++b) {
    const int64_t length = LoadInt(context.in(1).dtype(), context.in(1).data(), b);
    if (length < 0 || length > x.dims()[time]) {
      return context.Error("length " + std::to_string(length) + " is outside the time axis of " +
                           std::to_string(x.dims()[time]));
    }
    StridedView view{b * strides[batch], strides};
    StridedView kept{view.offset + length * strides[time], strides};
    slice[time] = x.dims()[time] - length;
    CopyStrided(x.dtype(), x.data(), kept, y.data(), kept, slice);
    StridedView backwards{view.offset + (length - 1) * strides[time], strides};
    backwards.strides[time] = -strides[time];
    slice[time] = length;
    CopyStrided(x.dtype(), x.data(), backwards, y.data(), view, slice);
  }
  return Status::Ok();
}

Status ImportDims(ImportContext& context) {
  return context.Emit(
      "ReverseSequence", context.node().inputs,
      {{"batch_axis", context.attrs().Int("batch_dim")}, {"time_axis", context.attrs().Int("seq_dim")}});
}

}  // namespace

OpDef MakeReverseSequence() {
  OpDef op;
  op.name = "ReverseSequence";
  op.group = "shape";
  op.summary = "Reverses the first sequence_lens[b] steps of batch entry b; later steps stay.";
  op.inputs = {{"x", kAnyType, "rank 2 or more"}, {"sequence_lens", kIndices, "[batch]"}};
  op.outputs = {{"y", kAnyType, "the shape of x"}};
  op.attrs = {IntAttr("batch_axis", 1, "negative counts from the end"),
              IntAttr("time_axis", 0, "negative counts from the end")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"time_first", {{.dims = {4, 3, 2}}, {.dtype = DType::kI64, .dims = {3}, .values = {0, 4, 3}}}, {}}};
  };
  op.foreign = {{Format::kOnnx, "ReverseSequence"},
                {Format::kTensorflow, "ReverseSequence", 1, INT_MAX, ImportDims},
                {Format::kTflite, "REVERSE_SEQUENCE", 1, INT_MAX, ImportDims}};
  return op;
}

}  // namespace slipway
