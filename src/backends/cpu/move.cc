// Tactics that only move bytes: Reshape and kin, Transpose, nearest Resize.
#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/kernels/move/transpose.h"
#include "backends/cpu/tactics.h"
#include "ops/nn/resize.h"
#include "ops/transpose_tensor.h"

namespace slipway::cpu {
namespace {

bool IsByteSized(DType dtype) {
  return dtype != DType::kNone && dtype != DType::kString && BitsOf(dtype) % 8 == 0;
}

// ---- Reshape and kin

std::optional<std::string> WhyNotReshape(const Step& step) {
  const std::string& op = step.op->name;
  constexpr std::array kOps = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  if (std::find(kOps.begin(), kOps.end(), op) == kOps.end()) return "not a reshape";
  if (step.inputs[0]->type.kind != TypeKind::kTensor) return "not a tensor";
  if (!IsByteSized(TypeOf(step.inputs[0]))) return "elements are not whole bytes";
  return std::nullopt;
}

class ReshapeKernel : public Kernel {
 public:
  explicit ReshapeKernel(const Step&) {}
  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    if (x.count() != args.out(0).count()) return Status(Code::kInternal, "reshape to another element count");
    if (x.size_bytes() > 0) std::memcpy(args.out(0).data(), x.data(), static_cast<size_t>(x.size_bytes()));
    return Status::Ok();
  }
};

// ---- Transpose

constexpr size_t kMaxRank = 8;

std::optional<std::string> WhyNotTranspose(const Step& step) {
  if (step.op->name != "Transpose") return "not a Transpose";
  const DType dtype = TypeOf(step.inputs[0]);
  if (!IsByteSized(dtype) ||
      (BitsOf(dtype) != 8 && BitsOf(dtype) != 16 && BitsOf(dtype) != 32 && BitsOf(dtype) != 64)) {
    return "elements are not of 1, 2, 4 or 8 bytes";
  }
  const Type& type = step.inputs[0]->type;
  if (!type.HasRank() || type.rank() > static_cast<int>(kMaxRank)) return "the rank is unknown or above 8";
  return std::nullopt;
}

class TransposeKernel : public Kernel {
 public:
  explicit TransposeKernel(const Step& step)
      : perm_(PermutationOf(step.attrs(), step.inputs[0]->type.rank())) {}

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

// ---- nearest Resize of TFLite's arithmetic, channels last

std::optional<std::string> WhyNotNearest(const Step& step) {
  if (step.op->name != "Resize") return "not a Resize";
  if (step.attrs().String("mode") != "nearest") return "not nearest";
  if (step.attrs().String("arithmetic") != "tflite") return "not TFLite's arithmetic";
  if (!IsByteSized(TypeOf(step.inputs[0]))) return "elements are not whole bytes";
  const Type& in = step.inputs[0]->type;
  const Type& out = step.outputs[0]->type;
  if (!in.IsStatic() || !out.IsStatic() || in.rank() != 4) return "shapes are not static or not of rank 4";
  const Dims x = KnownDims(*in.shape);
  const Dims y = KnownDims(*out.shape);
  if (x[0] != y[0] || x[3] != y[3] || CountOf(x) == 0) return "not an image with channels last";
  return std::nullopt;
}

class NearestKernel : public Kernel {
 public:
  explicit NearestKernel(const Step& step) {
    const Dims x = KnownDims(*step.inputs[0]->type.shape);
    const Dims y = KnownDims(*step.outputs[0]->type.shape);
    for (size_t axis = 0; axis < 2; ++axis) {
      for (const ResizeTaps& tap : TfliteTaps(step.attrs(), {x[axis + 1], y[axis + 1]}))
        index_[axis].push_back(tap.index[0]);
    }
  }
  Status Run(const KernelArgs& args) const override {
    const Tensor& x = args.in(0);
    Tensor& y = args.out(0);
    const int64_t pixel = x.dim(3) * BitsOf(x.dtype()) / 8;
    const int64_t height = y.dim(1);
    const int64_t width = y.dim(2);
    if (static_cast<size_t>(height) != index_[0].size() || static_cast<size_t>(width) != index_[1].size()) {
      return Status(Code::kInternal, "resize was built for another shape");
    }
    args.pool.ParallelFor(y.dim(0) * height, 4, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t source = row / height * x.dim(1) + index_[0][static_cast<size_t>(row % height)];
        const uint8_t* from = x.as<uint8_t>() + source * x.dim(2) * pixel;
        uint8_t* to = y.as<uint8_t>() + row * width * pixel;
        for (int64_t i = 0; i < width; ++i) {
          std::memcpy(to + i * pixel, from + index_[1][static_cast<size_t>(i)] * pixel,
                      static_cast<size_t>(pixel));
        }
      }
    });
    return Status::Ok();
  }

 private:
  std::vector<int64_t> index_[2];
};

}  // namespace

std::vector<const Tactic*> MoveTactics() {
  static const SimpleTactic reshape("cpu/reshape", BoundByMemory(80), WhyNotReshape,
                                    MakeKernel<ReshapeKernel>);
  static const SimpleTactic transpose("cpu/transpose", BoundByMemory(27), WhyNotTranspose,
                                      MakeKernel<TransposeKernel>);
  static const SimpleTactic nearest("cpu/resize_nearest", BoundByMemory(35), WhyNotNearest,
                                    MakeKernel<NearestKernel>);
  return {&reshape, &transpose, &nearest};
}

}  // namespace slipway::cpu
