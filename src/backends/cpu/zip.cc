// Tactics for what graphs compute about shapes, masks and indices: comparisons, logic, and arithmetic of
// whole numbers, under any broadcasting. Loops are plain, the operands small.
#include <algorithm>
#include <string_view>
#include <type_traits>

#include "backends/cpu/broadcast.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 16384;  // elements per task at least

enum class Function {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAnd,
  kOr,
  kXor,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDiv,
  kMax,
  kMin
};
struct Entry {
  std::string_view op;
  Function function;
};
constexpr Entry kComparisons[] = {
    {"Equal", Function::kEqual},     {"NotEqual", Function::kNotEqual},
    {"Less", Function::kLess},       {"LessOrEqual", Function::kLessOrEqual},
    {"Greater", Function::kGreater}, {"GreaterOrEqual", Function::kGreaterOrEqual}};
constexpr Entry kLogic[] = {{"And", Function::kAnd}, {"Or", Function::kOr}, {"Xor", Function::kXor}};
constexpr Entry kArithmetic[] = {
    {"Add", Function::kAdd}, {"Sub", Function::kSub},           {"Mul", Function::kMul},
    {"Div", Function::kDiv}, {"FloorDiv", Function::kFloorDiv}, {"Max", Function::kMax},
    {"Min", Function::kMin}};

template <size_t kCount>
const Entry* Find(const Entry (&entries)[kCount], std::string_view op) {
  const auto* found =
      std::find_if(std::begin(entries), std::end(entries), [&](const auto& e) { return op == e.op; });
  return found == std::end(entries) ? nullptr : found;
}

// What all have in common.
std::optional<std::string> WhyNotOperands(const Step& step) {
  if (step.inputs.size() < 2) return "one operand only";
  for (const Value* input : step.inputs) {
    if (TypeOf(input) != TypeOf(step.inputs[0])) return "operands differ in type";
    if (input->quant) return "operands are quantised";
  }
  const Type& type = step.outputs[0]->type;
  if (!type.HasRank() || type.rank() > static_cast<int>(kMaxBroadcastRank))
    return "the rank is unknown or above 8";
  return std::nullopt;
}

bool IsPlainInteger(DType dtype) { return dtype == DType::kI64 || dtype == DType::kI32; }

std::optional<std::string> WhyNotCompare(const Step& step) {
  if (Find(kComparisons, step.op->name) == nullptr) return "not a comparison";
  const DType dtype = TypeOf(step.inputs[0]);
  if (!IsPlainInteger(dtype) && dtype != DType::kF32 && dtype != DType::kBool && dtype != DType::kU8)
    return "operands are not f32, i64, i32, u8 or bool";
  return WhyNotOperands(step);
}

std::optional<std::string> WhyNotLogic(const Step& step) {
  if (Find(kLogic, step.op->name) == nullptr) return "no logical function";
  if (TypeOf(step.inputs[0]) != DType::kBool) return "operands are not bool";
  return WhyNotOperands(step);
}

std::optional<std::string> WhyNotArithmetic(const Step& step) {
  if (Find(kArithmetic, step.op->name) == nullptr) return "no such function";
  if (!IsPlainInteger(TypeOf(step.inputs[0]))) return "operands are neither i64 nor i32";
  if (ActivationOf(step.attrs()).kind != Activation::kNone) return "an activation is fused";
  return WhyNotOperands(step);
}

// Calls body with the function: one switch per run. Whole numbers wrap around, and x / 0 is 0.
template <class T, class Body>
void WithFunction(Function function, const Body& body) {
  using U = std::make_unsigned_t<std::conditional_t<std::is_floating_point_v<T>, int32_t, T>>;
  const auto wrap = [&](auto f) {
    body([f](T a, T b) { return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b))); });
  };
  switch (function) {
    case Function::kEqual: return body([](T a, T b) { return a == b; });
    case Function::kNotEqual: return body([](T a, T b) { return a != b; });
    case Function::kLess: return body([](T a, T b) { return a < b; });
    case Function::kLessOrEqual: return body([](T a, T b) { return a <= b; });
    case Function::kGreater: return body([](T a, T b) { return a > b; });
    case Function::kGreaterOrEqual: return body([](T a, T b) { return a >= b; });
    default: break;
  }
  if constexpr (std::is_same_v<T, uint8_t>) {
    switch (function) {
      case Function::kAnd: return body([](T a, T b) { return a != 0 && b != 0; });
      case Function::kOr: return body([](T a, T b) { return a != 0 || b != 0; });
      case Function::kXor: return body([](T a, T b) { return (a != 0) != (b != 0); });
      default: return;
    }
  }
  if constexpr (std::is_signed_v<T> && !std::is_floating_point_v<T>) {
    switch (function) {
      case Function::kAdd: return wrap([](U a, U b) { return a + b; });
      case Function::kSub: return wrap([](U a, U b) { return a - b; });
      case Function::kMul: return wrap([](U a, U b) { return a * b; });
      case Function::kMax: return body([](T a, T b) { return std::max(a, b); });
      case Function::kMin: return body([](T a, T b) { return std::min(a, b); });
      case Function::kDiv:
        return body([](T a, T b) {
          return b == 0 ? T{0} : b == -1 ? static_cast<T>(U{0} - static_cast<U>(a)) : static_cast<T>(a / b);
        });
      case Function::kFloorDiv:
        return body([](T a, T b) {
          if (b == 0) return T{0};
          if (b == -1) return static_cast<T>(U{0} - static_cast<U>(a));
          return static_cast<T>(a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0));
        });
      default: return;
    }
  }
}

