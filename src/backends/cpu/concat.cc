// Tactic for Concat: moves bytes, and only those that are not where they belong.
#include <cstring>

#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Concat") return "not a Concat";
  const DType dtype = TypeOf(step.inputs[0]);
  if (!HasWholeBytes(dtype)) return "elements are not whole bytes";
  if (ActivationOf(step.attrs()).kind != Activation::kNone) return "an activation is fused";
  for (const Value* value : step.inputs) {
    if (value == nullptr || (value->quant && value->quant != step.outputs[0]->quant))
      return "inputs must be requantised";
  }
  return std::nullopt;
}

// Blocks of bytes, `outer` times `rows` of them: block (o, r) goes from (o * rows + r) * from_step to
// o * to_outer_step + r * to_step.
struct Blocks {
  const uint8_t* from;
  uint8_t* to;
  int64_t outer, rows, bytes;
  int64_t from_step, to_step, to_outer_step;

  bool AreInPlace() const {
    return from == to && (outer == 1 || rows * from_step == to_outer_step) &&
           (rows == 1 || from_step == to_step);
  }
};

void CopyBlocks(const Blocks& blocks, ThreadPool& pool) {
  constexpr int64_t kTaskBytes = 32768;
  if (blocks.bytes == 0 || blocks.AreInPlace()) return;
  if (blocks.outer * blocks.rows == 1) {
    return pool.ParallelFor(blocks.bytes, kTaskBytes, [&](int64_t begin, int64_t end) {
      std::memcpy(blocks.to + begin, blocks.from + begin, static_cast<size_t>(end - begin));
    });
  }
  pool.ParallelFor(
      blocks.outer * blocks.rows, std::max<int64_t>(1, kTaskBytes / blocks.bytes),
      [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t to = i / blocks.rows * blocks.to_outer_step + i % blocks.rows * blocks.to_step;
          std::memcpy(blocks.to + to, blocks.from + i * blocks.from_step, static_cast<size_t>(blocks.bytes));
        }
      });
}

// An operand that lies in the result already, at its place, is left alone: the planner counts on it.
class ConcatKernel : public Kernel {
 public:
  explicit ConcatKernel(const Step& step) : axis_(step.attrs().Int("axis")) {}
  bool CanReadSteps(size_t) const override { return true; }
  bool CanWriteSteps(size_t) const override { return true; }

  Status Run(const KernelArgs& args) const override {
    const Dims& y = args.out(0).dims();
    if (args.out(0).count() == 0) return Status::Ok();
    const auto axis = static_cast<size_t>(axis_ < 0 ? axis_ + static_cast<int64_t>(y.size()) : axis_);
    int64_t offset = 0;
    for (size_t i = 0; i < args.inputs.size(); ++i) {
      const int64_t length = args.in(i).dims()[axis];
      if (length > 0) CopyBlocks(BlocksOf(args, i, axis, offset), args.pool);
      offset += length;
    }
    return Status::Ok();
  }

 private:
  // Operand i goes to index `offset` of the axis.
  static Blocks BlocksOf(const KernelArgs& args, size_t i, size_t axis, int64_t offset) {
    const Dims& y = args.out(0).dims();
    const int64_t element = BitsOf(args.out(0).dtype()) / 8;
    const int64_t length = args.in(i).dims()[axis];
    int64_t outer = 1;
    int64_t inner = 1;
    for (size_t k = 0; k < axis; ++k) outer *= y[k];
    for (size_t k = axis + 1; k < y.size(); ++k) inner *= y[k];
    const int64_t from_step = args.in_step(i) * element;
    const int64_t to_step = args.out_step(0) * element;
    const bool is_last = axis + 1 == y.size();
    const int64_t row = y.back() * element;
    Blocks blocks{args.in(i).as<uint8_t>(), args.out(0).as<uint8_t>(), outer, 1, 0, 0, 0, 0};
    if (is_last) {
      blocks.to += offset * element;
      blocks.bytes = length * element;
      blocks.from_step = from_step;
      blocks.to_outer_step = to_step;
    } else if (from_step == row && to_step == row) {
      blocks.to += offset * inner * element;
      blocks.bytes = blocks.from_step = length * inner * element;
      blocks.to_outer_step = y[axis] * inner * element;
    } else {
      const int64_t rows_each = inner / y.back();
      blocks.to += offset * rows_each * to_step;
      blocks.rows = length * rows_each;
      blocks.bytes = row;
      blocks.from_step = from_step;
      blocks.to_step = to_step;
      blocks.to_outer_step = y[axis] * rows_each * to_step;
    }
    return blocks;
  }

  int64_t axis_;
};

}  // namespace

std::vector<const Tactic*> ConcatTactics() {
  static const SimpleTactic concat("cpu/concat", BoundByMemory(70), WhyNot, MakeKernel<ConcatKernel>);
  return {&concat};
}

}  // namespace slipway::cpu
