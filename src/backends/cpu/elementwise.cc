// Tactics for element-wise f32 operators: functions of one operand, and of two or more under any
// broadcasting.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "backends/cpu/broadcast.h"
#include "backends/cpu/kernels/elementwise/elementwise_f32.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

// What a function costs: arithmetic that no load or store waits for, or little of it.
enum class Effort { kLight, kHeavy };

struct UnaryEntry {
  const char* op;
  UnaryF32 function;
  Effort effort = Effort::kLight;
  Activation activation = Activation::kNone;
};
constexpr UnaryEntry kUnary[] = {{"Sigmoid", UnaryF32::kActivation, Effort::kHeavy, Activation::kSigmoid},
                                 {"Tanh", UnaryF32::kActivation, Effort::kHeavy, Activation::kTanh},
                                 {"Relu", UnaryF32::kActivation, Effort::kLight, Activation::kRelu},
                                 {"HardSwish", UnaryF32::kActivation, Effort::kLight, Activation::kHardSwish},
                                 {"LeakyRelu", UnaryF32::kActivation, Effort::kLight, Activation::kLeakyRelu},
                                 {"Swish", UnaryF32::kActivation, Effort::kHeavy, Activation::kSilu},
                                 {"Gelu", UnaryF32::kActivation, Effort::kHeavy, Activation::kGelu},
                                 {"Clip", UnaryF32::kActivation, Effort::kLight, Activation::kClip},
                                 {"Exp", UnaryF32::kExp, Effort::kHeavy},
                                 {"Expm1", UnaryF32::kExpm1, Effort::kHeavy},
                                 {"Log", UnaryF32::kLog, Effort::kHeavy},
                                 {"Log1p", UnaryF32::kLog1p, Effort::kHeavy},
                                 {"Erf", UnaryF32::kErf, Effort::kHeavy},
                                 {"Sin", UnaryF32::kSin, Effort::kHeavy},
                                 {"Cos", UnaryF32::kCos, Effort::kHeavy},
                                 {"Neg", UnaryF32::kNeg},
                                 {"Abs", UnaryF32::kAbs},
                                 {"Sign", UnaryF32::kSign},
                                 {"Floor", UnaryF32::kFloor},
                                 {"Ceil", UnaryF32::kCeil},
                                 {"Round", UnaryF32::kRound},
                                 {"Sqrt", UnaryF32::kSqrt},
                                 {"Rsqrt", UnaryF32::kRsqrt},
                                 {"Square", UnaryF32::kSquare},
                                 {"Reciprocal", UnaryF32::kReciprocal},
                                 {"HardSigmoid", UnaryF32::kHardSigmoid},
                                 {"Elu", UnaryF32::kElu, Effort::kHeavy},
                                 {"Selu", UnaryF32::kElu, Effort::kHeavy},
                                 {"Celu", UnaryF32::kCelu, Effort::kHeavy},
                                 {"Softplus", UnaryF32::kSoftplus, Effort::kHeavy},
                                 {"Softsign", UnaryF32::kSoftsign},
                                 {"Mish", UnaryF32::kMish, Effort::kHeavy},
                                 {"ThresholdedRelu", UnaryF32::kThresholdedRelu}};
constexpr std::pair<const char*, BinaryF32> kBinary[] = {
    {"Add", BinaryF32::kAdd}, {"Sub", BinaryF32::kSub},
    {"Mul", BinaryF32::kMul}, {"Div", BinaryF32::kDiv},
    {"Pow", BinaryF32::kPow}, {"PRelu", BinaryF32::kPRelu},
    {"Max", BinaryF32::kMax}, {"Min", BinaryF32::kMin},
    {"Sum", BinaryF32::kAdd}, {"SquaredDifference", BinaryF32::kSquaredDifference}};

constexpr int64_t kGrain = 8192;  // elements per task at least

const UnaryEntry* FindUnary(const std::string& op) {
  const auto* found =
      std::find_if(std::begin(kUnary), std::end(kUnary), [&](const auto& e) { return op == e.op; });
  return found == std::end(kUnary) ? nullptr : found;
}

// The bounds of a Clip; nullopt: they are not constant, or in the wrong order.
std::optional<std::pair<float, float>> BoundsOf(const Step& step) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float bounds[] = {-kInfinity, kInfinity};
  for (size_t i = 0; i < 2; ++i) {
    if (!step.HasInput(i + 1)) continue;
    const Value* value = step.inputs[i + 1];
    if (!IsConstantF32(value) || value->data.count() != 1) return std::nullopt;
    bounds[i] = *value->data.as<float>();
  }
  if (!(bounds[0] <= bounds[1])) return std::nullopt;
  return std::pair(bounds[0], bounds[1]);
}

