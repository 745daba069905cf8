// Tactics for f32 MatMul, Gemm and FullyConnected: gemm_f32.h on a packed right side.
//
// A constant right side is packed at Make; a computed one per call and batch into the workspace.
#include <algorithm>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/kernels/gemm/f16.h"
#include "backends/cpu/product.h"
#include "backends/cpu/tactics.h"
#include "base/pages.h"
#include "ops/infer.h"
#include "ops/nn/residual.h"

namespace slipway::cpu {
namespace {

bool IsTransposed(const Step& step, const char* a, const char* b) {
  return step.attrs().Int(a) != 0 || step.attrs().Int(b) != 0;
}

std::optional<std::string> WhyNot(const Step& step) {
  const std::string& op = step.op->name;
  const bool is_connected = op == "FullyConnected";
  if (op != "MatMul" && op != "Gemm" && !is_connected) return "not a matrix product";
  if (TypeOf(step.inputs[0]) != DType::kF32 || TypeOf(step.inputs[1]) != DType::kF32)
    return "operands are not f32";
  const Type& w = step.inputs[1]->type;
  if (!w.IsStatic()) return "the right side's shape is not static";
  if (w.rank() != 2) return "the right side is not a matrix";
  if (IsTransposed(step, "transA", "transpose_a")) return "the left side is transposed";
  const Type& a = step.inputs[0]->type;
  if (op == "MatMul" && (!a.HasRank() || a.rank() < 1)) return "the left side's rank is not known";
  if (CountOf(KnownDims(*w.shape)) == 0) return "the right side is empty";
  if (op == "Gemm" && (step.attrs().Float("alpha", 1) != 1 || step.attrs().Float("beta", 1) != 1)) {
    return "alpha or beta is not 1";
  }
  if (op == "MatMul" || !step.HasInput(2)) return std::nullopt;
  if (!IsConstantF32(step.inputs[2])) return "the addend is not constant f32";
  const Dims& c = step.inputs[2]->data.dims();
  const bool is_transposed = is_connected || IsTransposed(step, "transB", "transpose_b");
  const int64_t units = (*w.shape)[is_transposed ? 0 : 1].value();
  const bool is_row = !c.empty() && c.back() == units && CountOf(c) == units;
  if (!is_row && CountOf(c) != 1) return "the addend is not one row";
  return std::nullopt;
}

std::optional<std::string> WhyNotBf16(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (!IsConstantF32(step.inputs[1])) return "the right side is not constant";
  return WhyNoBf16();
}

[[maybe_unused]] std::optional<std::string> WhyNotF16(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (!IsConstantF32(step.inputs[1])) return "the right side is not constant";
  if (auto reason = WhyNoF16()) return reason;
  return WhyNotAsF16(step.inputs[1]->data);
}

template <Precision kPrecision>
class MatMulKernel : public Kernel {
 public:
  explicit MatMulKernel(const Step& step) {
    const Dims w = KnownDims(*step.inputs[1]->type.shape);
    is_transposed_ = step.op->name == "FullyConnected" || IsTransposed(step, "transB", "transpose_b");
    units_ = w[is_transposed_ ? 0 : 1];
    depth_ = w[is_transposed_ ? 1 : 0];
    activation_ = FusedOf(ActivationOf(step.attrs()));
    const Type& a = step.inputs[0]->type;
    is_row_per_row_ =
        a.HasRank() && a.rank() > 0 && a.shape->back().IsKnown() && a.shape->back().value() == depth_;
    is_residual_last_ =
        step.HasInput(kResidualInput) && ResidualOrderOf(step.attrs()) == ResidualOrder::kAfterActivation;
    bias_.assign(static_cast<size_t>(PanelsOf(units_) * kPanel), 0.0F);
    if (step.op->name != "MatMul" && step.HasInput(2)) {
      const Tensor& c = step.inputs[2]->data;
      for (int64_t i = 0; i < units_; ++i)
        bias_[static_cast<size_t>(i)] = c.as<float>()[c.count() == 1 ? 0 : i];
    }
    if (!step.inputs[1]->IsConstant()) return;
    weights_ = PackInput<float>(step, 1, PackedCount(units_),
                                [&](float* to) { PackAway(step.inputs[1]->data.as<float>(), to); });
  }

  int64_t WorkspaceBytes(std::span<const Type>, std::span<const Type> outputs) const override {
    if (kPrecision != Precision::kF32) return PairSharedBytes(RowsOf(outputs), depth_);
    return weights_.empty() ? PackedCount(units_) * 4 : 0;
  }
  int64_t ThreadWorkspaceBytes(std::span<const Type>, std::span<const Type> outputs) const override {
    return kPrecision != Precision::kF32 ? PairThreadBytes(RowsOf(outputs), depth_) : 0;
  }

