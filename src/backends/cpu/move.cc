// Tactics that only move bytes: Reshape and kin, nearest Resize.
#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/tactics.h"
#include "ops/nn/resize.h"

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
  static const SimpleTactic nearest("cpu/resize_nearest", BoundByMemory(35), WhyNotNearest,
                                    MakeKernel<NearestKernel>);
  return {&reshape, &nearest};
}

}  // namespace slipway::cpu
