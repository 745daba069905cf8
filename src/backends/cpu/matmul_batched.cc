// Tactic for f32 MatMul of two computed operands of any rank: products of attention that nobody fused, of
// relative positions, of batches of matrices. Each right side is packed once, by the thread that multiplies.
#include <algorithm>
#include <array>

#include "backends/cpu/broadcast.h"
#include "backends/cpu/product.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

constexpr int kMaxRank = 8;

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "MatMul") return "not a MatMul";
  for (int i = 0; i < 2; ++i) {
    if (TypeOf(step.inputs[i]) != DType::kF32) return "operands are not f32";
    const Type& type = step.inputs[i]->type;
    if (!type.HasRank() || type.rank() > kMaxRank) return "a rank is unknown or above 8";
  }
  return std::nullopt;
}

// Rows and columns as they lie; a vector counts as one row (left) or one column (right).
struct Side {
  int64_t rows = 1, columns = 1;
};
Side SideOf(const Dims& dims, bool is_left) {
  Side side;
  if (dims.size() < 2) {
    (is_left ? side.columns : side.rows) = dims.empty() ? 1 : dims[0];
    return side;
  }
  side.rows = dims[dims.size() - 2];
  side.columns = dims.back();
  return side;
}

std::span<const int64_t> BatchOf(const Dims& dims) {
  return std::span<const int64_t>(dims).first(dims.size() < 2 ? 0 : dims.size() - 2);
}

class BatchedMatMulKernel : public Kernel {
 public:
  explicit BatchedMatMulKernel(const Step& step)
      : turns_a_(step.attrs().Int("transpose_a") != 0 && step.inputs[0]->type.rank() > 1),
        turns_b_(step.attrs().Int("transpose_b") != 0 && step.inputs[1]->type.rank() > 1) {}

  int64_t ThreadWorkspaceBytes(std::span<const Type> inputs, std::span<const Type>) const override {
    if (!inputs[0].IsStatic() || !inputs[1].IsStatic()) return 0;
    return 4 * ScratchOf(KnownDims(*inputs[0].shape), KnownDims(*inputs[1].shape)).total();
  }

  Status Run(const KernelArgs& args) const override {
    Tensor& y = args.out(0);
    if (y.count() == 0) return Status::Ok();
    const Call call(*this, args);
    if (call.k == 0) {
      std::fill_n(y.as<float>(), y.count(), 0.0F);
      return Status::Ok();
    }
    // Few matrices: threads also share out rows, and each packs the right side.
    const int64_t threads = args.pool.num_threads();
    const int64_t parts =
        call.batches >= 2 * threads ? 1 : std::min(threads, DivideUp(call.m, 4 * GemmF32TileRows()));
    const int64_t rows = RoundUp(DivideUp(call.m, parts), GemmF32TileRows());
    const int64_t grain = GrainOf(rows * call.k * call.n);
    args.pool.ParallelFor(call.batches * parts, grain, [&](int64_t begin, int64_t end) {
      auto* scratch = reinterpret_cast<float*>(args.ThreadWorkspace().data());
      int64_t packed = -1;  // the right side that lies in the scratch
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task % parts * rows;
        if (first < call.m)
          RunRows(call, task / parts, first, std::min(first + rows, call.m), scratch, packed);
      }
    });
    return Status::Ok();
  }

 private:
  // Of a thread, in floats: the packed right side, and the left one where it must be turned.
  struct Scratch {
    int64_t b = 0, a = 0;
    int64_t total() const { return b + a; }
  };
  struct Sizes {
    int64_t m, n, k;
  };
  Sizes SizesOf(const Dims& a_dims, const Dims& b_dims) const {
    const Side a = SideOf(a_dims, true);
    const Side b = SideOf(b_dims, false);
    return {turns_a_ ? a.columns : a.rows, turns_b_ ? b.rows : b.columns, turns_a_ ? a.rows : a.columns};
  }
  Scratch ScratchOf(const Dims& a, const Dims& b) const {
    const auto [m, n, k] = SizesOf(a, b);
    return {RoundUp(PanelsOf(n) * kPanel * k, 16), turns_a_ ? RoundUp(m * k, 16) : 0};
  }

  struct Call {
    Call(const BatchedMatMulKernel& kernel, const KernelArgs& args)
        : a(args.in(0).as<float>()),
          b(args.in(1).as<float>()),
          y(args.out(0).as<float>()),
          a_batch(BatchOf(args.in(0).dims())),
          b_batch(BatchOf(args.in(1).dims())),
          scratch(kernel.ScratchOf(args.in(0).dims(), args.in(1).dims())) {
      const Sizes sizes = kernel.SizesOf(args.in(0).dims(), args.in(1).dims());
      m = sizes.m;
      n = sizes.n;
      k = sizes.k;
      batches = args.out(0).count() / (m * n);
      rank = std::max(a_batch.size(), b_batch.size());
      for (size_t i = 0; i < rank; ++i) {
        const auto of = [&](std::span<const int64_t> own) {
          return i < own.size() ? own[own.size() - 1 - i] : 1;
        };
        batch[rank - 1 - i] = of(a_batch) == 1 ? of(b_batch) : of(a_batch);
      }
    }
    std::span<const int64_t> shape() const { return {batch.data(), rank}; }

    const float* a;
    const float* b;
    float* y;
    std::span<const int64_t> a_batch, b_batch;
    Scratch scratch;
    int64_t m = 1, n = 1, k = 1, batches = 1;
    size_t rank = 0;
    std::array<int64_t, kMaxRank> batch{};
  };

  void RunRows(const Call& call, int64_t index, int64_t begin, int64_t end, float* scratch,
               int64_t& packed) const {
    const int64_t b_at = BroadcastAt(index, call.shape(), call.b_batch);
    if (packed != b_at) {
      PackPanels(call.b + b_at * call.k * call.n, call.n, 1, call.k, turns_b_ ? call.k : 1, 0,
                 turns_b_ ? 1 : call.n, scratch);
      packed = b_at;
    }
    const float* a = call.a + BroadcastAt(index, call.shape(), call.a_batch) * call.m * call.k;
    GemmF32 gemm;
    gemm.run_length = gemm.a_step = call.k;
    if (turns_a_) {
      float* rows = scratch + call.scratch.b;
      for (int64_t k = 0; k < call.k; ++k) {
        for (int64_t i = begin; i < end; ++i) rows[(i - begin) * call.k + k] = a[k * call.m + i];
      }
      a = rows;
    } else {
      a += begin * call.k;
    }
    gemm.a = &a;
    gemm.b = scratch;
    gemm.columns = call.n;
    gemm.c = call.y + (index * call.m + begin) * call.n;
    gemm.c_step = call.n;
    RunGemmF32(gemm, end - begin, 0, PanelsOf(call.n));
  }

  bool turns_a_, turns_b_;
};

}  // namespace

std::vector<const Tactic*> BatchedMatMulTactics() {
  // A matrix on the right that all batches share is cpu/matmul_f32's.
  static const SimpleTactic batched("cpu/matmul_batched_f32", Speed{120, 40, 0.5}, WhyNot,
                                    MakeKernel<BatchedMatMulKernel>);
  return {&batched};
}

}  // namespace slipway::cpu