  bool CanReadSteps(size_t input) const override {
    return (input == 0 && is_row_per_row_) || input == kResidualInput;
  }
  bool CanWriteSteps(size_t) const override { return true; }
  bool CanReadBf16(size_t input) const override {
    return kPrecision == Precision::kBf16 && (input == 0 || input == kResidualInput);
  }
  bool CanWriteBf16(size_t) const override { return kPrecision == Precision::kBf16; }

  Status Run(const KernelArgs& args) const override {
    if (args.out(0).count() == 0) return Status::Ok();
    const float* weights = weights_.data();
    if (weights_.empty()) {
      if (static_cast<int64_t>(args.workspace.size()) < PackedCount(units_) * 4) {
        return Status(Code::kInternal, "matrix product got too little workspace");
      }
      auto* packed = reinterpret_cast<float*>(args.workspace.data());
      Pack(args.in(1).as<float>(), units_, packed);
      weights = packed;
    }
    const ConstElements from(args.in(0));
    const float* a = from.words();
    GemmF32 gemm;
    gemm.a = &a;
    gemm.operands = OperandsOf(kPrecision);
    gemm.run_length = depth_;
    gemm.a_step = is_row_per_row_ ? args.in_step(0) : depth_;
    gemm.b = weights;
    gemm.columns = units_;
    gemm.c = Elements(args.out(0));
    gemm.c_step = args.out_step(0);
    gemm.epilogue.bias = bias_.data();
    gemm.epilogue.activation = activation_;
    if (args.HasInput(kResidualInput)) {
      gemm.epilogue.residual = ConstElements(args.in(kResidualInput));
      gemm.epilogue.residual_step = args.in_step(kResidualInput);
      gemm.epilogue.is_residual_last = is_residual_last_;
    }
    const int64_t rows = args.out(0).count() / units_;
    if constexpr (kPrecision != Precision::kF32)
      RunProductOfPairs(gemm, from, rows, args.workspace.data(), args);
    else
      RunProduct(gemm, rows, args.pool);
    return Status::Ok();
  }

 private:
  int64_t RowsOf(std::span<const Type> outputs) const { return CountOfType(outputs[0]) / units_; }
  int64_t PackedCount(int64_t units) const {
    return PanelsOf(units) * kPanel * (kPrecision != Precision::kF32 ? PairsOf(depth_) : depth_);
  }
  // A constant. Where units lie one behind the other, what is packed leaves memory: a network's last layer is
  // often its largest, and all of it would be there twice.
  void PackAway(const float* w, float* packed) const {
    constexpr int64_t kPieceFloats = int64_t{1} << 20;
    const int64_t panels = std::max<int64_t>(kPieceFloats / std::max<int64_t>(kPanel * depth_, 1), 1);
    const int64_t piece = is_transposed_ ? panels * kPanel : units_;
    for (int64_t first = 0; first < units_; first += piece) {
      const int64_t units = std::min(piece, units_ - first);
      Pack(w + first * depth_, units, packed + PackedCount(first));
      if (units < units_) OfferPages(w + first * depth_, static_cast<size_t>(units * depth_) * sizeof(float));
    }
  }
  void Pack(const float* w, int64_t units, float* packed) const {
    const auto pack = kPrecision == Precision::kBf16  ? PackPanelsBf16
                      : kPrecision == Precision::kF16 ? PackPanelsF16
                                                      : PackPanels;
    pack(w, units, 1, depth_, is_transposed_ ? depth_ : 1, 0, is_transposed_ ? 1 : units_, packed);
  }

  bool is_transposed_ = false;
  bool is_row_per_row_ = false;  // a row of the left side is a row of the product
  bool is_residual_last_ = false;
  int64_t units_ = 0, depth_ = 0;
  FusedActivation activation_;
  PackedArray<float> weights_;
  std::vector<float> bias_;
};

}  // namespace

std::vector<const Tactic*> MatMulTactics() {
  static const SimpleTactic f32("cpu/matmul_f32", Speed{230, 80}, WhyNot,
                                MakeKernel<MatMulKernel<Precision::kF32>>);
  static const Bf16Tactic bf16("cpu/matmul_bf16", Speed{440, 80}, WhyNotBf16,
                               MakeKernel<MatMulKernel<Precision::kBf16>>);
#ifdef SLIPWAY_RUNTIME_LIBRARY  // is for x86, which has no such products
  return {&f32, &bf16};
#else
  static const F16Tactic f16("cpu/matmul_f16", Speed{240, 80}, WhyNotF16,
                             MakeKernel<MatMulKernel<Precision::kF16>>);
  return {&f32, &bf16, &f16};
#endif
}

}  // namespace slipway::cpu
