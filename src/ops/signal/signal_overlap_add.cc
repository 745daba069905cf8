// A signal from frames that overlap, which add up: TensorFlow Lite Micro's SignalOverlapAdd. What it keeps
// from call to call is an operand and a result here.
#include <algorithm>

#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  constexpr int64_t kMost = 1 << 24;
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "frame_step", 1, kMost));
  const int64_t step = context.attrs().Int("frame_step");
  const DType dtype = context.dtype(0);
  if (context.dtype(1) != dtype) return context.Error("frames and what is left of them must be of one type");
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (context.HasOutput(1)) context.SetOutput(1, context.input(1));
  const auto& x = context.shape(0);
  const auto& rest = context.shape(1);
  if (!x) return Status::Ok();
  const size_t rank = x->size();
  if (rank < 2) return context.Error("x is " + ToString(*x) + "; it must be [...,frames,samples]");
  const Dim& size = (*x)[rank - 1];
  if (size.IsKnown() && size.value() < step)
    return context.Error("x is " + ToString(*x) + "; a frame has less than a step of " +
                         std::to_string(step));
  bool fits = !rest || rest->size() + 1 == rank;
  for (size_t i = 0; fits && rest && i + 2 < rank; ++i)
    fits = !(*x)[i].IsKnown() || !(*rest)[i].IsKnown() || (*x)[i].value() == (*rest)[i].value();
  if (fits && rest && rest->back().IsKnown() && size.IsKnown())
    fits = rest->back().value() == size.value() - step;
  if (!fits)
    return context.Error("x is " + ToString(*x) + ", what is left of the frames before it " +
                         ToString(*rest));
  DimList shape(x->begin(), x->end() - 1);
  const Dim& frames = (*x)[rank - 2];
  shape.back() = frames.IsKnown() ? Dim(frames.value() * step) : Dim();
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

int16_t Sum(int16_t a, int16_t b) {
  return static_cast<int16_t>(std::clamp<int32_t>(a + b, INT16_MIN, INT16_MAX));
}
float Sum(float a, float b) { return a + b; }

template <class T>
void Run(const RunContext& context) {
  const std::span<const T> x = context.in(0).values<T>();
  const auto step = static_cast<size_t>(context.attrs().Int("frame_step"));
  const auto size = static_cast<size_t>(context.in(0).dim(-1));
  const auto frames = static_cast<size_t>(context.in(0).dim(-2));
  const size_t left = size - step;
  T* y = context.out(0).as<T>();
  for (size_t row = 0; frames > 0 && row < x.size() / (frames * size); ++row) {
    std::vector<T> sums(size, 0);
    std::copy_n(context.in(1).as<T>() + row * left, left, sums.begin());
    for (size_t frame = row * frames; frame < (row + 1) * frames; ++frame) {
      for (size_t i = 0; i < size; ++i) sums[i] = Sum(sums[i], x[frame * size + i]);
      y = std::copy_n(sums.begin(), step, y);
      std::shift_left(sums.begin(), sums.end(), static_cast<std::ptrdiff_t>(step));
      std::fill(sums.end() - static_cast<std::ptrdiff_t>(step), sums.end(), T{0});
    }
    if (context.HasOutput(1)) std::copy_n(sums.begin(), left, context.out(1).as<T>() + row * left);
  }
}

Status Reference(RunContext& context) {
  context.in(0).dtype() == DType::kI16 ? Run<int16_t>(context) : Run<float>(context);
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalOverlapAdd() {
  const DTypeSet types = {DType::kI16, DType::kF32};
  OpDef op;
  op.name = "SignalOverlapAdd";
  op.group = "signal";
  op.summary = "The signal whose frames, frame_step samples apart, add up where they overlap; i16 saturates.";
  op.inputs = {{"x", types, "[...,frames,samples]"},
               {"rest", types, "[...,samples - frame_step]: what the frames before x left"}};
  op.outputs = {{"y", types, "[...,frames * frame_step]"},
                {"rest", types, "the shape of rest", Arity::kOptional}};
  op.attrs = {Required(IntAttr("frame_step", 1, "samples from frame to frame"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (DType dtype : {DType::kI16, DType::kF32}) {
      TestCase test{std::string(DTypeName(dtype)),
                    {{.dtype = dtype, .dims = {2, 3, 5}, .low = -30000, .high = 30000},
                     {.dtype = dtype, .dims = {2, 3}, .low = -30000, .high = 30000}},
                    {{"frame_step", int64_t{2}}}};
      test.num_outputs = 2;
      cases.push_back(std::move(test));
    }
    return cases;
  };
  op.foreign = {{Format::kTflite, "SignalOverlapAdd"}};
  return op;
}

}  // namespace slipway
