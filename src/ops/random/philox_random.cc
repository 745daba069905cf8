// Random numbers from a state that is handed on, as TensorFlow Lite draws them from its two seeds: uniform,
// normal, and classes from logits.
//
// The state is a Philox key (the first seed) and a counter of blocks, whose upper half starts as the second
// seed. Without seeds, and in control flow, where no state is kept, TFLite's operators are read as those that
// draw anew each time. Source: the arithmetic of TensorFlow's random_distributions_utils.h (Box and Muller,
// 1958, for normal numbers) and of LiteRT's random operators.
#include <algorithm>
#include <bit>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/random/philox.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr int64_t kStateSize = 3;  // key, counter

// [0, 1), from the lower 23 bits.
float UnitFloat(uint32_t bits) { return std::bit_cast<float>((bits & 0x7FFFFFU) | 0x3F800000U) - 1.0F; }
// [0, 1), from 20 bits of the first and all of the second.
double UnitDouble(uint32_t high, uint32_t low) {
  const uint64_t mantissa = (uint64_t{high & 0xFFFFFU} << 32) | low;
  return std::bit_cast<double>(mantissa | (uint64_t{1023} << 52)) - 1.0;
}

// Blocks in their order.
class Blocks {
 public:
  explicit Blocks(const Tensor& state)
      : key_(state.as<uint64_t>()[0]), counter_{state.as<uint64_t>()[1], state.as<uint64_t>()[2]} {}

  philox::Words Next() {
    const philox::Words words = philox::Block(key_, counter_);
    Skip(1);
    return words;
  }
  void Skip(uint64_t count) {
    counter_[0] += count;
    if (counter_[0] < count) ++counter_[1];
  }
  void Store(Tensor& state) const {
    state.as<uint64_t>()[0] = key_;
    std::copy(counter_.begin(), counter_.end(), state.as<uint64_t>() + 1);
  }

 private:
  uint64_t key_;
  std::array<uint64_t, 2> counter_;
};

Status CheckState(InferContext& context, size_t input) {
  const auto& state = context.shape(input);
  if (state && (state->size() != 1 || ((*state)[0].IsKnown() && (*state)[0].value() != kStateSize)))
    return context.Error("the state is " + ToString(*state) + "; it must hold a key and two of a counter");
  if (context.HasOutput(1)) context.SetOutput(1, DType::kU64, {kStateSize});
  return Status::Ok();
}

Status InferNumbers(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckState(context, 1));
  Type type = Type::OfUnknownShape(DType::kF32);
  if (const auto shape = context.content(0)) {
    for (const Dim& dim : *shape) {
      if (dim.IsKnown() && dim.value() < 0)
        return context.Error("shape " + ToString(*shape) + " has a negative extent");
    }
    type.shape = *shape;
  }
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

// Each block makes four numbers; what the last one has too many is lost.
using Convert = std::array<float, 4> (*)(const philox::Words&);

std::array<float, 4> Uniform(const philox::Words& words) {
  return {UnitFloat(words[0]), UnitFloat(words[1]), UnitFloat(words[2]), UnitFloat(words[3])};
}

std::array<float, 4> Normal(const philox::Words& words) {
  std::array<float, 4> numbers{};
  for (size_t i = 0; i < 4; i += 2) {
    const float u = std::max(UnitFloat(words[i]), 1e-7F);
    const auto angle = static_cast<float>(2 * M_PI * static_cast<double>(UnitFloat(words[i + 1])));
    const float radius = std::sqrt(-2.0F * std::log(u));
    numbers[i] = std::sin(angle) * radius;
    numbers[i + 1] = std::cos(angle) * radius;
  }
  return numbers;
}

template <Convert convert>
Status Fill(RunContext& context) {
  Tensor& y = context.AllocateOutput(0, KnownDims(*context.out_type(0).shape));
  Blocks blocks(context.in(1));
  const std::span<float> numbers = y.values<float>();
  for (size_t i = 0; i < numbers.size(); i += 4) {
    const std::array<float, 4> four = convert(blocks.Next());
    std::copy_n(four.begin(), std::min<size_t>(4, numbers.size() - i),
                numbers.begin() + static_cast<int64_t>(i));
  }
  if (context.HasOutput(1)) blocks.Store(context.out(1));
  return Status::Ok();
}

Status InferClasses(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(CheckState(context, 2));
  const auto& shape = context.shape(0);
  if (shape && shape->size() != 2)
    return context.Error("x is " + ToString(*shape) + "; it must be [N,classes]");
  const auto draws = context.content(1);
  if (draws && draws->size() != 1) return context.Error("the number of draws must be one number");
  const Dim samples = draws ? (*draws)[0] : Dim();
  if (samples.IsKnown() && samples.value() < 0)
    return context.Error("draws " + samples.ToString() + " times");
  context.SetOutput(0, context.attrs().Type("dtype"), {shape ? (*shape)[0] : Dim(), samples});
  return Status::Ok();
}

// Of classes without a finite logit none is drawn.
std::vector<double> CumulativeWeights(std::span<const float> logits) {
  float most = std::numeric_limits<float>::lowest();
  for (float logit : logits) {
    if (std::isfinite(logit)) most = std::max(most, logit);
  }
  std::vector<double> sums;
  double sum = 0;
  for (float logit : logits) {
    if (std::isfinite(logit)) sum += std::exp(static_cast<double>(logit) - static_cast<double>(most));
    sums.push_back(sum);
  }
  return sums;
}

