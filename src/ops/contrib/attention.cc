// Attention, MultiHeadAttention and QAttention: projections, biases and masks around the record Attention.
//
// A mask is numbers (0: not seen) or lengths; both become an addend of 0 or mask_filter_value, which is
// finite: a query that sees nothing weighs all keys as if it saw them, as in onnxruntime.
#include "ops/contrib/contrib.h"

namespace slipway {
namespace {

// What the key mask is laid out over.
struct MaskPlan {
  size_t mask;      // input
  ValueId batched;  // a value whose first axis is the batch
  ValueId length;   // queries, one i64
  ValueId total;    // keys with the past, one i64
  ValueId like;     // the addend's type
};

// true where a key is seen -> 0, else mask_filter_value.
Result<ValueId> Addend(ImportContext& context, ValueId is_seen, ValueId like) {
  const double filter = static_cast<double>(context.attrs().Float("mask_filter_value", -10000.0F));
  return context.Add("Where", {is_seen, ScalarLike(context, like, 0), ScalarLike(context, like, filter)});
}

// [B] or [2 B] lengths -> [B,1,1,T] true where start <= key < end.
Result<ValueId> SeenByLengths(ImportContext& context, const MaskPlan& plan) {
  const auto given = KnownExtent(context, context.in(plan.mask), 0);
  const auto batch = KnownExtent(context, plan.batched, 0);
  const Type& mask = context.type(context.in(plan.mask));
  // Open extents are taken for lengths: ends and starts would not broadcast to the scores, and be refused
  // then.
  const bool is_batch = !given || !batch || *given == *batch;
  const bool has_starts = !is_batch && *given == 2 * *batch;
  if (!is_batch && !has_starts) {
    return context.Unsupported("mask " + ToString(mask) + " for a batch of " + std::to_string(*batch) +
                               " is not supported");
  }
  const auto limit = [&](ValueId numbers) -> Result<ValueId> {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId wide, context.Add("Cast", {numbers}, {{"to", DType::kI64}}));
    return context.Add("Unsqueeze", {wide, context.ConstInts({1, 2, 3})});
  };
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId places,
                           context.Add("Range", {Number(context, 0), plan.total, Number(context, 1)}));
  if (is_batch) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId ends, limit(context.in(plan.mask)));
    return context.Add("Less", {places, ends});
  }
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> halves,
                           SplitInto(context, context.in(plan.mask), 0, {*batch, *batch}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId ends, limit(halves[0]));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId starts, limit(halves[1]));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId before, context.Add("Less", {places, ends}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId after, context.Add("GreaterOrEqual", {places, starts}));
  return context.Add("And", {before, after});
}

// [B,1,M,M]: the rows of the queries, the columns of all keys.
Result<ValueId> CutSquare(ImportContext& context, const MaskPlan& plan) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId first, context.Add("Sub", {plan.total, plan.length}));
  const ValueId axis = context.ConstInts({0});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId start, context.Add("Unsqueeze", {first, axis}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId end, context.Add("Unsqueeze", {plan.total, axis}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId starts,
                           context.Add("Concat", {start, context.ConstInts({0})}, {{"axis", int64_t{0}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId ends, context.Add("Concat", {end, end}, {{"axis", int64_t{0}}}));
  return context.Add("Slice", {context.in(plan.mask), starts, ends, context.ConstInts({2, 3})});
}

// What the mask adds to the scores; no value where there is no mask.
Result<ValueId> MaskAddend(ImportContext& context, const MaskPlan& plan) {
  if (!context.HasInput(plan.mask)) return kNoValue;
  SLIPWAY_ASSIGN_OR_RETURN(const size_t rank, RankOf(context, plan.mask));
  if (rank == 1) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_seen, SeenByLengths(context, plan));
    return Addend(context, is_seen, plan.like);
  }
  ValueId mask = context.in(plan.mask);
  if (rank == 4) {
    SLIPWAY_ASSIGN_OR_RETURN(mask, CutSquare(context, plan));
  } else if (rank == 2 || rank == 3) {
    SLIPWAY_ASSIGN_OR_RETURN(
        mask, context.Add("Unsqueeze", {mask, context.ConstInts(rank == 2 ? Ints{1, 2} : Ints{1})}));
  } else {
    return context.Unsupported("a mask of rank " + std::to_string(rank) + " is not supported");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_seen,
                           context.Add("Greater", {mask, ScalarLike(context, mask, 0)}));
  return Addend(context, is_seen, plan.like);
}

Attrs HeadAttrs(const ImportContext& context) {
  const int64_t heads = context.attrs().Int("num_heads");
  return {{"q_num_heads", heads},
          {"kv_num_heads", heads},
          {"scale", context.attrs().Float("scale")},
          {"is_causal", int64_t{context.attrs().Int("unidirectional") != 0}}};
}

// [2,B,N,P,D] -> two of [B,N,P,D].
Result<std::vector<ValueId>> PastOf(ImportContext& context, size_t i) {
  if (!context.HasInput(i)) return std::vector<ValueId>{kNoValue, kNoValue};
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<ValueId> halves, SplitInto(context, context.in(i), 0, {1, 1}));
  for (ValueId& half : halves) {
    SLIPWAY_ASSIGN_OR_RETURN(half, context.Add("Squeeze", {half, context.ConstInts({0})}));
  }
  return halves;
}

