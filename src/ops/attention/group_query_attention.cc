// onnxruntime's GroupQueryAttention: grouped heads over a cache whose filling differs from sequence to
// sequence of a batch, with rotary embedding, local windows and sinks.
//
// Sequence b has T = seqlens[b] + 1 keys in all. In a prompt (as many queries as total_length) nothing is
// cached before; later the L new keys stand behind the T - L cached ones. Query i stands at its key's place
// and sees the keys up to itself, at most `local_window_size` of them. A sink is one more score whose weight
// goes nowhere (Xiao et al., 2023). Left out: quantised and shared caches, query_seqlens, norms of q and k.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/attention/heads.h"
#include "ops/attention/rotate.h"
#include "ops/contrib/contrib.h"

namespace slipway {
namespace {

enum Input : size_t {
  kQuery,
  kKey,
  kValue,
  kPastKey,
  kPastValue,
  kSeqLens,
  kTotal,
  kCos,
  kSin,
  kPositions,
  kBias,
  kSink
};

Status CheckVector(const InferContext& context, size_t i, const Dim& length) {
  if (!context.HasInput(i) || !context.shape(i)) return Status::Ok();
  const DimList& shape = *context.shape(i);
  const bool is_column = shape.size() == 2 && shape[1] == Dim(1);  // some exporters write [B,1]
  if (shape.size() != 1 && !is_column) {
    return context.Error(context.op().inputs[i].name + " " + ToString(shape) + " must have rank 1");
  }
  Dim known = length;
  return Settle(context, context.op().inputs[i].name.c_str(), known, shape[0]);
}

Status CheckRotary(const InferContext& context, const AttentionDims& dims) {
  if (context.attrs().Int("do_rotary") == 0) return Status::Ok();
  if (!context.HasInput(kCos) || !context.HasInput(kSin)) {
    return context.Error("do_rotary needs the tables of cosines and sines");
  }
  if (!context.shape(kCos) || !context.shape(kSin)) return Status::Ok();
  const DimList& table = *context.shape(kCos);
  if (table.size() != 2 || context.shape(kSin)->size() != 2)
    return context.Error("the tables must have rank 2");
  Dim half = table[1];
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "half the rotated size", half, (*context.shape(kSin))[1]));
  const bool is_fitting = !half.IsKnown() || !dims.head.IsKnown() || 2 * half.value() <= dims.head.value();
  if (!is_fitting) {
    return context.Error("the tables rotate " + std::to_string(2 * half.value()) + " elements of heads of " +
                         dims.head.ToString());
  }
  if (!context.HasInput(kPositions) || !context.shape(kPositions)) return Status::Ok();
  const DimList& positions = *context.shape(kPositions);
  if (positions.size() != 2) return context.Error("positions " + ToString(positions) + " must have rank 2");
  Dim batch = dims.batch;
  Dim length = dims.q_length;
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "the batch", batch, positions[0]));
  return Settle(context, "the sequence length", length, positions[1]);
}

Status CheckBias(const InferContext& context, const AttentionDims& dims) {
  if (!context.HasInput(kBias) || !context.shape(kBias)) return Status::Ok();
  const DimList& bias = *context.shape(kBias);
  const auto fits = [](const Dim& own, const Dim& wanted) {
    return !own.IsKnown() || !wanted.IsKnown() || own.value() == 1 || own.value() == wanted.value();
  };
  const bool is_fitting =
      bias.size() == 4 && fits(bias[0], dims.batch) && fits(bias[1], dims.q_heads) &&
      (!bias[2].IsKnown() || !dims.q_length.IsKnown() || bias[2].value() == dims.q_length.value());
  if (is_fitting) return Status::Ok();
  return context.Error("attention_bias " + ToString(bias) + " must be [" + dims.batch.ToString() + " or 1," +
                       dims.q_heads.ToString() + " or 1," + dims.q_length.ToString() + ",total]");
}