// A draw takes half a block; a call passes over far more blocks than it needs, as TensorFlow's does.
Status RunClasses(RunContext& context) {
  const Tensor& x = context.in(0);
  const int64_t draws = LoadInt(context.in(1).dtype(), context.in(1).data(), 0);
  if (draws < 0) return context.Error("draws " + std::to_string(draws) + " times");
  Tensor& y = context.AllocateOutput(0, {x.dim(0), draws});
  const int64_t classes = x.dim(1);
  if (classes == 0) return context.Error("there are no classes");
  Blocks blocks(context.in(2));
  Blocks next = blocks;
  const uint64_t rounded = (static_cast<uint64_t>(draws) + 3) / 4 * 4;
  next.Skip(static_cast<uint64_t>(x.dim(0)) * rounded * 2 * 256);
  philox::Words words{};
  for (int64_t n = 0; n < x.dim(0); ++n) {
    const std::vector<double> sums = CumulativeWeights(
        x.values<float>().subspan(static_cast<size_t>(n * classes), static_cast<size_t>(classes)));
    for (int64_t i = n * draws; i < (n + 1) * draws; ++i) {
      const size_t half = i % 2 == 0 ? 0 : 2;
      if (half == 0) words = blocks.Next();
      const double wanted = UnitDouble(words[half], words[half + 1]) * sums.back();
      StoreInt(y.dtype(), y.data(), i, std::upper_bound(sums.begin(), sums.end(), wanted) - sums.begin());
    }
  }
  if (context.HasOutput(1)) next.Store(context.out(1));
  return Status::Ok();
}

// With seeds the reader gives a state as the last operand (formats/tflite/own_states.h).
Attrs WithSeed(const ImportContext& context, Attrs attrs) {
  if (const int64_t seed = context.attrs().Int("seed"); seed != 0)
    attrs.Set("seed", static_cast<float>(seed));
  return attrs;
}

Status ImportNumbers(ImportContext& context) {
  if (context.num_inputs() == 2) return context.Emit(context.op().name, context.node().inputs);
  const bool is_uniform = context.op().name == "PhiloxUniform";
  return context.Emit(is_uniform ? "RandomUniform" : "RandomNormal", {context.in(0)}, WithSeed(context, {}));
}

Status ImportMultinomial(ImportContext& context) {
  const DType declared = context.node().outputs[0].type.dtype;
  Attrs attrs = {{"dtype", declared == DType::kI64 ? DType::kI64 : DType::kI32}};
  if (context.num_inputs() == 3)
    return context.Emit("PhiloxMultinomial", context.node().inputs, std::move(attrs));
  SLIPWAY_ASSIGN_OR_RETURN(const double draws, context.ConstantScalar(1, 1));
  attrs.Set("sample_size", static_cast<int64_t>(draws));
  return context.Emit("Multinomial", {context.in(0)}, WithSeed(context, std::move(attrs)));
}

const TestInput kState{.dtype = DType::kU64, .dims = {kStateSize}, .values = {77, 5, 9}};

OpDef NumbersOp(const char* name, const char* summary) {
  OpDef op;
  op.name = name;
  op.group = "random";
  op.summary = summary;
  op.inputs = {{"shape", kIndices, "[rank of y]"},
               {"state", {DType::kU64}, "[3]: a Philox key, the lower and the upper half of a counter"}};
  op.outputs = {{"y", {DType::kF32}, "as `shape` says"},
                {"next_state", {DType::kU64}, "[3]: for the next call", Arity::kOptional}};
  op.infer = InferNumbers;
  op.cases = [] {
    TestCase test{
        "odd", {{.dtype = DType::kI32, .dims = {2}, .values = {3, 5}, .is_constant = true}, kState}, {}};
    test.num_outputs = 2;
    return std::vector<TestCase>{test};
  };
  op.tolerance = {.relative = 1e-6, .absolute = 1e-6};
  return op;
}

}  // namespace

OpDef MakePhiloxUniform() {
  OpDef op = NumbersOp("PhiloxUniform", "Evenly distributed random numbers in [0, 1) from a state.");
  op.reference = Fill<Uniform>;
  op.foreign = {{Format::kTflite, "RANDOM_UNIFORM", 1, INT_MAX, ImportNumbers}};
  return op;
}

OpDef MakePhiloxNormal() {
  OpDef op = NumbersOp("PhiloxNormal", "Normally distributed random numbers from a state.");
  op.reference = Fill<Normal>;
  op.foreign = {{Format::kTflite, "RANDOM_STANDARD_NORMAL", 1, INT_MAX, ImportNumbers}};
  return op;
}

OpDef MakePhiloxMultinomial() {
  OpDef op;
  op.name = "PhiloxMultinomial";
  op.group = "random";
  op.summary = "Classes drawn from each row of unnormalised log probabilities, from a state.";
  op.inputs = {{"x", {DType::kF32}, "[N,classes]"},
               {"draws", kIndices, "per row: one number"},
               {"state", {DType::kU64}, "[3]: a Philox key, the lower and the upper half of a counter"}};
  op.outputs = {{"y", kIndices, "[N,draws]"},
                {"next_state", {DType::kU64}, "[3]: for the next call", Arity::kOptional}};
  op.attrs = {DTypeAttr("dtype", DType::kI32, "i32 or i64")};
  op.infer = InferClasses;
  op.reference = RunClasses;
  op.cases = [] {
    TestCase test{
        "rows",
        {{.dims = {2, 5}}, {.dtype = DType::kI32, .dims = {}, .values = {7}, .is_constant = true}, kState},
        {{"dtype", DType::kI64}}};
    test.num_outputs = 2;
    return std::vector<TestCase>{test};
  };
  op.foreign = {{Format::kTflite, "MULTINOMIAL", 1, INT_MAX, ImportMultinomial}};
  return op;
}

}  // namespace slipway
