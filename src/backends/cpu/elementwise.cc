// Tactics for element-wise f32 operators: unary functions, and Add, Sub, Mul, Div under any broadcasting.
#include <algorithm>
#include <array>

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
                                 {"Exp", UnaryF32::kExp},
                                 {"Neg", UnaryF32::kNeg},
                                 {"Abs", UnaryF32::kAbs},
                                 {"Sqrt", UnaryF32::kSqrt},
                                 {"Square", UnaryF32::kSquare},
                                 {"Reciprocal", UnaryF32::kReciprocal}};
constexpr std::pair<const char*, BinaryF32> kBinary[] = {
    {"Add", BinaryF32::kAdd}, {"Sub", BinaryF32::kSub}, {"Mul", BinaryF32::kMul}, {"Div", BinaryF32::kDiv}};

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
  }
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

constexpr size_t kMaxRank = 8;

std::optional<std::string> WhyNotBinary(const Step& step) {
  if (FindBinary(step.op->name) == nullptr) return "no such function";
  for (int i = 0; i < 2; ++i) {
    if (TypeOf(step.inputs[i]) != DType::kF32) return "operands are not f32";
  }
  const Type& type = step.outputs[0]->type;
  if (!type.HasRank() || type.rank() > static_cast<int>(kMaxRank)) return "the rank is unknown or above 8";
  return std::nullopt;
}

// A broadcast as few axes as possible: neighbours that run alike on both sides are one.
struct Broadcast {
  size_t rank = 0;
  std::array<int64_t, kMaxRank> extent{}, a{}, b{};  // innermost first; strides, 0 where repeated
};

Broadcast Collapse(const Dims& out, const Dims& a, const Dims& b) {
  Broadcast result;
  int64_t a_stride = 1;
  int64_t b_stride = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t extent = out[out.size() - 1 - i];
    const int64_t in_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t in_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (extent == 1) continue;
    const int64_t step_a = in_a == 1 ? 0 : a_stride;
    const int64_t step_b = in_b == 1 ? 0 : b_stride;
    a_stride *= in_a;
    b_stride *= in_b;
    if (result.rank > 0) {
      const size_t last = result.rank - 1;
      const bool is_alike = (step_a == 0) == (result.a[last] == 0) && (step_b == 0) == (result.b[last] == 0);
      if (is_alike) {
        result.extent[last] *= extent;
        continue;
      }
    }
    result.extent[result.rank] = extent;
    result.a[result.rank] = step_a;
    result.b[result.rank] = step_b;
    ++result.rank;
  }
  if (result.rank == 0) {
    result.extent[0] = 1;
    result.rank = 1;
  }
  return result;
}

class BinaryKernel : public Kernel {
 public:
  explicit BinaryKernel(const Step& step) {
    row_.function = FindBinary(step.op->name)->second;
    row_.activation = FusedOf(ActivationOf(step.attrs()));
  }
  Status Run(const KernelArgs& args) const override {
    const int64_t count = args.out(0).count();
    if (count == 0) return Status::Ok();
    const float* a = args.in(0).as<float>();
    const float* b = args.in(1).as<float>();
    float* y = args.out(0).as<float>();
    const Broadcast shape = Collapse(args.out(0).dims(), args.in(0).dims(), args.in(1).dims());
    BinaryRow row = row_;
    row.a = shape.a[0] == 0 ? cpu::Run::kRepeated : cpu::Run::kEach;
    row.b = shape.b[0] == 0 ? cpu::Run::kRepeated : cpu::Run::kEach;
    const int64_t width = shape.extent[0];
    if (shape.rank == 1) {
      args.pool.ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
        RunBinaryF32(row, a + begin * shape.a[0], b + begin * shape.b[0], end - begin, y + begin);
      });
      return Status::Ok();
    }
    args.pool.ParallelFor(count / width, std::max<int64_t>(1, kGrain / width),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t i = begin; i < end; ++i) {
                              int64_t rest = i;
                              int64_t at_a = 0;
                              int64_t at_b = 0;
                              for (size_t k = 1; k < shape.rank; ++k) {
                                const int64_t index = rest % shape.extent[k];
                                rest /= shape.extent[k];
                                at_a += index * shape.a[k];
                                at_b += index * shape.b[k];
                              }
                              RunBinaryF32(row, a + at_a, b + at_b, width, y + i * width);
                            }
                          });
    return Status::Ok();
  }

 private:
  BinaryRow row_;
};

template <class T>
Result<std::unique_ptr<Kernel>> MakeKernel(const Step& step) {
  return std::unique_ptr<Kernel>(std::make_unique<T>(step));
}

}  // namespace

std::vector<const Tactic*> ElementwiseTactics() {
  static const SimpleTactic unary("cpu/unary_f32", 10, WhyNotUnary, MakeKernel<UnaryKernel>);
  static const SimpleTactic binary("cpu/binary_f32", 10, WhyNotBinary, MakeKernel<BinaryKernel>);
  return {&unary, &binary};
}

}  // namespace slipway::cpu