Status Infer(InferContext& context) {
  AttentionDims dims;
  dims.q_heads = context.attrs().Int("num_heads");
  dims.kv_heads = context.attrs().Int("kv_num_heads");
  SLIPWAY_RETURN_IF_ERROR(CheckGroups(context, dims.q_heads, dims.kv_heads));
  for (size_t i : {kQuery, kKey, kValue}) {
    if (context.shape(i) && context.shape(i)->size() != 3) {
      return context.Error(context.op().inputs[i].name + " " + ToString(*context.shape(i)) +
                           " must have rank 3");
    }
  }
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kQuery, dims.batch, dims.q_heads, dims.q_length, dims.head));
  dims.kv_length = dims.q_length;
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kKey, dims.batch, dims.kv_heads, dims.kv_length, dims.head));
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kValue, dims.batch, dims.kv_heads, dims.kv_length, dims.head));
  Dim past = 0;
  if (context.HasInput(kPastKey) != context.HasInput(kPastValue)) {
    return context.Error("past_key and past_value must be given together");
  }
  if (context.HasInput(kPastKey)) {
    past = Dim();
    for (size_t i : {kPastKey, kPastValue}) {
      if (context.shape(i) && context.shape(i)->size() != 4) {
        return context.Error(context.op().inputs[i].name + " must have rank 4");
      }
      SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, i, dims.batch, dims.kv_heads, past, dims.head));
    }
  }
  SLIPWAY_RETURN_IF_ERROR(CheckVector(context, kSeqLens, dims.batch));
  SLIPWAY_RETURN_IF_ERROR(CheckVector(context, kSink, dims.q_heads));
  SLIPWAY_RETURN_IF_ERROR(CheckRotary(context, dims));
  SLIPWAY_RETURN_IF_ERROR(CheckBias(context, dims));
  const DType dtype = context.dtype(kQuery);
  context.SetOutput(0, dtype, {dims.batch, dims.q_length, dims.q_heads * dims.head});
  // As long as the longer of the given cache and the total; the total may be known at run time only.
  const auto total = context.ints(kTotal);
  const bool is_known = total && total->size() == 1 && past.IsKnown();
  if (is_known && dims.q_length.IsKnown() && (*total)[0] > past.value() + dims.q_length.value()) {
    return context.Error("total_length is " + std::to_string((*total)[0]) + " for " +
                         dims.q_length.ToString() + " new and " + past.ToString() + " cached tokens");
  }
  const Dim cache = is_known ? Dim(std::max(past.value(), (*total)[0])) : Dim();
  for (size_t i = 1; i < std::min<size_t>(context.num_outputs(), 3); ++i) {
    context.SetOutput(i, dtype, {dims.batch, dims.kv_heads, cache, dims.head});
  }
  return Status::Ok();
}

struct Call {
  Heads q, k, v;
  Heads keys, values;         // [B,kv_heads,cache,D]
  std::vector<int64_t> ends;  // keys of sequence b, new ones included
  int64_t total = 0;

  // Place of sequence b's first query.
  int64_t First(int64_t b) const {
    return q.length() == total ? 0 : ends[static_cast<size_t>(b)] - q.length();
  }
};

Status ReadLengths(const RunContext& context, Call& call) {
  const Tensor& total = context.in(kTotal);
  if (total.count() != 1) return context.Error("total_sequence_length must be one number");
  call.total = LoadInt(total.dtype(), total.data(), 0);
  const int64_t past = context.HasInput(kPastKey) ? context.in(kPastKey).dim(2) : 0;
  if (call.total < call.q.length() || call.total > past + call.q.length()) {
    return context.Error("total_sequence_length is " + std::to_string(call.total) + " for " +
                         std::to_string(call.q.length()) + " new and " + std::to_string(past) +
                         " cached tokens");
  }
  for (int64_t length : IntsOf(context.in(kSeqLens))) {
    call.ends.push_back(length + 1);
    const int64_t first = call.First(static_cast<int64_t>(call.ends.size()) - 1);
    const bool is_possible = length >= 0 && length < call.total && first >= 0 && first <= past;
    if (is_possible) continue;
    return context.Error("seqlens has " + std::to_string(length) + "; with " +
                         std::to_string(call.q.length()) + " new and " + std::to_string(past) +
                         " cached tokens of at most " + std::to_string(call.total) + " that is impossible");
  }
  return Status::Ok();
}