std::optional<std::string> WhyNotUnary(const Step& step) {
  if (FindUnary(step.op->name) == nullptr) return "no such function";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (step.op->name == "Swish" && step.attrs().Float("alpha", 1) != 1) return "alpha is not 1";
  if (step.op->name == "Clip" && !BoundsOf(step)) return "the bounds are not constant, the lower one first";
  return std::nullopt;
}

std::optional<std::string> WhyNotLight(const Step& step) {
  if (auto reason = WhyNotUnary(step)) return reason;
  if (FindUnary(step.op->name)->effort != Effort::kLight) return "the function is not a few instructions";
  return std::nullopt;
}

std::optional<std::string> WhyNotHeavy(const Step& step) {
  if (auto reason = WhyNotUnary(step)) return reason;
  if (FindUnary(step.op->name)->effort != Effort::kHeavy) return "the function is but a few instructions";
  return std::nullopt;
}

// The parameters of a function, as RunUnaryF32 takes them.
FusedActivation ParametersOf(const Step& step) {
  const UnaryEntry& entry = *FindUnary(step.op->name);
  const Attrs& attrs = step.attrs();
  FusedActivation parameters = FusedOf({entry.activation, attrs.Float("alpha"), 0});
  if (attrs.String("approximate") == "tanh") parameters.kind = ActivationKind::kGeluTanh;
  if (step.op->name == "Clip") std::tie(parameters.low, parameters.high) = *BoundsOf(step);
  if (entry.function == UnaryF32::kActivation) return parameters;
  parameters.slope = attrs.Float("alpha");
  if (entry.function == UnaryF32::kHardSigmoid) parameters.low = attrs.Float("beta");
  if (entry.function == UnaryF32::kElu) parameters.high = attrs.Float("gamma", 1);
  if (step.op->name == "Selu") parameters.slope *= parameters.high;
  return parameters;
}

class UnaryKernel : public Kernel {
 public:
  explicit UnaryKernel(const Step& step)
      : function_(FindUnary(step.op->name)->function), parameters_(ParametersOf(step)) {}
  bool CanOverwrite(size_t input, size_t) const override { return input == 0; }
  Status Run(const KernelArgs& args) const override {
    const float* x = args.in(0).as<float>();
    float* y = args.out(0).as<float>();
    args.pool.ParallelFor(args.out(0).count(), kGrain, [&](int64_t begin, int64_t end) {
      RunUnaryF32(function_, parameters_, x + begin, end - begin, y + begin);
    });
    return Status::Ok();
  }

 private:
  UnaryF32 function_;
  FusedActivation parameters_;
};

const std::pair<const char*, BinaryF32>* FindBinary(const std::string& op) {
  const auto* found =
      std::find_if(std::begin(kBinary), std::end(kBinary), [&](const auto& e) { return op == e.first; });
  return found == std::end(kBinary) ? nullptr : found;
}

std::optional<std::string> WhyNotBinary(const Step& step) {
  if (FindBinary(step.op->name) == nullptr) return "no such function";
  if (step.inputs.size() < 2) return "one operand only";
  for (const Value* input : step.inputs) {
    if (TypeOf(input) != DType::kF32) return "operands are not f32";
  }
  const Type& type = step.outputs[0]->type;
  if (!type.HasRank() || type.rank() > static_cast<int>(kMaxBroadcastRank))
    return "the rank is unknown or above 8";
  return std::nullopt;
}

// More than two operands are folded from the left, into the result.
class BinaryKernel : public Kernel {
 public:
  explicit BinaryKernel(const Step& step) {
    row_.function = FindBinary(step.op->name)->second;
    row_.activation = FusedOf(ActivationOf(step.attrs()));
  }
  bool CanOverwrite(size_t input, size_t) const override { return input < 2; }
  Status Run(const KernelArgs& args) const override {
    if (args.out(0).count() == 0) return Status::Ok();
    Fold(args.in(0), args.in(1), args);
    for (size_t i = 2; i < args.inputs.size(); ++i) Fold(args.out(0), args.in(i), args);
    return Status::Ok();
  }

 private:
  void Fold(const Tensor& a, const Tensor& b, const KernelArgs& args) const {
    BinaryRow row = row_;
    const auto run = [&](const float* p, const float* q, int64_t width, float* y) {
      RunBinaryF32(row, p, q, width, y);
    };
    ZipRuns<float>(a, b, args.out(0), row, kGrain, args.pool, run);
  }

  BinaryRow row_;
};

}  // namespace

std::vector<const Tactic*> ElementwiseTactics() {
  static const SimpleTactic light("cpu/unary_f32", BoundByMemory(110), WhyNotLight, MakeKernel<UnaryKernel>);
  static const SimpleTactic heavy("cpu/function_f32", BoundByMemory(50), WhyNotHeavy,
                                  MakeKernel<UnaryKernel>);
  static const SimpleTactic binary("cpu/binary_f32", BoundByMemory(130), WhyNotBinary,
                                   MakeKernel<BinaryKernel>);
  return {&light, &heavy, &binary};
}

}  // namespace slipway::cpu
