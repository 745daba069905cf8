// Tactic for Where: elements of 1, 2, 4 or 8 bytes, chosen under any broadcasting of the three operands.
#include <algorithm>
#include <span>

#include "backends/cpu/broadcast.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kGrain = 8192;  // elements per task at least

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Where") return "not a Where";
  const DType dtype = TypeOf(step.inputs[1]);
  if (dtype == DType::kNone || dtype == DType::kString) return "no elements of fixed size";
  const int bits = BitsOf(dtype);
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64) return "elements are not of 1, 2, 4 or 8 bytes";
  return std::nullopt;
}

template <class T>
void ChooseRow(const uint8_t* condition, int64_t condition_step, const T* x, int64_t x_step, const T* y,
               int64_t y_step, int64_t count, T* out) {
  if (condition_step == 1 && x_step == 1 && y_step == 1) {
    for (int64_t i = 0; i < count; ++i) out[i] = condition[i] != 0 ? x[i] : y[i];
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    out[i] = condition[i * condition_step] != 0 ? x[i * x_step] : y[i * y_step];
}

class WhereKernel : public Kernel {
 public:
  explicit WhereKernel(const Step&) {}

  Status Run(const KernelArgs& args) const override {
    if (args.out(0).count() == 0) return Status::Ok();
    switch (BitsOf(args.out(0).dtype())) {
      case 8: Choose<uint8_t>(args); break;
      case 16: Choose<uint16_t>(args); break;
      case 32: Choose<uint32_t>(args); break;
      default: Choose<uint64_t>(args);
    }
    return Status::Ok();
  }

 private:
  template <class T>
  static void Choose(const KernelArgs& args) {
    Tensor& out = args.out(0);
    const auto* condition = args.in(0).as<uint8_t>();
    const T* x = args.in(1).as<T>();
    const T* y = args.in(2).as<T>();
    T* to = out.as<T>();
    const Dims& dims = out.dims();
    if (args.in(0).dims() == dims && args.in(1).dims() == dims && args.in(2).dims() == dims) {
      args.pool.ParallelFor(out.count(), kGrain, [&](int64_t begin, int64_t end) {
        ChooseRow<T>(condition + begin, 1, x + begin, 1, y + begin, 1, end - begin, to + begin);
      });
      return;
    }
    if (dims.empty()) return ChooseRow<T>(condition, 0, x, 0, y, 0, 1, to);
    const int64_t width = dims.back();
    const auto outer = std::span<const int64_t>(dims).first(dims.size() - 1);
    const auto step = [&](size_t i) -> int64_t {
      const Dims& own = args.in(i).dims();
      return own.empty() || own.back() == 1 ? 0 : 1;
    };
    const int64_t steps[] = {step(0), step(1), step(2)};
    args.pool.ParallelFor(
        out.count() / width, std::max<int64_t>(1, kGrain / width), [&](int64_t begin, int64_t end) {
          for (int64_t row = begin; row < end; ++row) {
            const auto at = [&](size_t i) -> int64_t {
              const std::span<const int64_t> own = args.in(i).dims();
              return own.empty() ? 0 : BroadcastAt(row, outer, own.first(own.size() - 1)) * own.back();
            };
            ChooseRow<T>(condition + at(0), steps[0], x + at(1), steps[1], y + at(2), steps[2], width,
                         to + row * width);
          }
        });
  }
};

}  // namespace

std::vector<const Tactic*> WhereTactics() {
  static const SimpleTactic where("cpu/where", BoundByMemory(30), WhyNot, MakeKernel<WhereKernel>);
  return {&where};
}

}  // namespace slipway::cpu