Status Rotate(const RunContext& context, const Call& call, Heads& x) {
  if (context.attrs().Int("do_rotary") == 0) return Status::Ok();
  const RotaryTables tables(
      context.in(kCos), context.in(kSin), 2 * context.in(kCos).dim(1),
      context.attrs().Int("rotary_interleaved") != 0 ? Pairing::kNeighbours : Pairing::kHalves);
  for (int64_t b = 0; b < x.batch(); ++b) {
    for (int64_t l = 0; l < x.length(); ++l) {
      const Tensor* positions = context.HasInput(kPositions) ? &context.in(kPositions) : nullptr;
      const int64_t row = positions != nullptr
                              ? LoadInt(positions->dtype(), positions->data(), b * x.length() + l)
                              : call.First(b) + l;
      if (row < 0 || row >= tables.rows()) {
        return context.Error("position " + std::to_string(row) + " is outside the tables of " +
                             std::to_string(tables.rows()) + " rows");
      }
      for (int64_t h = 0; h < x.heads(); ++h) tables.Rotate(row, x.at(b, h, l));
    }
  }
  return Status::Ok();
}

// The cache with the new rows at their places; nothing behind a sequence's end.
Heads Filled(const RunContext& context, const Call& call, size_t past_input, const Heads& now) {
  const bool has_past = context.HasInput(past_input);
  const Heads past = has_past ? Heads(context.in(past_input), 0) : Heads();
  Heads cache(now.batch(), now.heads(), std::max(past.length(), call.total), now.size());
  for (int64_t b = 0; b < now.batch(); ++b) {
    const int64_t first = call.First(b);
    for (int64_t h = 0; h < now.heads(); ++h) {
      for (int64_t l = 0; l < std::min(first + now.length(), cache.length()); ++l) {
        const double* row = l < first ? past.at(b, h, l) : now.at(b, h, l - first);
        std::copy(row, row + now.size(), cache.at(b, h, l));
      }
    }
  }
  return cache;
}

double BiasAt(const RunContext& context, int64_t b, int64_t h, int64_t i, int64_t j) {
  if (!context.HasInput(kBias)) return 0;
  const Tensor& bias = context.in(kBias);
  if (j >= bias.dim(3)) return 0;
  const int64_t plane = (bias.dim(0) == 1 ? 0 : b) * bias.dim(1) + (bias.dim(1) == 1 ? 0 : h);
  return LoadReal(bias.dtype(), bias.data(), (plane * bias.dim(2) + i) * bias.dim(3) + j);
}

// Weights of query (b, h, i) over the keys [0, end).
std::vector<double> Weights(const RunContext& context, const Call& call, int64_t b, int64_t h, int64_t i) {
  const Attrs& attrs = context.attrs();
  const bool is_causal = attrs.Int("causal") != 0;
  const int64_t filled = call.ends[static_cast<size_t>(b)];
  const int64_t end = is_causal ? std::min(filled, call.First(b) + i + 1) : filled;
  const int64_t window = attrs.Int("local_window_size");
  const int64_t begin = window > 0 && is_causal ? std::max<int64_t>(0, call.First(b) + i + 1 - window) : 0;
  const double scale = ScaleOr(attrs.Float("scale"), call.q.size());
  const int64_t group = call.q.heads() / call.k.heads();
  std::vector<double> scores(static_cast<size_t>(end), -INFINITY);
  for (int64_t j = begin; j < end; ++j) {
    const double score = scale * Dot(call.q.at(b, h, i), call.keys.at(b, h / group, j), call.q.size());
    scores[static_cast<size_t>(j)] =
        SoftCapped(score, static_cast<double>(attrs.Float("softcap"))) + BiasAt(context, b, h, i, j);
  }
  const bool has_sink = context.HasInput(kSink);
  if (has_sink || attrs.Int("smooth_softmax") == 1) {
    scores.push_back(has_sink ? LoadReal(context.in(kSink).dtype(), context.in(kSink).data(), h) : 0.0);
  }
  SoftmaxRow(scores, DType::kF64);
  scores.resize(static_cast<size_t>(end));
  return scores;
}

