// Tactic for Split: moves bytes, and only those that are not where they belong.
#include <algorithm>
#include <cstring>

#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kTaskBytes = 32768;

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Split") return "not a Split";
  const DType dtype = TypeOf(step.inputs[0]);
  if (!HasWholeBytes(dtype)) return "elements are not whole bytes";
  for (const Value* value : step.outputs) {
    if (value == nullptr) return "a part is left out";
    if (value->quant != step.inputs[0]->quant) return "the scale changes";
  }
  return std::nullopt;
}

class SplitKernel : public Kernel {
 public:
  explicit SplitKernel(const Step& step)
      : axis_(step.attrs().Int("axis")),
        rank_(step.inputs[0]->type.HasRank() ? step.inputs[0]->type.rank() : 0) {}

  bool CanReadSteps(size_t input) const override { return input == 0 && IsLast(); }
  bool CanWriteSteps(size_t) const override { return IsLast(); }

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    const auto axis = static_cast<size_t>(axis_ < 0 ? axis_ + x.rank() : axis_);
    const int64_t element = BitsOf(x.dtype()) / 8;
    const int64_t inner =
        CountOf({x.dims().data() + axis + 1, x.dims().size() - axis - 1}) * element;  // bytes of one index
    const int64_t outer = CountOf({x.dims().data(), axis});
    const int64_t from_step = IsLast() ? args.in_step(0) * element : x.dims()[axis] * inner;
    const auto* from = x.as<uint8_t>();
    for (size_t i = 0; i < args.outputs.size(); ++i) {
      const int64_t bytes = args.out(i).dims()[axis] * inner;
      if (bytes > 0 && outer > 0) {
        const int64_t to_step = IsLast() ? args.out_step(i) * element : bytes;
        CopyRows(from, from_step, args.out(i).as<uint8_t>(), to_step, outer, bytes, args.pool);
      }
      from += bytes;
    }
    return Status::Ok();
  }

 private:
  bool IsLast() const { return axis_ == -1 || axis_ == rank_ - 1; }

  // What lies where it belongs already is left alone.
  static void CopyRows(const uint8_t* from, int64_t from_step, uint8_t* to, int64_t to_step, int64_t rows,
                       int64_t bytes, ThreadPool& pool) {
    if (from == to && (from_step == to_step || rows == 1)) return;
    pool.ParallelFor(rows, std::max<int64_t>(1, kTaskBytes / bytes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        std::memcpy(to + i * to_step, from + i * from_step, static_cast<size_t>(bytes));
    });
  }

  int64_t axis_;
  int64_t rank_;
};

}  // namespace

std::vector<const Tactic*> SplitTactics() {
  static const SimpleTactic split("cpu/split", BoundByMemory(37), WhyNot, MakeKernel<SplitKernel>);
  return {&split};
}

}  // namespace slipway::cpu
