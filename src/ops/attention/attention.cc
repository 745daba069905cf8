// Scaled dot-product attention (Vaswani et al., 2017) with grouped heads, masks and a key/value cache, as
// ONNX's Attention-24 defines it.
//
// Follows the errata of onnx/onnx#8068: where `kv_lengths` tells how much of an outside cache is filled, the
// causal diagonal ends at the last filled key; a query that may see no key gives zeros, not NaN.
// Sums are wide: `softmax_precision` rounds only where it is given and narrow (f16, bf16).
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/attention/heads.h"
#include "ops/attention/precision.h"
#include "ops/contrib/contrib.h"
#include "ops/onnx_dtype.h"

namespace slipway {
namespace {

enum Input : size_t { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kLengths };
enum Output : size_t { kY, kPresentKey, kPresentValue, kScores };

Dim GivenHeads(const InferContext& context, const char* name) {
  const int64_t heads = context.attrs().Int(name);
  return heads == 0 ? Dim() : Dim(heads);
}

// The mask broadcasts to `target`; only its last axis may be shorter.
Status CheckMask(const InferContext& context, const DimList& target) {
  if (!context.HasInput(kMask) || !context.shape(kMask)) return Status::Ok();
  const DimList& mask = *context.shape(kMask);
  bool is_fitting = !mask.empty() && mask.size() <= target.size();
  for (size_t i = 0; is_fitting && i < mask.size(); ++i) {
    const Dim& own = mask[mask.size() - 1 - i];
    const Dim& wanted = target[target.size() - 1 - i];
    if (!own.IsKnown() || !wanted.IsKnown()) continue;
    const bool is_same = own.value() == wanted.value();
    is_fitting = is_same || (i == 0 ? own.value() < wanted.value() : own.value() == 1);
  }
  if (is_fitting) return Status::Ok();
  return context.Error("mask " + ToString(mask) + " does not broadcast to the scores " + ToString(target));
}

Status Infer(InferContext& context) {
  AttentionDims dims;
  dims.q_heads = GivenHeads(context, "q_num_heads");
  dims.kv_heads = GivenHeads(context, "kv_num_heads");
  Dim past = context.HasInput(kPastKey) ? Dim() : Dim(0);
  if (context.HasInput(kPastKey) != context.HasInput(kPastValue)) {
    return context.Error("past_key and past_value must be given together");
  }
  if (context.shape(kQuery) && context.shape(kKey) && context.shape(kValue) &&
      (context.shape(kQuery)->size() != context.shape(kKey)->size() ||
       context.shape(kQuery)->size() != context.shape(kValue)->size())) {
    return context.Error("query, key and value must all have rank 3 or all have rank 4");
  }
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kQuery, dims.batch, dims.q_heads, dims.q_length, dims.head));
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kKey, dims.batch, dims.kv_heads, dims.kv_length, dims.head));
  SLIPWAY_RETURN_IF_ERROR(
      SettleHeads(context, kValue, dims.batch, dims.kv_heads, dims.kv_length, dims.v_head));
  if (context.HasInput(kPastKey)) {
    for (const size_t i : {size_t{kPastKey}, size_t{kPastValue}}) {
      if (context.shape(i) && context.shape(i)->size() != 4) {
        return context.Error(context.op().inputs[i].name + " is " + ToString(context.input(i)) +
                             "; it must have rank 4");
      }
    }
    SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kPastKey, dims.batch, dims.kv_heads, past, dims.head));
    SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kPastValue, dims.batch, dims.kv_heads, past, dims.v_head));
  }
  SLIPWAY_RETURN_IF_ERROR(CheckGroups(context, dims.q_heads, dims.kv_heads));
  const Dim total = past + dims.kv_length;
  const DimList scores = {dims.batch, dims.q_heads, dims.q_length, total};
  SLIPWAY_RETURN_IF_ERROR(CheckMask(context, scores));
  if (context.HasInput(kLengths) && context.shape(kLengths)) {
    if (context.shape(kLengths)->size() != 1) return context.Error("kv_lengths must have rank 1");
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the batch", dims.batch, (*context.shape(kLengths))[0]));
  }
  const DType dtype = context.dtype(kQuery);
  if (!context.shape(kQuery)) {
    context.SetOutput(kY, Type::OfUnknownShape(dtype));
  } else if (context.shape(kQuery)->size() == 4) {
    context.SetOutput(kY, dtype, {dims.batch, dims.q_heads, dims.q_length, dims.v_head});
  } else {
    context.SetOutput(kY, dtype, {dims.batch, dims.q_length, dims.q_heads * dims.v_head});
  }
  const auto set = [&](size_t i, DType type, DimList shape) {
    if (i < context.num_outputs()) context.SetOutput(i, type, std::move(shape));
  };
  set(kPresentKey, context.dtype(kKey), {dims.batch, dims.kv_heads, total, dims.head});
  set(kPresentValue, context.dtype(kValue), {dims.batch, dims.kv_heads, total, dims.v_head});
  set(kScores, dtype, scores);
  return Status::Ok();
}

