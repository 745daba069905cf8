// Tactics for reductions over axes that stand side by side: f32 sums, means and extremes, GlobalAveragePool,
// and the quantised 8-bit mean and sum.
#include "backends/cpu/kernels/reduce/reduce.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/sample.h"
#include "backends/cpu/tactics.h"
#include "base/fixed_point.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 16384;  // elements per task at least

// The reduced axes [begin, end), from the front; nullopt: they do not stand side by side, or nothing is
// known.
struct Axes {
  int begin = 0, end = 0;
};
std::optional<Axes> ReducedAxesOf(const Step& step) {
  const Type& type = step.inputs[0]->type;
  if (!type.HasRank()) return std::nullopt;
  const int rank = type.rank();
  if (step.op->name == "GlobalAveragePool") {
    if (rank < 3) return std::nullopt;
    const int first = FirstSpatialAxis(LayoutOf(step.attrs()));
    return Axes{first, first + rank - 2};
  }
  if (!AreOthersConstant(step)) return std::nullopt;
  std::vector<int64_t> axes;
  if (step.HasInput(1)) axes = IntsOf(step.inputs[1]->data);
  if (axes.empty()) {
    if (step.attrs().Int("noop_with_empty_axes") != 0) return std::nullopt;
    return Axes{0, rank};
  }
  for (int64_t& axis : axes) {
    if (axis < -rank || axis >= rank) return std::nullopt;
    if (axis < 0) axis += rank;
  }
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  if (axes.back() - axes.front() + 1 != static_cast<int64_t>(axes.size())) return std::nullopt;
  return Axes{static_cast<int>(axes.front()), static_cast<int>(axes.back()) + 1};
}

struct Split {
  int64_t outer = 1, length = 1, inner = 1;
};
Split SplitAt(const Dims& dims, const Axes& axes) {
  Split split;
  for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
    (i < axes.begin ? split.outer
     : i < axes.end ? split.length
                    : split.inner) *= dims[static_cast<size_t>(i)];
  }
  return split;
}

std::optional<Reduction> ReductionOf(const std::string& op) {
  if (op == "ReduceSum") return Reduction::kSum;
  if (op == "ReduceMean" || op == "GlobalAveragePool") return Reduction::kMean;
  if (op == "ReduceMax") return Reduction::kMax;
  if (op == "ReduceMin") return Reduction::kMin;
  return std::nullopt;
}

std::optional<std::string> WhyNotF32(const Step& step) {
  if (!ReductionOf(step.op->name)) return "no such reduction";
  if (TypeOf(step.inputs[0]) != DType::kF32) return "input is not f32";
  if (!ReducedAxesOf(step)) return "the axes are not constant neighbours";
  return std::nullopt;
}

class ReduceKernel : public Kernel {
 public:
  explicit ReduceKernel(const Step& step)
      : reduction_(*ReductionOf(step.op->name)), axes_(*ReducedAxesOf(step)) {}

  Status Run(const KernelArgs& args) const override {
    const Split split = SplitAt(args.in(0).dims(), axes_);
    float* y = args.out(0).as<float>();
    if (args.out(0).count() == 0) return Status::Ok();
    if (split.length == 0) {
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      const float nothing = reduction_ == Reduction::kMax   ? -kInfinity
                            : reduction_ == Reduction::kMin ? kInfinity
                            : reduction_ == Reduction::kSum ? 0
                                                            : NAN;
      std::fill_n(y, args.out(0).count(), nothing);
      return Status::Ok();
    }
    const int64_t block = split.length * split.inner;
    const float* x = args.in(0).as<float>();
    args.pool.ParallelFor(split.outer, std::max<int64_t>(1, kGrain / block), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o)
        ReduceF32(reduction_, x + o * block, split.length, split.inner, y + o * split.inner);
    });
    return Status::Ok();
  }

 private:
  Reduction reduction_;
  Axes axes_;
};