Call ReadCall(const RunContext& context) {
  const int64_t q_heads = context.attrs().Int("num_heads");
  const int64_t kv_heads = context.attrs().Int("kv_num_heads");
  Call call;
  call.q = Heads(context.in(kQuery), q_heads);
  call.k = Heads(context.in(kKey), kv_heads);
  call.v = Heads(context.in(kValue), kv_heads);
  return call;
}

Status Reference(RunContext& context) {
  Call call = ReadCall(context);
  SLIPWAY_RETURN_IF_ERROR(ReadLengths(context, call));
  SLIPWAY_RETURN_IF_ERROR(Rotate(context, call, call.q));
  SLIPWAY_RETURN_IF_ERROR(Rotate(context, call, call.k));
  call.keys = Filled(context, call, kPastKey, call.k);
  call.values = Filled(context, call, kPastValue, call.v);
  Heads y(call.q.batch(), call.q.heads(), call.q.length(), call.q.size());
  for (int64_t b = 0; b < y.batch(); ++b) {
    for (int64_t h = 0; h < y.heads(); ++h) {
      for (int64_t i = 0; i < y.length(); ++i) {
        WeighRows(Weights(context, call, b, h, i), call.values, b, h / (call.q.heads() / call.k.heads()),
                  y.at(b, h, i));
      }
    }
  }
  y.StoreTo(context.out(0));
  const Dims cache = {y.batch(), call.k.heads(), call.keys.length(), y.size()};
  if (context.HasOutput(1)) call.keys.StoreTo(context.AllocateOutput(1, cache));
  if (context.HasOutput(2)) call.values.StoreTo(context.AllocateOutput(2, cache));
  return Status::Ok();
}

// A packed query is cut into three.
Status Import(ImportContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 12, "k_scale"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 13, "v_scale"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 14, "q_norm_weight"));
  SLIPWAY_RETURN_IF_ERROR(RefuseInput(context, 16, "query_seqlens"));
  for (const char* name : {"kv_cache_bit_width", "sliding_window_cache", "qk_output"}) {
    SLIPWAY_RETURN_IF_ERROR(RefuseAttribute(context, name));
  }
  std::vector<ValueId> inputs;
  for (size_t i = 0; i <= kSink; ++i) inputs.push_back(context.in(i));
  Attrs attrs;
  for (const AttrDef& def : context.op().attrs) {
    if (const Attr* attr = context.attrs().Find(def.name)) attrs.Set(def.name, *attr);
  }
  if (!context.HasInput(kKey)) {
    const auto width = KnownExtent(context, context.in(kQuery), -1);
    const int64_t heads = context.attrs().Int("num_heads");
    const int64_t kv_heads = context.attrs().Int("kv_num_heads");
    if (!width) return context.Unsupported("the width of the packed query must be known");
    if (heads <= 0 || kv_heads <= 0 || *width % (heads + 2 * kv_heads) != 0) {
      return context.Error("a packed query of width " + std::to_string(*width) + " cannot be split into " +
                           std::to_string(heads) + " + 2 * " + std::to_string(kv_heads) + " heads");
    }
    const int64_t size = *width / (heads + 2 * kv_heads);
    SLIPWAY_ASSIGN_OR_RETURN(
        const std::vector<ValueId> parts,
        SplitInto(context, context.in(kQuery), -1, {heads * size, kv_heads * size, kv_heads * size}));
    std::copy(parts.begin(), parts.end(), inputs.begin());
  }
  return Finish(context, "GroupQueryAttention", std::move(inputs), std::move(attrs), {0, 1, 2});
}