// Keys in all: those of `key`, [B,S,...], behind the past's, [..,P,D].
Result<ValueId> TotalLength(ImportContext& context, ValueId key, ValueId past) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId length, ExtentOf(context, key, 1));
  if (past == kNoValue) return length;
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId before, ExtentOf(context, past, 2));
  if (const Tensor* a = context.constant(length)) {
    if (const Tensor* b = context.constant(before)) {
      const int64_t sum = *a->as<int64_t>() + *b->as<int64_t>();
      return Number(context, sum);
    }
  }
  return context.Add("Add", {length, before});
}

// Extents of queries, keys and values among the columns of a projection.
Result<Ints> ProjectionExtents(const ImportContext& context, ValueId projected) {
  Ints extents = context.attrs().IntList("qkv_hidden_sizes");
  if (extents.size() == 3) return extents;
  if (!extents.empty()) return context.Error("qkv_hidden_sizes must have three entries");
  const auto columns = KnownExtent(context, projected, -1);
  if (!columns) return context.Unsupported("the weights' shape must be known");
  if (*columns % 3 != 0) return context.Error(std::to_string(*columns) + " columns do not divide by three");
  return Ints(3, *columns / 3);
}

struct SelfAttention {
  size_t mask, past, bias;  // inputs
};

// projected: [B,S,Q+K+V] -> the foreign node's outputs: y and, on request, the present [2,B,N,T,D].
Status FinishSelfAttention(ImportContext& context, ValueId projected, const SelfAttention& inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const Ints extents, ProjectionExtents(context, projected));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> qkv, SplitInto(context, projected, -1, extents));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> past, PastOf(context, inputs.past));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId length, ExtentOf(context, projected, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId total, TotalLength(context, projected, past[0]));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId mask,
                           MaskAddend(context, {inputs.mask, projected, length, total, projected}));
  SLIPWAY_ASSIGN_OR_RETURN(mask, Plus(context, mask, context.in(inputs.bias)));
  const std::vector<ValueId> operands = {qkv[0], qkv[1], qkv[2], mask, past[0], past[1]};
  if (!WantsOutput(context, 1)) return Finish(context, "Attention", operands, HeadAttrs(context), {0});
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> results,
                           AddMany(context, "Attention", operands, HeadAttrs(context), 3));
  context.Bind(0, results[0]);
  std::vector<ValueId> halves;
  for (size_t i : {size_t{1}, size_t{2}}) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId half,
                             context.Add("Unsqueeze", {results[i], context.ConstInts({0})}));
    halves.push_back(half);
  }
  return Finish(context, "Concat", halves, {{"axis", int64_t{0}}}, {1});
}

Status ImportAttention(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, "do_rotary"));
  SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, "past_present_share_buffer"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 6, "past_sequence_length"));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId projected, context.Add("MatMul", {context.in(0), context.in(1)}));
  SLIPWAY_ASSIGN_OR_RETURN(projected, Plus(context, projected, context.in(2)));
  return FinishSelfAttention(context, projected, {.mask = 3, .past = 4, .bias = 5});
}

