// The tactic for Transpose.
#include "backends/cpu/transpose.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "backends/cpu/kernels/move/transpose.h"
#include "backends/cpu/tactics.h"
#include "ops/transpose_tensor.h"

namespace slipway::cpu {
namespace {

constexpr size_t kMaxRank = 8;

std::optional<std::string> WhyNotTranspose(const Step& step) {
  if (step.op->name != "Transpose") return "not a Transpose";
  const DType dtype = TypeOf(step.inputs[0]);
  const int bits = dtype == DType::kNone || dtype == DType::kString ? 0 : BitsOf(dtype);
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64) return "elements are not of 1, 2, 4 or 8 bytes";
  const Type& type = step.inputs[0]->type;
  if (!type.HasRank() || type.rank() > static_cast<int>(kMaxRank)) return "the rank is unknown or above 8";
  return std::nullopt;
}

// A permutation that makes [n...][b...][a...] of [n...][a...][b...]: the axes a begin at `first`, b at
// `split`.
struct Swap {
  size_t first, split;
};

// nullopt: it is none, or leaves all axes where they are.
std::optional<Swap> SwapOf(const Ints& perm) {
  const size_t rank = perm.size();
  size_t first = 0;
  while (first < rank && perm[first] == static_cast<int64_t>(first)) ++first;
  if (first == rank) return std::nullopt;
  const auto split = static_cast<size_t>(perm[first]);
  for (size_t i = first; i < rank; ++i) {
    const size_t want = i - first < rank - split ? split + (i - first) : first + (i - first) - (rank - split);
    if (perm[i] != static_cast<int64_t>(want)) return std::nullopt;
  }
  return Swap{first, split};
}

class TransposeKernel : public Kernel {
 public:
  explicit TransposeKernel(const Step& step)
      : perm_(PermutationOf(step.attrs(), step.inputs[0]->type.rank())), swap_(SwapOf(perm_)) {}

  // [n][c][...] to [n][...][c].
  bool MovesChannelsLast() const { return swap_ && swap_->first == 1 && swap_->split == 2; }

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (x.count() == 0) return Status::Ok();
    switch (BitsOf(x.dtype())) {
      case 8: Move<uint8_t>(x, args.out(0), args.pool); break;
      case 16: Move<uint16_t>(x, args.out(0), args.pool); break;
      case 32:
        if (swap_)
          MoveMatrices(x, args.out(0), args.pool);
        else
          Move<uint32_t>(x, args.out(0), args.pool);
        break;
      default: Move<uint64_t>(x, args.out(0), args.pool);
    }
    return Status::Ok();
  }

 private:
  // Plain matrices, one behind the other.
  void MoveMatrices(const Tensor& x, Tensor& y, ThreadPool& pool) const {
    int64_t batch = 1, rows = 1, columns = 1;
    for (size_t i = 0; i < perm_.size(); ++i)
      (i < swap_->first ? batch : i < swap_->split ? rows : columns) *= x.dims()[i];
    TransposeImages(x.as<float>(), batch, rows, columns, y.as<float>(), pool);
  }

  template <class T>
  void Move(const Tensor& x, Tensor& y, ThreadPool& pool) const {
    const size_t rank = perm_.size();
    std::array<int64_t, kMaxRank> step{};
    for (size_t i = 0; i < rank; ++i) {
      int64_t stride = 1;
      for (size_t k = static_cast<size_t>(perm_[i]) + 1; k < rank; ++k) stride *= x.dims()[k];
      step[i] = stride;
    }
    const int64_t width = rank == 0 ? 1 : y.dims().back();
    const int64_t inner = rank == 0 ? 1 : step[rank - 1];
    pool.ParallelFor(y.count() / width, std::max<int64_t>(1, 8192 / width), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        int64_t rest = row;
        int64_t from = 0;
        for (size_t i = rank > 0 ? rank - 1 : 0; i-- > 0;) {
          from += rest % y.dims()[i] * step[i];
          rest /= y.dims()[i];
        }
        const T* source = x.as<T>() + from;
        T* target = y.as<T>() + row * width;
        if (inner == 1) {
          std::memcpy(target, source, static_cast<size_t>(width) * sizeof(T));
          continue;
        }
        for (int64_t i = 0; i < width; ++i) target[i] = source[i * inner];
      }
    });
  }

  Ints perm_;
  std::optional<Swap> swap_;
};

}  // namespace

bool MovesChannelsLast(const Kernel& kernel) {
  const auto* transpose = dynamic_cast<const TransposeKernel*>(&kernel);
  return transpose != nullptr && transpose->MovesChannelsLast();
}

std::vector<const Tactic*> TransposeTactics() {
  static const SimpleTactic transpose("cpu/transpose", BoundByMemory(27), WhyNotTranspose,
                                      MakeKernel<TransposeKernel>);
  return {&transpose};
}

}  // namespace slipway::cpu