struct Row {
  Run a = Run::kEach, b = Run::kEach;
};

// T: of the operands, U: of the result.
template <class T, class U>
void ZipRow(Function function, const Row& row, const T* a, const T* b, int64_t count, U* y) {
  WithFunction<T>(function, [&](auto f) {
    if (row.a == Run::kEach && row.b == Run::kEach) {
      for (int64_t i = 0; i < count; ++i) y[i] = static_cast<U>(f(a[i], b[i]));
      return;
    }
    const int64_t a_step = row.a == Run::kEach ? 1 : 0;
    const int64_t b_step = row.b == Run::kEach ? 1 : 0;
    for (int64_t i = 0; i < count; ++i) y[i] = static_cast<U>(f(a[i * a_step], b[i * b_step]));
  });
}

template <class T, class U>
void Zip(Function function, const Tensor& a, const Tensor& b, Tensor& y, ThreadPool& pool) {
  Row row;
  ZipRuns<T, U>(a, b, y, row, kGrain, pool, [&](const T* p, const T* q, int64_t width, U* to) {
    ZipRow<T, U>(function, row, p, q, width, to);
  });
}

// Comparisons and logic: the result is bool.
class TestKernel : public Kernel {
 public:
  explicit TestKernel(const Step& step) {
    const Entry* comparison = Find(kComparisons, step.op->name);
    function_ = comparison != nullptr ? comparison->function : Find(kLogic, step.op->name)->function;
  }
  Status Run(const KernelArgs& args) const override {
    const Tensor& a = args.in(0);
    const Tensor& b = args.in(1);
    switch (a.dtype()) {
      case DType::kF32: Zip<float, uint8_t>(function_, a, b, args.out(0), args.pool); break;
      case DType::kI64: Zip<int64_t, uint8_t>(function_, a, b, args.out(0), args.pool); break;
      case DType::kI32: Zip<int32_t, uint8_t>(function_, a, b, args.out(0), args.pool); break;
      default: Zip<uint8_t, uint8_t>(function_, a, b, args.out(0), args.pool);
    }
    return Status::Ok();
  }

 private:
  Function function_;
};

// More than two operands are folded from the left, into the result.
class IntegerKernel : public Kernel {
 public:
  explicit IntegerKernel(const Step& step) : function_(Find(kArithmetic, step.op->name)->function) {}
  bool CanOverwrite(size_t input, size_t) const override { return input < 2; }
  Status Run(const KernelArgs& args) const override {
    Fold(args.in(0), args.in(1), args);
    for (size_t i = 2; i < args.inputs.size(); ++i) Fold(args.out(0), args.in(i), args);
    return Status::Ok();
  }

 private:
  void Fold(const Tensor& a, const Tensor& b, const KernelArgs& args) const {
    if (a.dtype() == DType::kI64)
      Zip<int64_t, int64_t>(function_, a, b, args.out(0), args.pool);
    else
      Zip<int32_t, int32_t>(function_, a, b, args.out(0), args.pool);
  }
  Function function_;
};

std::optional<std::string> WhyNotNot(const Step& step) {
  if (step.op->name != "Not") return "not a Not";
  return std::nullopt;
}

class NotKernel : public Kernel {
 public:
  explicit NotKernel(const Step&) {}
  bool CanOverwrite(size_t, size_t) const override { return true; }
  Status Run(const KernelArgs& args) const override {
    const auto* x = args.in(0).as<uint8_t>();
    auto* y = args.out(0).as<uint8_t>();
    args.pool.ParallelFor(args.in(0).count(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = x[i] == 0 ? 1 : 0;
    });
    return Status::Ok();
  }
};

}  // namespace

std::vector<const Tactic*> ZipTactics() {
  static const SimpleTactic compare("cpu/compare", BoundByMemory(15), WhyNotCompare, MakeKernel<TestKernel>);
  static const SimpleTactic logic("cpu/logic", BoundByMemory(8), WhyNotLogic, MakeKernel<TestKernel>);
  static const SimpleTactic negation("cpu/not", BoundByMemory(15), WhyNotNot, MakeKernel<NotKernel>);
  static const SimpleTactic integers("cpu/binary_int", BoundByMemory(20), WhyNotArithmetic,
                                     MakeKernel<IntegerKernel>);
  return {&compare, &logic, &negation, &integers};
}

}  // namespace slipway::cpu
