// Tactics for element-wise f32 operators: unary functions, and Add, Sub, Mul, Div under any broadcasting.
#include <algorithm>

#include "backends/cpu/broadcast.h"
#include "backends/cpu/kernels/elementwise/elementwise_f32.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

struct UnaryEntry {
  const char* op;
  UnaryF32 function;
  Activation activation = Activation::kNone;
};
constexpr UnaryEntry kUnary[] = {{"Sigmoid", UnaryF32::kActivation, Activation::kSigmoid},
                                 {"Tanh", UnaryF32::kActivation, Activation::kTanh},
                                 {"Relu", UnaryF32::kActivation, Activation::kRelu},
                                 {"HardSwish", UnaryF32::kActivation, Activation::kHardSwish},
                                 {"LeakyRelu", UnaryF32::kActivation, Activation::kLeakyRelu},
                                 {"Swish", UnaryF32::kActivation, Activation::kSilu},
                                 {"Gelu", UnaryF32::kActivation, Activation::kGelu},
                                 {"Exp", UnaryF32::kExp},
                                 {"Neg", UnaryF32::kNeg},
                                 {"Abs", UnaryF32::kAbs},
                                 {"Sqrt", UnaryF32::kSqrt},
                                 {"Square", UnaryF32::kSquare},
                                 {"Reciprocal", UnaryF32::kReciprocal},
                                 {"HardSigmoid", UnaryF32::kHardSigmoid}};
constexpr std::pair<const char*, BinaryF32> kBinary[] = {
    {"Add", BinaryF32::kAdd},     {"Sub", BinaryF32::kSub},
    {"Mul", BinaryF32::kMul},     {"Div", BinaryF32::kDiv},
    {"PRelu", BinaryF32::kPRelu}, {"Max", BinaryF32::kMax},
    {"Min", BinaryF32::kMin},     {"SquaredDifference", BinaryF32::kSquaredDifference}};

constexpr int64_t kGrain = 8192;  // elements per task at least

const UnaryEntry* FindUnary(const std::string& op) {
  const auto* found =
      std::find_if(std::begin(kUnary), std::end(kUnary), [&](const auto& e) { return op == e.op; });
  return found == std::end(kUnary) ? nullptr : found;
}

std::optional<std::string> WhyNotUnary(const Step& step) {
  if (FindUnary(step.op->name) == nullptr) return "no such function";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (step.op->name == "Swish" && step.attrs().Float("alpha", 1) != 1) return "alpha is not 1";
  return std::nullopt;
}

class UnaryKernel : public Kernel {
 public:
  explicit UnaryKernel(const Step& step) {
    const UnaryEntry* entry = FindUnary(step.op->name);
    function_ = entry->function;
    activation_ = FusedOf({entry->activation, step.attrs().Float("alpha"), 0});
    if (step.attrs().String("approximate") == "tanh") activation_.kind = ActivationKind::kGeluTanh;
    if (function_ == UnaryF32::kHardSigmoid) {
      activation_.slope = step.attrs().Float("alpha");
      activation_.low = step.attrs().Float("beta");
    }
  }
  bool CanOverwrite(size_t, size_t) const override { return true; }
  Status Run(const KernelArgs& args) const override {
    const float* x = args.in(0).as<float>();
    float* y = args.out(0).as<float>();
    args.pool.ParallelFor(args.out(0).count(), kGrain, [&](int64_t begin, int64_t end) {
      RunUnaryF32(function_, activation_, x + begin, end - begin, y + begin);
    });
    return Status::Ok();
  }

 private:
  UnaryF32 function_;
  FusedActivation activation_;
};

const std::pair<const char*, BinaryF32>* FindBinary(const std::string& op) {
  const auto* found =
      std::find_if(std::begin(kBinary), std::end(kBinary), [&](const auto& e) { return op == e.first; });
  return found == std::end(kBinary) ? nullptr : found;
}

std::optional<std::string> WhyNotBinary(const Step& step) {
  if (FindBinary(step.op->name) == nullptr) return "no such function";
  if (step.inputs.size() != 2) return "not two operands";
  for (int i = 0; i < 2; ++i) {
    if (TypeOf(step.inputs[i]) != DType::kF32) return "operands are not f32";
  }
  const Type& type = step.outputs[0]->type;
  if (!type.HasRank() || type.rank() > static_cast<int>(kMaxBroadcastRank))
    return "the rank is unknown or above 8";
  return std::nullopt;
}

class BinaryKernel : public Kernel {
 public:
  explicit BinaryKernel(const Step& step) {
    row_.function = FindBinary(step.op->name)->second;
    row_.activation = FusedOf(ActivationOf(step.attrs()));
  }
  bool CanOverwrite(size_t, size_t) const override { return true; }
  Status Run(const KernelArgs& args) const override {
    const int64_t count = args.out(0).count();
    if (count == 0) return Status::Ok();
    const float* a = args.in(0).as<float>();
    const float* b = args.in(1).as<float>();
    float* y = args.out(0).as<float>();
    const Broadcast shape = CollapseBroadcast(args.out(0).dims(), args.in(0).dims(), args.in(1).dims());
    BinaryRow row = row_;
    row.a = shape.a[0] == 0 ? cpu::Run::kRepeated : cpu::Run::kEach;
    row.b = shape.b[0] == 0 ? cpu::Run::kRepeated : cpu::Run::kEach;
    ForEachRun(shape, count, kGrain, args.pool, [&](int64_t at_a, int64_t at_b, int64_t width, int64_t at) {
      RunBinaryF32(row, a + at_a, b + at_b, width, y + at);
    });
    return Status::Ok();
  }

 private:
  BinaryRow row_;
};

}  // namespace

std::vector<const Tactic*> ElementwiseTactics() {
  static const SimpleTactic unary("cpu/unary_f32", 10, WhyNotUnary, MakeKernel<UnaryKernel>);
  static const SimpleTactic binary("cpu/binary_f32", 10, WhyNotBinary, MakeKernel<BinaryKernel>);
  return {&unary, &binary};
}

}  // namespace slipway::cpu
