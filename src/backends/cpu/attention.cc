// Tactics for f32 Attention, with a cache of keys and values or without: by products of f32 or of bf16.
#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/attention/attention_f32.h"
#include "backends/cpu/kernels/gemm/bf16.h"
#include "backends/cpu/tactics.h"
#include "base/round_up.h"

namespace slipway::cpu {
namespace {

enum Input : size_t { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kLengths };
enum Output : size_t { kY, kPresentKey, kPresentValue, kScores };

bool IsOfRank(const Value* value, int low, int high) {
  return value->type.HasRank() && value->type.rank() >= low && value->type.rank() <= high;
}

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Attention") return "not an Attention";
  for (size_t i = kQuery; i <= kValue; ++i) {
    if (TypeOf(step.inputs[i]) != DType::kF32) return "operands are not f32";
    if (!IsOfRank(step.inputs[i], 3, 4)) return "an operand's rank is not known";
  }
  if (step.HasInput(kMask)) {
    const DType mask = TypeOf(step.inputs[kMask]);
    if (mask != DType::kF32 && mask != DType::kBool) return "the mask is neither f32 nor bool";
    if (!IsOfRank(step.inputs[kMask], 1, 4)) return "the mask's rank is not known";
  }
  if (step.HasInput(kLengths)) return "how much of the cache is filled is an input";
  const auto has_output = [&](size_t i) { return i < step.outputs.size() && step.outputs[i] != nullptr; };
  if (has_output(kScores)) return "the scores are wanted";
  if (!step.HasInput(kPastKey)) {
    if (has_output(kPresentKey) || has_output(kPresentValue)) return "there is no cache to go on with";
  } else {
    if (TypeOf(step.inputs[kPastKey]) != DType::kF32 || TypeOf(step.inputs[kPastValue]) != DType::kF32)
      return "the cache is not f32";
    if (!has_output(kPresentKey) || !has_output(kPresentValue)) return "the longer cache is no output";
  }
  const DType precision = step.attrs().Type("softmax_precision", DType::kNone);
  if (precision != DType::kNone && precision != DType::kF32) return "the softmax rounds to another type";
  return std::nullopt;
}

std::optional<std::string> WhyNotBf16(const Step& step) {
  if (auto reason = WhyNot(step)) return reason;
  if (step.HasInput(kPastKey)) return "keys and values come from a cache";
  return WhyNoBf16();
}

// A rank-3 operand is packed, [B,L,heads*D], its rows `step` apart; a rank-4 one [B,heads,L,D], dense.
template <class T>
HeadView<T> ViewHeads(T data, const Dims& dims, int64_t heads, int64_t step) {
  if (dims.size() == 3) return {data, dims[1] * step, dims[2] / heads, step};
  return {data, dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3]};
}

template <Precision kPrecision>
class AttentionKernel : public Kernel {
 public:
  explicit AttentionKernel(const Step& step)
      : q_heads_(step.attrs().Int("q_num_heads")),
        kv_heads_(step.attrs().Int("kv_num_heads")),
        scale_(step.attrs().Float("scale")),
        softcap_(step.attrs().Float("softcap")),
        is_causal_(step.attrs().Int("is_causal") != 0),
        is_packed_(step.inputs[kQuery]->type.rank() == 3),
        has_past_(step.HasInput(kPastKey)) {}

  bool CanReadSteps(size_t input) const override { return is_packed_ && input <= kValue; }
  bool CanWriteSteps(size_t output) const override { return is_packed_ && output == kY; }
  bool CanReadBf16(size_t input) const override { return kPrecision == Precision::kBf16 && input <= kValue; }
  bool CanWriteBf16(size_t) const override { return kPrecision == Precision::kBf16; }

  int64_t ThreadWorkspaceBytes(std::span<const Type> inputs, std::span<const Type>) const override {
    if (!inputs[kQuery].IsStatic() || !inputs[kKey].IsStatic() || !inputs[kValue].IsStatic()) return 0;
    AttentionF32 a = SizesOf(KnownDims(*inputs[kQuery].shape), KnownDims(*inputs[kKey].shape),
                             KnownDims(*inputs[kValue].shape));
    if (has_past_) {
      if (!inputs[kPastKey].IsStatic()) return 0;
      a.kv_length += KnownDims(*inputs[kPastKey].shape)[2];
    }
    return AttentionScratchBytes(a);
  }