std::vector<TestCase> Cases() {
  const auto x = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
  const auto ints = [](Dims dims, std::vector<double> values) {
    return TestInput{
        .dtype = DType::kI32, .dims = std::move(dims), .values = std::move(values), .is_constant = true};
  };
  const TestInput absent{.is_absent = true};
  const Attrs heads = {{"num_heads", int64_t{4}}, {"kv_num_heads", int64_t{2}}};
  Attrs rotary = heads;
  rotary.Set("do_rotary", int64_t{1});
  Attrs local = heads;
  local.Set("local_window_size", int64_t{3});
  return {{"prompt",
           {x({2, 5, 16}), x({2, 5, 8}), x({2, 5, 8}), absent, absent, ints({2}, {4, 4}), ints({}, {5})},
           local,
           3},
          {"step",
           {x({2, 1, 16}), x({2, 1, 8}), x({2, 1, 8}), x({2, 2, 6, 4}), x({2, 2, 6, 4}), ints({2}, {6, 4}),
            ints({}, {7}), x({9, 2}), x({9, 2})},
           rotary,
           3}};
}

}  // namespace

OpDef MakeGroupQueryAttention() {
  OpDef op;
  op.name = "GroupQueryAttention";
  op.group = "attention";
  op.summary =
      "Causal attention of grouped heads over a key/value cache that every sequence fills differently.";
  op.formula = "y = softmax(softcap(scale * q x k^T) + bias, sink) x v";
  op.inputs = {
      {"query", kFloats, "[B,L,num_heads*D]"},
      {"key", kFloats, "[B,L,kv_num_heads*D]"},
      {"value", kFloats, "[B,L,kv_num_heads*D]"},
      {"past_key", kFloats, "[B,kv_num_heads,P,D]", Arity::kOptional},
      {"past_value", kFloats, "[B,kv_num_heads,P,D]", Arity::kOptional},
      {"seqlens", kIndices, "[B]: tokens of each sequence in all, less 1"},
      {"total_length", kIndices, "one number: tokens of the longest sequence; L: nothing is cached yet"},
      {"cos", kFloats, "[positions,R/2]; for do_rotary", Arity::kOptional},
      {"sin", kFloats, "as cos", Arity::kOptional},
      {"positions", kIndices, "[B,L]; absent: places in the cache", Arity::kOptional},
      {"attention_bias", kFloats, "[B or 1,num_heads or 1,L,total], added to the scores", Arity::kOptional},
      {"head_sink", kFloats, "[num_heads]: one more score per head", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "[B,L,num_heads*D]"},
                {"present_key", kFloats, "[B,kv_num_heads,max(P,total_length),D]", Arity::kOptional},
                {"present_value", kFloats, "as present_key", Arity::kOptional}};
  op.attrs = {Required(IntAttr("num_heads", 1, "a multiple of kv_num_heads")),
              Required(IntAttr("kv_num_heads", 1, "heads of keys and values")),
              IntAttr("causal", 1, "1: a query sees no later key"),
              IntAttr("do_rotary", 0, "1: queries and keys are rotated first"),
              IntAttr("rotary_interleaved", 0, "1: neighbours form pairs; 0: the halves do"),
              IntAttr("local_window_size", -1, "keys that a query sees at most; -1: all"),
              FloatAttr("scale", 0, "of the scores; 0: 1/sqrt(D)"),
              FloatAttr("softcap", 0, "scores become softcap * tanh(score / softcap); 0: as they are"),
              IntAttr("smooth_softmax", 0, "1: a sink of score 0 where head_sink is absent")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 4 * context.CountOfInput(kQuery); };
  op.cases = Cases;
  op.foreign = {ContribRow("GroupQueryAttention", Import)};
  return op;
}

}  // namespace slipway
