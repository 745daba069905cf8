// Frames that overlap, of a signal that comes in steps: TensorFlow Lite Micro's SignalFramer. What it keeps
// from call to call is two operands and two results here.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

enum Operand : size_t { kX = 0, kPast, kHeld };

Status Infer(InferContext& context) {
  constexpr int64_t kMost = 1 << 24;
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "frame_size", 1, kMost));
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "frame_step", 1, kMost));
  const int64_t step = context.attrs().Int("frame_step");
  const int64_t size = context.attrs().Int("frame_size");
  context.SetOutput(0, Type::OfUnknownShape(DType::kI16));
  context.SetOutput(1, DType::kBool, {});
  if (context.HasOutput(2)) context.SetOutput(2, context.input(kPast));
  if (context.HasOutput(3)) context.SetOutput(3, context.input(kHeld));
  const auto& x = context.shape(kX);
  const auto& past = context.shape(kPast);
  if (past && !past->empty() && past->back().IsKnown() && past->back().value() + step < size)
    return context.Error("keeps " + past->back().ToString() + " samples, which with a step of " +
                         std::to_string(step) + " make no frame of " + std::to_string(size));
  if (!x) return Status::Ok();
  if (x->empty() || (past && past->size() != x->size()))
    return context.Error("x is " + ToString(*x) + ", the samples before it " +
                         (past ? ToString(*past) : std::string("unknown")));
  for (size_t i = 0; past && i + 1 < x->size(); ++i) {
    if ((*x)[i].IsKnown() && (*past)[i].IsKnown() && (*x)[i].value() != (*past)[i].value())
      return context.Error("x is " + ToString(*x) + ", the samples before it " + ToString(*past));
  }
  if (x->back().IsKnown() && x->back().value() % step != 0)
    return context.Error("x is " + ToString(*x) + ", which are no whole steps of " + std::to_string(step));
  DimList shape = *x;
  shape.back() = FloorDiv(x->back(), step);
  shape.emplace_back(size);
  context.SetOutput(0, DType::kI16, std::move(shape));
  return Status::Ok();
}

// One signal: what is held stands at the end of `past`.
struct Stream {
  std::vector<int16_t> held;

  // Takes a step in; gives a frame where there are samples enough.
  bool Frame(std::span<const int16_t> step, std::span<int16_t> frame) {
    held.insert(held.end(), step.begin(), step.end());
    if (held.size() < frame.size()) return false;
    std::copy_n(held.begin(), frame.size(), frame.begin());
    held.erase(held.begin(), held.begin() + static_cast<int64_t>(step.size()));
    return true;
  }
};

Status Reference(RunContext& context) {
  const auto size = static_cast<size_t>(context.attrs().Int("frame_size"));
  const auto step = static_cast<size_t>(context.attrs().Int("frame_step"));
  const std::span<const int16_t> x = context.in(kX).values<int16_t>();
  const std::span<const int16_t> past = context.in(kPast).values<int16_t>();
  const auto length = static_cast<size_t>(context.in(kX).dim(-1));
  const auto capacity = static_cast<size_t>(context.in(kPast).dim(-1));
  const int32_t held = context.in(kHeld).as<int32_t>()[0];
  if (held < 0 || static_cast<size_t>(held) > capacity)
    return context.Error("holds " + std::to_string(held) + " of " + std::to_string(capacity) + " samples");
  const std::span<int16_t> frames = context.out(0).values<int16_t>();
  std::ranges::fill(frames, int16_t{0});
  bool is_valid = true;
  size_t number = 0;
  int32_t left = held;
  for (size_t row = 0; length > 0 && row < x.size() / length; ++row) {
    const auto kept =
        past.subspan((row + 1) * capacity - static_cast<size_t>(held), static_cast<size_t>(held));
    Stream stream{{kept.begin(), kept.end()}};
    for (size_t i = 0; i < length / step; ++i, ++number) {
      const bool is_full =
          stream.Frame(x.subspan(row * length + i * step, step), frames.subspan(number * size, size));
      is_valid = is_valid && is_full;
    }
    if (stream.held.size() > capacity)
      return context.Error("must hold " + std::to_string(stream.held.size()) + " samples, and has room for " +
                           std::to_string(capacity));
    left = static_cast<int32_t>(stream.held.size());
    if (context.HasOutput(2)) {
      int16_t* next = context.out(2).as<int16_t>() + row * capacity;
      std::fill_n(next, capacity, int16_t{0});
      std::copy(stream.held.begin(), stream.held.end(), next + capacity - stream.held.size());
    }
  }
  if (context.HasOutput(1)) context.out(1).as<bool>()[0] = is_valid;
  if (context.HasOutput(3)) context.out(3).as<int32_t>()[0] = left;
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalFramer() {
  const DTypeSet i16 = {DType::kI16};
  const DTypeSet i32 = {DType::kI32};
  OpDef op;
  op.name = "SignalFramer";
  op.group = "signal";
  op.summary =
      "Frames of frame_size samples that begin every frame_step samples; zeros until there are enough.";
  op.inputs = {{"x", i16, "[...,whole steps]"},
               {"past", i16, "[...,capacity]: what is held of the samples before x stands at its end"},
               {"held", i32, "[]: how many those are"}};
  op.outputs = {{"y", i16, "[...,steps,frame_size]"},
                {"is_valid", kBools, "[]: each of the frames is full", Arity::kOptional},
                {"past", i16, "the shape of past", Arity::kOptional},
                {"held", i32, "[]", Arity::kOptional}};
  op.attrs = {Required(IntAttr("frame_size", 1, "samples of a frame")),
              Required(IntAttr("frame_step", 1, "samples from frame to frame")),
              IntAttr("prefill", 0, "1: zeros stood before the signal; not read")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (double held : {0, 4}) {
      TestCase test{held == 0 ? "first" : "later",
                    {{.dtype = DType::kI16, .dims = {2, 6}, .low = -99, .high = 99},
                     {.dtype = DType::kI16, .dims = {2, 4}, .low = -99, .high = 99},
                     {.dtype = DType::kI32, .dims = {}, .values = {held}}},
                    {{"frame_size", int64_t{5}}, {"frame_step", int64_t{2}}}};
      test.num_outputs = 4;
      cases.push_back(std::move(test));
    }
    return cases;
  };
  op.foreign = {{Format::kTflite, "SignalFramer"}};
  return op;
}

}  // namespace slipway