// What is added to the scores; absent: zero. Behind the mask's end: -infinity.
class Mask {
 public:
  explicit Mask(const Tensor* mask) : mask_(mask) {
    if (mask == nullptr) return;
    extent_ = mask->dim(-1);
    int64_t stride = extent_;
    for (int axis = 0; axis < 3; ++axis) {
      const int own = mask->rank() - 2 - axis;
      if (own < 0) break;
      strides_[2 - axis] = mask->dim(own) == 1 ? 0 : stride;
      stride *= mask->dim(own);
    }
  }
  double At(int64_t b, int64_t h, int64_t i, int64_t j) const {
    if (mask_ == nullptr) return 0;
    if (j >= extent_) return -INFINITY;
    const double value =
        LoadReal(mask_->dtype(), mask_->data(), b * strides_[0] + h * strides_[1] + i * strides_[2] + j);
    if (mask_->dtype() != DType::kBool) return value;
    return value != 0 ? 0 : -INFINITY;
  }

 private:
  const Tensor* mask_;
  int64_t extent_ = 0;
  int64_t strides_[3] = {0, 0, 0};
};

enum class Stage { kProduct, kSoftCapped, kMasked, kProbabilities };  // what the fourth output shows

struct Call {
  Heads q, k, v;
  double scale = 1;
  double cap = 0;
  DType precision = DType::kF64;
  Stage shown = Stage::kProduct;
};

// Keys that batch b's queries may see at all, and the offset of its causal diagonal.
struct Reach {
  int64_t filled;
  int64_t diagonal;
};

Result<Reach> ReachOf(const RunContext& context, const Call& call, int64_t b) {
  const int64_t total = call.k.length();
  const int64_t past = context.HasInput(kPastKey) ? context.in(kPastKey).dim(2) : 0;
  Reach reach{total, total};
  if (context.HasInput(kLengths)) {
    const Tensor& lengths = context.in(kLengths);
    reach.filled = LoadInt(lengths.dtype(), lengths.data(), b);
    if (reach.filled < 0 || reach.filled > total) {
      return context.Error("kv_lengths has " + std::to_string(reach.filled) + "; there are " +
                           std::to_string(total) + " keys");
    }
  }
  if (context.attrs().Int("is_causal") == 0) return reach;
  const bool is_outside_cache = context.HasInput(kLengths) && !context.HasInput(kPastKey);
  reach.diagonal = is_outside_cache ? reach.filled - call.q.length() : past;
  return reach;
}

void StoreRow(Tensor& scores, const std::vector<double>& row, int64_t at) {
  for (size_t j = 0; j < row.size(); ++j) {
    StoreReal(scores.dtype(), scores.data(), at * static_cast<int64_t>(row.size()) + static_cast<int64_t>(j),
              row[j]);
  }
}

