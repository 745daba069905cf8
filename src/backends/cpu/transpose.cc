// The tactic for Transpose.
#include "backends/cpu/transpose.h"

#include <algorithm>
#include <array>
#include <cstring>

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

class TransposeKernel : public Kernel {
 public:
  explicit TransposeKernel(const Step& step)
      : perm_(PermutationOf(step.attrs(), step.inputs[0]->type.rank())) {}

  // [n][c][...] to [n][...][c].
  bool MovesChannelsLast() const {
    const size_t rank = perm_.size();
    if (rank < 3 || perm_[0] != 0 || perm_[rank - 1] != 1) return false;
    for (size_t i = 1; i + 1 < rank; ++i)
      if (perm_[i] != static_cast<int64_t>(i) + 1) return false;
    return true;
  }

  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (x.count() == 0) return Status::Ok();
    switch (BitsOf(x.dtype())) {
      case 8: Move<uint8_t>(x, args.out(0), args.pool); break;
      case 16: Move<uint16_t>(x, args.out(0), args.pool); break;
      case 32:
        if (!MoveMatrices(x, args.out(0), args.pool)) Move<uint32_t>(x, args.out(0), args.pool);
        break;
      default: Move<uint64_t>(x, args.out(0), args.pool);
    }
    return Status::Ok();
  }

 private:
  // [n][a...][b...] to [n][b...][a...]: plain matrices.
  bool MoveMatrices(const Tensor& x, Tensor& y, ThreadPool& pool) const {
    size_t first = 0;
    while (first < perm_.size() && perm_[first] == static_cast<int64_t>(first)) ++first;
    if (first == perm_.size()) return false;
    const size_t rank = perm_.size();
    const auto split = static_cast<size_t>(perm_[first]);
    for (size_t i = first; i < rank; ++i) {
      const size_t want =
          i - first < rank - split ? split + (i - first) : first + (i - first) - (rank - split);
      if (perm_[i] != static_cast<int64_t>(want)) return false;
    }
    int64_t batch = 1;
    int64_t rows = 1;
    int64_t columns = 1;
    for (size_t i = 0; i < rank; ++i) (i < first ? batch : i < split ? rows : columns) *= x.dims()[i];
    TransposeImages(x.as<float>(), batch, rows, columns, y.as<float>(), pool);
    return true;
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
