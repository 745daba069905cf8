// Tactic for every operator that only moves elements of static shape: slices, pads, splits, expansions,
// gathers by constant indices, blocks to depth and back, nearest Resize. The reference is run once on element
// numbers, and what it makes of them is kept as a list of copies.
#include "backends/cpu/kernels/move/copies.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string_view>

#include "backends/cpu/sample.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr std::string_view kMoves[] = {
#define SLIPWAY_OP(name) #name,
#include "backends/cpu/copies.inc"
#undef SLIPWAY_OP
};
constexpr int64_t kMaxElements = int64_t{1} << 26;  // the plan takes as long to make as the reference to run
constexpr int64_t kTaskBytes = 32768;

std::optional<std::string> WhyNot(const Step& step) {
  const std::string& op = step.op->name;
  if (std::find(std::begin(kMoves), std::end(kMoves), op) == std::end(kMoves)) return "no mover of elements";
  if (step.inputs.empty() || step.inputs[0] == nullptr) return "no input";
  const DType dtype = TypeOf(step.inputs[0]);
  if (!HasWholeBytes(dtype)) return "elements are not whole bytes";
  if (op == "Resize" && step.attrs().String("mode") != "nearest") return "not nearest";
  if (op == "Resize" && step.attrs().String("coordinate_transformation_mode") == "tf_crop_and_resize")
    return "crops beyond the image";
  if (!AreOthersConstant(step)) return "what to move is not constant";
  const auto is_large = [](const Value* value) {
    return !value->type.IsStatic() || CountOfType(value->type) > kMaxElements;
  };
  if (is_large(step.inputs[0])) return "the shape is not static or too large to plan";
  if (CountOfType(step.inputs[0]->type) == 0) return "the input is empty";
  for (const Value* output : step.outputs) {
    if (output != nullptr && is_large(output)) return "the shape is not static or too large to plan";
  }
  return std::nullopt;
}

class CopiesKernel : public Kernel {
 public:
  explicit CopiesKernel(const Step&) {}
  Status Init(const Step& step) {
    const Value& x = *step.inputs[0];
    in_count_ = CountOfType(x.type);
    element_bytes_ = static_cast<int64_t>(BitsOf(x.type.dtype)) / 8;
    fill_.assign(static_cast<size_t>(element_bytes_), 0);
    Tensor numbers(DType::kI32, KnownDims(*x.type.shape));
    std::iota(numbers.as<int32_t>(), numbers.as<int32_t>() + in_count_, 1);
    std::vector<StandIn> stand_ins;
    stand_ins.push_back({0, std::move(numbers)});
    if (step.op->name == "Pad" && step.HasInput(2)) {
      const Tensor& value = step.inputs[2]->data;
      if (value.size_bytes() != element_bytes_)
        return Status(Code::kInvalidModel, "the value to pad with is not one element");
      std::memcpy(fill_.data(), value.data(), fill_.size());
      stand_ins.push_back({2, Tensor(DType::kI32, {})});
      *stand_ins.back().tensor.as<int32_t>() = 0;
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results,
                             RunOnSample(step, std::move(stand_ins), SampleQuant::kDropped));
    for (const Datum& result : results) {
      std::span<const int32_t> source;
      if (!result.tensor.IsNone()) {
        source = {result.tensor.as<int32_t>(), static_cast<size_t>(result.tensor.count())};
      }
      out_counts_.push_back(static_cast<int64_t>(source.size()));
      plans_.push_back(PlanCopies(source, std::max<int64_t>(1, kTaskBytes / element_bytes_)));
    }
    return Status::Ok();
  }

  Status Run(const KernelArgs& args) const override {
    if (args.in(0).count() != in_count_) return Status(Code::kInternal, "planned for another shape");
    const auto* x = args.in(0).as<uint8_t>();
    for (size_t i = 0; i < plans_.size(); ++i) {
      const std::vector<CopyRuns>& plan = plans_[i];
      if (plan.empty()) continue;
      if (args.out(i).count() != out_counts_[i]) return Status(Code::kInternal, "planned for another shape");
      auto* y = args.out(i).as<uint8_t>();
      const auto entries = static_cast<int64_t>(plan.size());
      const int64_t bytes_each = std::max<int64_t>(1, args.out(i).size_bytes() / entries);
      args.pool.ParallelFor(entries, std::max<int64_t>(1, kTaskBytes / bytes_each),
                            [&](int64_t begin, int64_t end) {
                              for (int64_t k = begin; k < end; ++k) {
                                RunCopies(plan[static_cast<size_t>(k)], element_bytes_, x, fill_.data(), y);
                              }
                            });
    }
    return Status::Ok();
  }

 private:
  int64_t in_count_ = 0;
  int64_t element_bytes_ = 1;
  std::vector<uint8_t> fill_;
  std::vector<int64_t> out_counts_;
  std::vector<std::vector<CopyRuns>> plans_;  // by output
};

class CopiesTactic : public SimpleTactic {
 public:
  using SimpleTactic::SimpleTactic;
  // Its plan takes milliseconds to make and all of its operands are dense.
  double TimeFactor() const override { return 1.25; }
};

}  // namespace

std::vector<const Tactic*> CopyTactics() {
  static const CopiesTactic copies("cpu/copies", BoundByMemory(33, 1), WhyNot, MakeKernel<CopiesKernel>);
  return {&copies};
}

}  // namespace slipway::cpu
