// Tactic for Cast between f32, i64, i32, u8, i8 and bool, and from f32 to f16. What starts from 8 bits may
// also go by table (table.cc), f16 to f32 goes by convert.cc.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "backends/cpu/kernels/convert/convert.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 16384;  // elements per task at least

// How floats beyond what an integer holds are taken.
enum class Range { kWrap, kClamp };

// A bool as the types below see it: not a number of eight bits.
enum class Bool : uint8_t {};

bool IsTaken(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kI64 || dtype == DType::kI32 || dtype == DType::kU8 ||
         dtype == DType::kI8 || dtype == DType::kBool;
}

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Cast") return "not a Cast";
  const DType from = TypeOf(step.inputs[0]);
  const DType to = TypeOf(step.outputs[0]);
  if (from == DType::kF32 && to == DType::kF16) return std::nullopt;
  if (!IsTaken(from) || !IsTaken(to)) return "not between f32, i64, i32, u8, i8 and bool, nor f32 to f16";
  return std::nullopt;
}

// Truncated, then wrapped around or clamped; NaN: 0, or the most.
template <class To>
To FromFloat(float x, Range range) {
  using Limits = std::numeric_limits<To>;
  if (range == Range::kClamp) {
    // The most of 32 and 64 bits is no f32: the next one above it is beyond.
    if (std::isnan(x) || static_cast<double>(x) >= static_cast<double>(Limits::max())) return Limits::max();
    if (static_cast<double>(x) <= static_cast<double>(Limits::lowest())) return Limits::lowest();
    return static_cast<To>(x);
  }
  constexpr float kEnd = 9223372036854775808.0F;
  if (std::fabs(x) < kEnd) return static_cast<To>(static_cast<int64_t>(x));
  if (std::isnan(x)) return 0;
  if (x < 0) return static_cast<To>(std::numeric_limits<int64_t>::lowest());
  if (x < 2 * kEnd) return static_cast<To>(static_cast<uint64_t>(x));
  return static_cast<To>(std::numeric_limits<int64_t>::max());
}

template <class From, class To>
To Convert(From x, Range range) {
  if constexpr (std::is_same_v<From, Bool>) {
    return Convert<uint8_t, To>(static_cast<uint8_t>(x) != 0 ? 1 : 0, range);
  } else if constexpr (std::is_same_v<To, Bool>) {
    return static_cast<Bool>(x != From{0} ? 1 : 0);
  } else if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr (std::is_same_v<From, float>) {
    return FromFloat<To>(x, range);
  } else if constexpr (std::is_same_v<To, float>) {
    return static_cast<float>(static_cast<double>(x));  // rounded twice, as the reference
  } else {
    return static_cast<To>(x);
  }
}

class CastKernel : public Kernel {
 public:
  explicit CastKernel(const Step& step)
      : range_(step.attrs().String("out_of_range") == "clamp" ? Range::kClamp : Range::kWrap) {}

  Status Run(const KernelArgs& args) const override {
    if (args.out(0).dtype() == DType::kF16) {
      args.pool.ParallelFor(args.in(0).count(), kGrain, [&](int64_t begin, int64_t end) {
        FloatsToHalf(args.in(0).as<float>() + begin, end - begin, args.out(0).as<uint16_t>() + begin);
      });
      return Status::Ok();
    }
    switch (args.in(0).dtype()) {
      case DType::kF32: From<float>(args); break;
      case DType::kI64: From<int64_t>(args); break;
      case DType::kI32: From<int32_t>(args); break;
      case DType::kU8: From<uint8_t>(args); break;
      case DType::kI8: From<int8_t>(args); break;
      default: From<Bool>(args);
    }
    return Status::Ok();
  }

 private:
  template <class T>
  void From(const KernelArgs& args) const {
    switch (args.out(0).dtype()) {
      case DType::kF32: return FromTo<T, float>(args);
      case DType::kI64: return FromTo<T, int64_t>(args);
      case DType::kI32: return FromTo<T, int32_t>(args);
      case DType::kU8: return FromTo<T, uint8_t>(args);
      case DType::kI8: return FromTo<T, int8_t>(args);
      default: return FromTo<T, Bool>(args);
    }
  }
  template <class T, class U>
  void FromTo(const KernelArgs& args) const {
    const auto* x = static_cast<const T*>(args.in(0).data());
    auto* y = static_cast<U*>(args.out(0).data());
    args.pool.ParallelFor(args.in(0).count(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = Convert<T, U>(x[i], range_);
    });
  }

  Range range_;
};

}  // namespace

std::vector<const Tactic*> CastTactics() {
  static const SimpleTactic cast("cpu/cast", BoundByMemory(10), WhyNot, MakeKernel<CastKernel>);
  return {&cast};
}

}  // namespace slipway::cpu
