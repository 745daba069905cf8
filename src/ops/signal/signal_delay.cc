// A signal of frames, later by some samples: TensorFlow Lite Micro's SignalDelay. What it keeps from frame to
// frame is an operand and a result here.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& past = context.shape(1);
  if (x && past) {
    bool fits = !x->empty() && x->size() == past->size();
    for (size_t i = 0; fits && i + 1 < x->size(); ++i)
      fits = !(*x)[i].IsKnown() || !(*past)[i].IsKnown() || (*x)[i].value() == (*past)[i].value();
    if (!fits) return context.Error("x is " + ToString(*x) + ", the samples before it " + ToString(*past));
  }
  if (context.HasOutput(1)) context.SetOutput(1, context.input(1));
  return InferSameAsInput(context);
}

Status Reference(RunContext& context) {
  const std::span<const int16_t> x = context.in(0).values<int16_t>();
  const std::span<const int16_t> past = context.in(1).values<int16_t>();
  const auto size = static_cast<size_t>(context.in(0).dim(-1));
  const auto delay = static_cast<size_t>(context.in(1).dim(-1));
  const size_t rows = size == 0 ? 0 : x.size() / size;
  for (size_t row = 0; row < rows; ++row) {
    std::vector<int16_t> all(past.begin() + static_cast<int64_t>(row * delay),
                             past.begin() + static_cast<int64_t>((row + 1) * delay));
    all.insert(all.end(), x.begin() + static_cast<int64_t>(row * size),
               x.begin() + static_cast<int64_t>((row + 1) * size));
    const auto middle = all.begin() + static_cast<int64_t>(size);
    std::copy(all.begin(), middle, context.out(0).as<int16_t>() + row * size);
    if (context.HasOutput(1)) std::copy(middle, all.end(), context.out(1).as<int16_t>() + row * delay);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalDelay() {
  const DTypeSet i16 = {DType::kI16};
  OpDef op;
  op.name = "SignalDelay";
  op.group = "signal";
  op.summary = "Frames of a signal that begins `delay` samples later.";
  op.inputs = {{"x", i16, "[...,frame]"}, {"past", i16, "[...,delay]: the samples before x"}};
  op.outputs = {{"y", i16, "the shape of x"},
                {"past", i16, "the shape of past: the last samples", Arity::kOptional}};
  op.attrs = {IntAttr("delay_length", 0, "what past has; not read")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (int64_t delay : {3, 7}) {
      TestCase test{"by" + std::to_string(delay),
                    {{.dtype = DType::kI16, .dims = {2, 5}, .low = -99, .high = 99},
                     {.dtype = DType::kI16, .dims = {2, delay}, .low = -99, .high = 99}},
                    {}};
      test.num_outputs = 2;
      cases.push_back(std::move(test));
    }
    return cases;
  };
  op.foreign = {{Format::kTflite, "SignalDelay"}};
  return op;
}

}  // namespace slipway
