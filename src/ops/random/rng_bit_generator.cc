// Random bits from a state that is handed on: StableHLO's rng_bit_generator, to the bit as XLA draws them.
//
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011): Threefry 2x32-20, and Philox
// 4x32-10 (philox.h). The state is a key and a counter of blocks; a state of two numbers gives Philox its key
// as the counter's upper half.
#include <array>
#include <bit>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/random/philox.h"
#include "ops/run.h"

namespace slipway {
namespace {

std::array<uint32_t, 2> Threefry(uint64_t key, uint64_t counter) {
  using philox::High;
  using philox::Low;
  constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t keys[] = {Low(key), High(key), 0x1BD11BDA ^ Low(key) ^ High(key)};
  std::array<uint32_t, 2> x = {Low(counter) + keys[0], High(counter) + keys[1]};
  for (uint32_t group = 0; group < 5; ++group) {
    for (int rotation : kRotations[group % 2]) {
      x[0] += x[1];
      x[1] = std::rotl(x[1], rotation) ^ x[0];
    }
    x[0] += keys[(group + 1) % 3];
    x[1] += keys[(group + 2) % 3] + group + 1;
  }
  return x;
}

Status Infer(InferContext& context) {
  const auto& state = context.shape(0);
  const bool is_threefry = context.attrs().String("algorithm") == "threefry";
  const bool is_known = state && state->size() == 1 && (*state)[0].IsKnown();
  const int64_t size = is_known ? (*state)[0].value() : 2;
  if ((state && state->size() != 1) || size < 2 || size > (is_threefry ? 2 : 3))
    return context.Error("the state is " + ToString(*state) + "; it must hold 2 numbers, for Philox 2 or 3");
  context.SetOutput(0, context.input(0));
  DimList shape;
  for (int64_t extent : context.attrs().IntList("shape")) {
    if (extent < 0) return context.Error("extent " + std::to_string(extent) + " is negative");
    shape.emplace_back(extent);
  }
  context.SetOutput(1, context.attrs().Type("dtype"), std::move(shape));
  return Status::Ok();
}

// Words in the order in which they are drawn, and the state behind them.
class Words {
 public:
  explicit Words(std::span<const uint64_t> state, bool is_threefry)
      : key_(state[0]),
        counter_{state[1], state.size() > 2 ? state[2] : state[0]},
        is_threefry_(is_threefry) {}

  uint32_t Next() {
    const size_t size = is_threefry_ ? 2 : 4;
    if (used_ % size == 0) Draw();
    return block_[used_++ % size];
  }
  const std::array<uint64_t, 2>& counter() const { return counter_; }

 private:
  void Draw() {
    if (is_threefry_) {
      const auto pair = Threefry(key_, counter_[0]);
      std::copy(pair.begin(), pair.end(), block_.begin());
    } else {
      block_ = philox::Block(key_, counter_);
    }
    ++counter_[0];  // the upper half stays
  }

  uint64_t key_;
  std::array<uint64_t, 2> counter_;
  bool is_threefry_;
  std::array<uint32_t, 4> block_{};
  size_t used_ = 0;
};

Status Reference(RunContext& context) {
  const Tensor& state = context.in(0);
  Tensor& y = context.out(1);
  const std::vector<uint64_t> given(state.as<uint64_t>(), state.as<uint64_t>() + state.count());
  Words words(given, context.attrs().String("algorithm") == "threefry");
  for (int64_t i = 0; i < y.count(); ++i) {
    uint64_t value = words.Next();
    if (BitsOf(y.dtype()) == 64) value |= uint64_t{words.Next()} << 32;
    StoreInt(y.dtype(), y.data(), i, static_cast<int64_t>(value));
  }
  Tensor& next = context.out(0);
  next.as<uint64_t>()[0] = given[0];
  for (size_t i = 1; i < given.size(); ++i) next.as<uint64_t>()[i] = words.counter()[i - 1];
  return Status::Ok();
}

Status Import(ImportContext& context) {
  if (context.node().outputs.size() != 2) return context.Error("it must have two results");
  const Type& bits = context.node().outputs[1].type;
  if (!bits.IsStatic()) {
    // A scalar's shape reads as unknown.
    if (bits.shape) return context.Unsupported("the result's shape must be known: " + ToString(bits));
  }
  const bool is_threefry = context.attrs().String("algorithm") == "THREEFRY";
  return context.Emit("RngBitGenerator", {context.in(0)},
                      {{"algorithm", std::string(is_threefry ? "threefry" : "philox")},
                       {"shape", bits.shape ? KnownDims(*bits.shape) : Dims()},
                       {"dtype", bits.dtype}});
}

}  // namespace

OpDef MakeRngBitGenerator() {
  OpDef op;
  op.name = "RngBitGenerator";
  op.group = "random";
  op.summary = "Random bits from a state, and the state behind them: equal states give equal bits.";
  op.inputs = {
      {"state", {DType::kU64}, "[key, counter], or for Philox [key, counter, counter's upper half]"}};
  op.outputs = {{"next_state", {DType::kU64}, "the shape of state"},
                {"y", {DType::kI32, DType::kU32, DType::kI64, DType::kU64}, "as `shape` says"}};
  op.attrs = {StringAttr("algorithm", "philox", {"philox", "threefry"}, "Philox 4x32-10 or Threefry 2x32-20"),
              IntsAttr("shape", {}, "of the bits"), DTypeAttr("dtype", DType::kU32, "of the bits")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* algorithm : {"philox", "threefry"}) {
      TestCase test{algorithm,
                    {{.dtype = DType::kU64, .dims = {2}, .values = {77, 12345}}},
                    {{"algorithm", std::string(algorithm)}, {"shape", Ints{3, 5}}, {"dtype", DType::kU64}}};
      test.num_outputs = 2;
      cases.push_back(test);
    }
    return cases;
  };
  op.foreign = {{Format::kTflite, "STABLEHLO_RNG_BIT_GENERATOR", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