  Status Run(const KernelArgs& args) const override {
    AttentionF32 a = SizesOf(args.in(kQuery).dims(), args.in(kKey).dims(), args.in(kValue).dims());
    a.q = ViewHeads(ConstElements(args.in(kQuery)), args.in(kQuery).dims(), a.q_heads, args.in_step(kQuery));
    a.k = ViewHeads(ConstElements(args.in(kKey)), args.in(kKey).dims(), a.kv_heads, args.in_step(kKey));
    a.v = ViewHeads(ConstElements(args.in(kValue)), args.in(kValue).dims(), a.kv_heads, args.in_step(kValue));
    a.y = ViewHeads(Elements(args.out(0)), args.out(0).dims(), a.q_heads, args.out_step(0));
    if (args.HasInput(kMask)) a.mask = ViewMask(args.in(kMask));
    if (has_past_) {
      a.past_length = args.in(kPastKey).dim(2);
      a.kv_length += a.past_length;
      a.k = Extend(args.in(kPastKey), a.k, args.out(kPresentKey), args.pool);
      a.v = Extend(args.in(kPastValue), a.v, args.out(kPresentValue), args.pool);
    }
    if (args.out(0).count() == 0) return Status::Ok();
    // Few heads: threads also share out rows, and pack the keys twice.
    const int64_t heads = a.batch * a.q_heads;
    const int64_t threads = args.pool.num_threads();
    const int64_t parts = heads >= 2 * threads ? 1 : std::min<int64_t>(2 * threads, DivideUp(a.q_length, 12));
    const int64_t rows = DivideUp(a.q_length, parts);
    args.pool.ParallelFor(heads * parts, 1, [&](int64_t begin, int64_t end) {
      auto* scratch = reinterpret_cast<float*>(args.ThreadWorkspace().data());
      for (int64_t task = begin; task < end; ++task) {
        const int64_t head = task / parts;
        const int64_t row = task % parts * rows;
        if (row >= a.q_length) continue;
        RunAttentionF32(a, head / a.q_heads, head % a.q_heads, row, std::min(row + rows, a.q_length),
                        scratch);
      }
    });
    return Status::Ok();
  }

 private:
  AttentionF32 SizesOf(const Dims& q, const Dims& k, const Dims& v) const {
    AttentionF32 a;
    a.is_bf16 = kPrecision == Precision::kBf16;
    const bool is_packed = q.size() == 3;
    a.batch = q[0];
    a.q_heads = is_packed ? q_heads_ : q[1];
    a.kv_heads = is_packed ? kv_heads_ : k[1];
    a.q_length = is_packed ? q[1] : q[2];
    a.kv_length = is_packed ? k[1] : k[2];
    a.head_size = is_packed ? q[2] / a.q_heads : q[3];
    a.value_size = is_packed ? v[2] / a.kv_heads : v[3];
    a.scale = scale_ != 0 ? scale_ : static_cast<float>(1 / std::sqrt(static_cast<double>(a.head_size)));
    a.softcap = softcap_;
    a.is_causal = is_causal_;
    return a;
  }

  // present = past with `added` behind it, [B,heads,P+S,D]; where that lies.
  static HeadView<ConstElements> Extend(const Tensor& past, const HeadView<ConstElements>& added,
                                        Tensor& present, ThreadPool& pool) {
    const int64_t heads = present.dim(1), length = present.dim(2), size = present.dim(3);
    const int64_t past_length = past.dim(2);
    pool.ParallelFor(present.dim(0) * heads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float* to = present.as<float>() + i * length * size;
        to = std::copy_n(past.as<float>() + i * past_length * size, past_length * size, to);
        for (int64_t l = 0; l < length - past_length; ++l)
          to = std::copy_n(added.at(i / heads, i % heads, l).floats(), size, to);
      }
    });
    return {ConstElements(present), heads * length * size, length * size, size};
  }

  // An axis of extent 1, or one that is not there, is the same for all.
  static AttentionMask ViewMask(const Tensor& tensor) {
    AttentionMask mask;
    if (tensor.dtype() == DType::kBool)
      mask.seen = tensor.as<uint8_t>();
    else
      mask.added = tensor.as<float>();
    mask.extent = tensor.dim(-1);
    int64_t stride = mask.extent;
    for (int64_t* step : {&mask.row, &mask.head, &mask.batch}) {
      const int axis = tensor.rank() - 2 - (step == &mask.row ? 0 : step == &mask.head ? 1 : 2);
      if (axis < 0) break;
      *step = tensor.dim(axis) == 1 ? 0 : stride;
      stride *= tensor.dim(axis);
    }
    return mask;
  }

  int64_t q_heads_, kv_heads_;
  float scale_, softcap_;
  bool is_causal_, is_packed_, has_past_;
};

// Weights are rounded between the two products, whatever the operands are.
class AttentionBf16Tactic : public Bf16Tactic {
 public:
  using Bf16Tactic::Bf16Tactic;
  double RelativeError() const override { return 2 * kBf16Error; }
};

}  // namespace

std::vector<const Tactic*> AttentionTactics() {
  static const SimpleTactic f32("cpu/attention_f32", Speed{160, 60}, WhyNot,
                                MakeKernel<AttentionKernel<Precision::kF32>>);
  static const AttentionBf16Tactic bf16("cpu/attention_bf16", Speed{260, 60}, WhyNotBf16,
                                        MakeKernel<AttentionKernel<Precision::kBf16>>);
  return {&f32, &bf16};
}

}  // namespace slipway::cpu