// The row of query (b, h, i): scores to probabilities, shown on the way.
std::vector<double> Probabilities(const RunContext& context, const Call& call, const Mask& mask,
                                  const Reach& reach, int64_t b, int64_t h, int64_t i) {
  const int64_t group = call.q.heads() / call.k.heads();
  const int64_t row = (b * call.q.heads() + h) * call.q.length() + i;
  const auto show = [&](Stage stage, const std::vector<double>& scores) {
    if (call.shown == stage && context.HasOutput(kScores)) StoreRow(context.out(kScores), scores, row);
  };
  std::vector<double> scores(static_cast<size_t>(call.k.length()));
  for (size_t j = 0; j < scores.size(); ++j) {
    scores[j] =
        call.scale * Dot(call.q.at(b, h, i), call.k.at(b, h / group, static_cast<int64_t>(j)), call.q.size());
  }
  show(Stage::kProduct, scores);
  for (double& score : scores) score = SoftCapped(score, call.cap);
  show(Stage::kSoftCapped, scores);
  for (int64_t j = 0; j < call.k.length(); ++j) {
    const bool is_seen = j < reach.filled && j <= i + reach.diagonal;
    const double added = is_seen ? mask.At(b, h, i, j) : -INFINITY;
    double& score = scores[static_cast<size_t>(j)];
    score = added == -INFINITY ? added : score + added;  // even where the score is NaN
  }
  show(Stage::kMasked, scores);
  SoftmaxRow(scores, call.precision);
  show(Stage::kProbabilities, scores);
  return scores;
}

Call ReadCall(const RunContext& context) {
  const Attrs& attrs = context.attrs();
  Call call;
  call.q = Heads(context.in(kQuery), attrs.Int("q_num_heads"));
  call.k = Heads(context.in(kKey), attrs.Int("kv_num_heads"));
  call.v = Heads(context.in(kValue), attrs.Int("kv_num_heads"));
  if (context.HasInput(kPastKey)) {
    call.k = Heads::Joined(Heads(context.in(kPastKey), 0), call.k);
    call.v = Heads::Joined(Heads(context.in(kPastValue), 0), call.v);
  }
  call.scale = ScaleOr(attrs.Float("scale"), call.q.size());
  call.cap = static_cast<double>(attrs.Float("softcap"));
  call.precision = attrs.Type("softmax_precision", DType::kF64);
  call.shown = static_cast<Stage>(attrs.Int("qk_matmul_output_mode"));
  return call;
}

Status Reference(RunContext& context) {
  const Call call = ReadCall(context);
  const Mask mask(context.HasInput(kMask) ? &context.in(kMask) : nullptr);
  Heads y(call.q.batch(), call.q.heads(), call.q.length(), call.v.size());
  for (int64_t b = 0; b < y.batch(); ++b) {
    SLIPWAY_ASSIGN_OR_RETURN(const Reach reach, ReachOf(context, call, b));
    for (int64_t h = 0; h < y.heads(); ++h) {
      for (int64_t i = 0; i < y.length(); ++i) {
        const std::vector<double> weights = Probabilities(context, call, mask, reach, b, h, i);
        WeighRows(weights, call.v, b, h / (call.q.heads() / call.k.heads()), y.at(b, h, i));
      }
    }
  }
  y.StoreTo(context.out(kY));
  if (context.HasOutput(kPresentKey)) call.k.StoreTo(context.out(kPresentKey));
  if (context.HasOutput(kPresentValue)) call.v.StoreTo(context.out(kPresentValue));
  return Status::Ok();
}

Status Import(ImportContext& context) {
  const int64_t mode = context.attrs().Int("qk_matmul_output_mode");
  if (mode < 0 || mode > 3) {
    return context.Error("qk_matmul_output_mode is " + std::to_string(mode) + "; it must be 0 to 3");
  }
  SLIPWAY_ASSIGN_OR_RETURN(Attrs attrs, SoftmaxPrecision(context));
  return context.EmitSame(std::move(attrs));
}

