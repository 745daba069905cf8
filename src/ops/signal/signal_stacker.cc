// A frame between those before and behind it, every few frames: TensorFlow Lite Micro's SignalStacker. What
// it keeps from call to call is two operands and two results here.
#include "ops/signal/micro.h"

namespace slipway {
namespace {

enum Operand : size_t { kX = 0, kPast, kHeld };

int64_t FramesOf(const Attrs& attrs) {
  return attrs.Int("stacker_left_context") + attrs.Int("stacker_right_context") + 1;
}

Status Infer(InferContext& context) {
  constexpr int64_t kMost = 1 << 16;
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "num_channels", 1, kMost));
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "stacker_left_context", 0, kMost));
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "stacker_right_context", 0, kMost));
  const Attrs& attrs = context.attrs();
  const int64_t frames = FramesOf(attrs);
  SLIPWAY_RETURN_IF_ERROR(CheckRange(context, "stacker_step", 1, frames));
  const int64_t channels = attrs.Int("num_channels");
  const auto is = [&](size_t i, const Dims& wanted) {
    const auto& shape = context.shape(i);
    if (!shape) return true;
    if (shape->size() != wanted.size()) return false;
    for (size_t k = 0; k < wanted.size(); ++k) {
      if ((*shape)[k].IsKnown() && (*shape)[k].value() != wanted[k]) return false;
    }
    return true;
  };
  if (!is(kX, {channels}) || !is(kPast, {frames - 1, channels}) || !is(kHeld, {}))
    return context.Error("x must be [" + std::to_string(channels) + "], the frames before it [" +
                         std::to_string(frames - 1) + "," + std::to_string(channels) + "], their number one");
  context.SetOutput(0, DType::kI16, {frames * channels});
  context.SetOutput(1, DType::kBool, {});
  if (context.HasOutput(2)) context.SetOutput(2, context.input(kPast));
  if (context.HasOutput(3)) context.SetOutput(3, context.input(kHeld));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const auto frames = static_cast<size_t>(FramesOf(attrs));
  const auto channels = static_cast<size_t>(attrs.Int("num_channels"));
  const std::span<const int16_t> x = context.in(kX).values<int16_t>();
  const std::span<const int16_t> past = context.in(kPast).values<int16_t>();
  const int32_t held = context.in(kHeld).as<int32_t>()[0];
  if (held < -1 || held >= static_cast<int32_t>(frames))
    return context.Error("holds " + std::to_string(held) + " of " + std::to_string(frames - 1) + " frames");
  // Before the first frame stand copies of it.
  const bool is_first = held < 0;
  std::vector<int16_t> all(past.begin(),
                           past.begin() + (is_first ? 0 : held) * static_cast<int64_t>(channels));
  const int64_t copies = is_first ? attrs.Int("stacker_left_context") + 1 : 1;
  for (int64_t i = 0; i < copies; ++i) all.insert(all.end(), x.begin(), x.end());
  const bool is_valid = all.size() == frames * channels;
  const std::span<int16_t> y = context.out(0).values<int16_t>();
  std::ranges::fill(y, int16_t{0});
  if (is_valid) {
    std::ranges::copy(all, y.begin());
    all.erase(all.begin(), all.begin() + attrs.Int("stacker_step") * static_cast<int64_t>(channels));
  }
  if (context.HasOutput(1)) context.out(1).as<bool>()[0] = is_valid;
  if (context.HasOutput(2)) {
    const std::span<int16_t> next = context.out(2).values<int16_t>();
    std::ranges::fill(next, int16_t{0});
    std::ranges::copy(all, next.begin());
  }
  if (context.HasOutput(3)) context.out(3).as<int32_t>()[0] = static_cast<int32_t>(all.size() / channels);
  return Status::Ok();
}

}  // namespace

OpDef MakeSignalStacker() {
  const DTypeSet i16 = {DType::kI16};
  const DTypeSet i32 = {DType::kI32};
  OpDef op;
  op.name = "SignalStacker";
  op.group = "signal";
  op.summary =
      "Each stacker_step frames, one with those to its left and right in a row; zeros until there are "
      "enough. "
      "Copies of the first frame stand to its left.";
  op.inputs = {{"x", i16, "[num_channels]: a frame"},
               {"past", i16, "[left + right,num_channels]: frames before x, the oldest first"},
               {"held", i32, "[]: how many of them count; -1: x is the first"}};
  op.outputs = {{"y", i16, "[(left + 1 + right) * num_channels]"},
                {"is_valid", kBools, "[]: y is full", Arity::kOptional},
                {"past", i16, "the shape of past", Arity::kOptional},
                {"held", i32, "[]", Arity::kOptional}};
  op.attrs = {Required(IntAttr("num_channels", 1, "numbers of a frame")),
              IntAttr("stacker_left_context", 0, "frames to the left"),
              IntAttr("stacker_right_context", 0, "frames to the right"),
              IntAttr("stacker_step", 1, "frames from one result to the next")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (double held : {-1, 1, 3}) {
      TestCase test{"held" + std::to_string(static_cast<int>(held) + 1),
                    {{.dtype = DType::kI16, .dims = {3}, .low = -99, .high = 99},
                     {.dtype = DType::kI16, .dims = {3, 3}, .low = -99, .high = 99},
                     {.dtype = DType::kI32, .dims = {}, .values = {held}}},
                    {{"num_channels", int64_t{3}},
                     {"stacker_left_context", int64_t{2}},
                     {"stacker_right_context", int64_t{1}},
                     {"stacker_step", int64_t{2}}}};
      test.num_outputs = 4;
      cases.push_back(std::move(test));
    }
    return cases;
  };
  op.foreign = {{Format::kTflite, "SignalStacker"}};
  return op;
}

}  // namespace slipway