Status ImportQAttention(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, "do_rotary"));
  SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, "past_present_share_buffer"));
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId projected,
      AddIntegerProduct(context, {context.in(0), context.in(1), context.in(3), context.in(4), context.in(6),
                                  context.in(7), context.in(2)}));
  constexpr size_t kNoBias = 99;
  return FinishSelfAttention(context, projected, {.mask = 5, .past = 8, .bias = kNoBias});
}

// [B,S,N,k,D] -> k of [B,S,N*D].
Result<std::vector<ValueId>> Unpacked(ImportContext& context, ValueId x, size_t count) {
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<ValueId> parts, SplitInto(context, x, 3, Ints(count, 1)));
  for (ValueId& part : parts) {
    SLIPWAY_ASSIGN_OR_RETURN(part, context.Add("Reshape", {part, context.ConstInts({0, 0, -1})}));
  }
  return parts;
}

// The operands of MultiHeadAttention as [B,S,N*D], biases not added yet.
struct Operands {
  ValueId q, k, v;
  bool is_projected = true;  // keys and values still lack their bias
};

Result<Operands> ReadOperands(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const size_t q_rank, RankOf(context, 0));
  if (q_rank == 5) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> parts, Unpacked(context, context.in(0), 3));
    return Operands{parts[0], parts[1], parts[2]};
  }
  if (!context.HasInput(1)) return context.Error("key is missing");
  SLIPWAY_ASSIGN_OR_RETURN(const size_t k_rank, RankOf(context, 1));
  if (k_rank == 5) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> parts, Unpacked(context, context.in(1), 2));
    return Operands{context.in(0), parts[0], parts[1]};
  }
  if (!context.HasInput(2)) return context.Error("value is missing");
  if (k_rank == 3) return Operands{context.in(0), context.in(1), context.in(2)};
  // Cached keys and values of an encoder, [B,N,S,D].
  Operands operands{context.in(0), kNoValue, kNoValue, false};
  for (size_t i : {size_t{1}, size_t{2}}) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId turned, context.Transposed(context.in(i), {0, 2, 1, 3}));
    SLIPWAY_ASSIGN_OR_RETURN((i == 1 ? operands.k : operands.v),
                             context.Add("Reshape", {turned, context.ConstInts({0, 0, -1})}));
  }
  return operands;
}

Status AddBiases(ImportContext& context, Operands& operands) {
  if (!context.HasInput(3)) return Status::Ok();
  const auto q = KnownExtent(context, operands.q, -1);
  const auto k = KnownExtent(context, operands.k, -1);
  const auto v = KnownExtent(context, operands.v, -1);
  if (!q || !k || !v) return context.Unsupported("the hidden sizes must be known to cut the bias");
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> biases,
                           SplitInto(context, context.in(3), 0, {*q, *k, *v}));
  SLIPWAY_ASSIGN_OR_RETURN(operands.q, Plus(context, operands.q, biases[0]));
  if (!operands.is_projected) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(operands.k, Plus(context, operands.k, biases[1]));
  SLIPWAY_ASSIGN_OR_RETURN(operands.v, Plus(context, operands.v, biases[2]));
  return Status::Ok();
}

Status ImportMultiHeadAttention(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 8, "past_sequence_length"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 9, "cache_indirection"));
  SLIPWAY_ASSIGN_OR_RETURN(Operands operands, ReadOperands(context));
  SLIPWAY_RETURN_IF_ERROR(AddBiases(context, operands));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId length, ExtentOf(context, operands.q, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId total, TotalLength(context, operands.k, context.in(6)));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId mask, MaskAddend(context, {4, operands.q, length, total, operands.q}));
  SLIPWAY_ASSIGN_OR_RETURN(mask, Plus(context, mask, context.in(5)));
  Attrs attrs = HeadAttrs(context);
  attrs.Set("qk_matmul_output_mode", int64_t{3});
  return Finish(context, "Attention",
                {operands.q, operands.k, operands.v, mask, context.in(6), context.in(7)}, std::move(attrs),
                {0, 1, 2, 3});
}

}  // namespace

ForeignRows ContribAttentionRows() {
  return {ContribRow("Attention", ImportAttention), ContribRow("QAttention", ImportQAttention),
          ContribRow("MultiHeadAttention", ImportMultiHeadAttention)};
}

}  // namespace slipway