std::vector<TestCase> Cases() {
  const auto x = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
  const TestInput absent{.is_absent = true};
  const TestInput mask{.dtype = DType::kBool, .dims = {4, 6}, .low = 0, .high = 1.99};
  const auto heads = [](int64_t q, int64_t kv) { return Attrs{{"q_num_heads", q}, {"kv_num_heads", kv}}; };
  return {
      {"apart", {x({2, 3, 4, 8}), x({2, 3, 6, 8}), x({2, 3, 6, 10})}, {}},
      {"packed", {x({2, 4, 24}), x({2, 6, 24}), x({2, 6, 30})}, heads(3, 3)},
      {"grouped", {x({1, 9, 4, 5}), x({1, 3, 6, 5}), x({1, 3, 6, 5})}, {{"is_causal", int64_t{1}}}},
      {"masked", {x({2, 3, 4, 8}), x({2, 3, 6, 8}), x({2, 3, 6, 8}), mask}, {{"softcap", 2.0F}}},
      {"long",
       {x({1, 37, 60}), x({1, 133, 60}), x({1, 133, 51}), TestInput{.dims = {1, 1, 1, 133}}},
       heads(3, 3)},
      {"long_causal", {x({1, 2, 41, 16}), x({1, 2, 41, 16}), x({1, 2, 41, 16})}, {{"is_causal", int64_t{1}}}},
      {"past",
       {x({1, 4, 12}), x({1, 2, 6}), x({1, 2, 6}), absent, x({1, 2, 3, 3}), x({1, 2, 3, 3})},
       {{"q_num_heads", int64_t{4}}, {"kv_num_heads", int64_t{2}}, {"is_causal", int64_t{1}}},
       4},
      {"filled",
       {x({2, 2, 3, 4}), x({2, 2, 7, 4}), x({2, 2, 7, 4}), absent, absent, absent,
        TestInput{.dtype = DType::kI64, .dims = {2}, .values = {5, 7}}},
       {{"is_causal", int64_t{1}}}},
  };
}

}  // namespace

Result<Attrs> SoftmaxPrecision(const ImportContext& context) {
  const int64_t type = context.attrs().Int("softmax_precision");
  if (type == 0) return Attrs{};
  const auto dtype = DTypeFromOnnx(type);
  if (!dtype || !kFloats.Has(*dtype)) {
    return context.Error("softmax_precision " + std::to_string(type) + " is no type of floats");
  }
  return Attrs{{"softmax_precision", *dtype}};
}

OpDef MakeAttention() {
  OpDef op;
  op.name = "Attention";
  op.group = "attention";
  op.summary = "Scaled dot-product attention with grouped heads, masks and a key/value cache.";
  op.formula = "y = softmax(softcap(scale * q x k^T) + mask) x v";
  op.inputs = {
      {"query", kFloats, "[B,q_heads,L,D], or packed [B,L,q_heads*D]"},
      {"key", kFloats, "[B,kv_heads,S,D], or packed [B,S,kv_heads*D]"},
      {"value", kFloats, "[B,kv_heads,S,E], or packed [B,S,kv_heads*E]"},
      {"mask", kFloats | kBools,
       "broadcasts to [B,q_heads,L,P+S]: added, or true where a key is seen; "
       "shorter along the last axis: the rest is not seen",
       Arity::kOptional},
      {"past_key", kFloats, "[B,kv_heads,P,D], stands before key", Arity::kOptional},
      {"past_value", kFloats, "[B,kv_heads,P,E], stands before value", Arity::kOptional},
      {"kv_lengths", kIndices, "[B]: how many keys are filled; the others are not seen", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "as query, with E in D's place"},
                {"present_key", kFloats, "[B,kv_heads,P+S,D]", Arity::kOptional},
                {"present_value", kFloats, "[B,kv_heads,P+S,E]", Arity::kOptional},
                {"scores", kFloats, "[B,q_heads,L,P+S], see qk_matmul_output_mode", Arity::kOptional}};
  op.attrs = {
      IntAttr("q_num_heads", 0, "needed for packed operands"),
      IntAttr("kv_num_heads", 0, "needed for packed operands"),
      FloatAttr("scale", 0, "of the scores; 0: 1/sqrt(D)"),
      FloatAttr("softcap", 0, "scores become softcap * tanh(score / softcap); 0: as they are"),
      IntAttr("is_causal", 0, "1: query i sees the keys up to P + i (kv_lengths: up to its own place)"),
      IntAttr("qk_matmul_output_mode", 0,
              "scores shows 0: the scaled product, 1: after softcap, 2: after the mask, 3: the weights"),
      DTypeAttr("softmax_precision", DType::kNone, "the softmax rounds to it; absent: exact")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const auto& key = context.shape(kKey);
    if (!key || key->size() < 3 || !(*key)[key->size() - 2].IsKnown()) return 0.0;
    return 4 * context.CountOfInput(kQuery) * static_cast<double>((*key)[key->size() - 2].value());
  };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "Attention", 23, INT_MAX, Import}};
  for (ForeignRow& row : ContribAttentionRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