std::optional<std::string> WhyNotQuantized(const Step& step) {
  if (step.op->name != "ReduceMean" && step.op->name != "ReduceSum") return "no mean or sum";
  const DType dtype = TypeOf(step.inputs[0]);
  if (dtype != DType::kI8 && dtype != DType::kU8) return "input is not i8 or u8";
  if (TypeOf(step.outputs[0]) != dtype) return "output is of another type";
  if (!IsQuantizedPerTensor(step.inputs[0]) || !IsQuantizedPerTensor(step.outputs[0]))
    return "operands have not one scale and zero point each";
  const auto axes = ReducedAxesOf(step);
  if (!axes) return "the axes are not constant neighbours";
  if (!step.inputs[0]->type.IsStatic()) return "the shape is not static";
  const int64_t length = SplitAt(KnownDims(*step.inputs[0]->type.shape), *axes).length;
  if (length < 1 || length > (1 << 23)) return "slices are empty or longer than 2^23";
  return std::nullopt;
}

// The formulas of ops/reduce/quantized.cc.
class QuantizedReduceKernel : public Kernel {
 public:
  explicit QuantizedReduceKernel(const Step& step)
      : axes_(*ReducedAxesOf(step)),
        is_mean_(step.op->name == "ReduceMean"),
        in_zero_(step.inputs[0]->quant->zero_points[0]),
        out_zero_(step.outputs[0]->quant->zero_points[0]),
        dtype_(TypeOf(step.inputs[0])) {
    const float in = step.inputs[0]->quant->scales[0];
    const float out = step.outputs[0]->quant->scales[0];
    scale_ = in / out;
    count_ = SplitAt(KnownDims(*step.inputs[0]->type.shape), axes_).length;
    const FixedMultiplier ratio = QuantizeMultiplier(static_cast<double>(in) / static_cast<double>(out));
    int shift = 63 - __builtin_clzll(static_cast<uint64_t>(count_));
    shift = std::min({shift, 32, 31 + ratio.shift});
    multiplier_ = {static_cast<int32_t>((int64_t{ratio.multiplier} << shift) / count_), ratio.shift - shift};
    low_ = MinOfInteger(dtype_);
    high_ = MaxOfInteger(dtype_);
  }

  Status Run(const KernelArgs& args) const override {
    const Split split = SplitAt(args.in(0).dims(), axes_);
    if (split.length != count_) return Status(Code::kInternal, "made for another shape");
    if (dtype_ == DType::kI8) {
      RunTyped<int8_t>(args, split);
    } else {
      RunTyped<uint8_t>(args, split);
    }
    return Status::Ok();
  }

 private:
  template <class T>
  void RunTyped(const KernelArgs& args, const Split& split) const {
    const T* x = args.in(0).as<T>();
    T* y = args.out(0).as<T>();
    args.pool.ParallelFor(split.outer * split.inner, std::max<int64_t>(1, kGrain / count_),
                          [&](int64_t begin, int64_t end) {
                            for (int64_t i = begin; i < end; ++i) {
                              const T* from = x + i / split.inner * count_ * split.inner + i % split.inner;
                              const int64_t value = Requantize(SumOfBytes(from, count_, split.inner));
                              y[i] = static_cast<T>(std::clamp(value, low_, high_));
                            }
                          });
  }

  int64_t Requantize(int64_t sum) const {
    if (is_mean_) {
      const auto centred = static_cast<int32_t>(sum - count_ * in_zero_);
      return int64_t{MultiplyByQuantizedMultiplier(centred, multiplier_)} + out_zero_;
    }
    const float bias = static_cast<float>(-in_zero_) * scale_ * static_cast<float>(count_);
    return static_cast<int64_t>(std::round(static_cast<float>(sum) * scale_ + bias)) + out_zero_;
  }

  Axes axes_;
  bool is_mean_;
  int64_t in_zero_, out_zero_;
  DType dtype_;
  float scale_ = 1;
  int64_t count_ = 1;
  FixedMultiplier multiplier_;
  int64_t low_ = 0, high_ = 0;
};

}  // namespace

std::vector<const Tactic*> ReduceTactics() {
  static const SimpleTactic f32("cpu/reduce_f32", BoundByMemory(27), WhyNotF32, MakeKernel<ReduceKernel>);
  static const SimpleTactic quantized("cpu/reduce_quant", BoundByMemory(0.9), WhyNotQuantized,
                                      MakeKernel<QuantizedReduceKernel>);
  return {&f32, &quantized};
}

}  // namespace slipway::cpu
