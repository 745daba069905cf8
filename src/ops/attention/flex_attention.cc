// Attention whose scores and weights pass through sub-graphs (Dong et al., 2024: FlexAttention), as the
// preview domain of ONNX 1.22 defines it.
//
// Each sub-graph takes the whole tensor [B,heads,L,S] and gives one of the same shape; captures stand behind
// the formal inputs as everywhere (control/subgraph.h). Sums are wide; the sub-graphs compute in
// `softmax_precision`.
#include "base/scalar.h"
#include "ops/attention/heads.h"
#include "ops/attention/precision.h"
#include "ops/control/subgraph.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

constexpr size_t kFormal = 3;  // query, key, value

DType PrecisionOf(const Attrs& attrs, DType query) {
  return attrs.Type("softmax_precision", query == DType::kF64 ? DType::kF64 : DType::kF32);
}

Status CheckModifier(const InferContext& context, const char* name, DType precision) {
  const GraphRef graph = context.attrs().GraphOf(name);
  if (graph == nullptr) return Status::Ok();
  const size_t captures = context.num_inputs() - kFormal;
  if (graph->inputs.size() != 1 + captures || graph->outputs.size() != 1) {
    return context.Error(std::string(name) + " takes " + std::to_string(graph->inputs.size()) +
                         " values and gives " + std::to_string(graph->outputs.size()) +
                         "; it must take one and the captures (" + std::to_string(captures) +
                         ") and give one");
  }
  const DType taken = graph->value(graph->inputs[0]).type.dtype;
  if (taken == DType::kNone || taken == precision) return Status::Ok();
  return context.Error(std::string(name) + " takes " + std::string(DTypeName(taken)) +
                       "; the softmax computes in " + std::string(DTypeName(precision)));
}

Status Infer(InferContext& context) {
  AttentionDims dims;
  for (size_t i = 0; i < kFormal; ++i) {
    if (context.shape(i) && context.shape(i)->size() != 4) {
      return context.Error(context.op().inputs[i].name + " " + ToString(*context.shape(i)) +
                           " must have rank 4");
    }
  }
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, 0, dims.batch, dims.q_heads, dims.q_length, dims.head));
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, 1, dims.batch, dims.kv_heads, dims.kv_length, dims.head));
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, 2, dims.batch, dims.kv_heads, dims.kv_length, dims.v_head));
  SLIPWAY_RETURN_IF_ERROR(CheckGroups(context, dims.q_heads, dims.kv_heads));
  const DType precision = PrecisionOf(context.attrs(), context.dtype(0));
  SLIPWAY_RETURN_IF_ERROR(CheckModifier(context, "score_mod", precision));
  SLIPWAY_RETURN_IF_ERROR(CheckModifier(context, "prob_mod", precision));
  context.SetOutput(0, context.dtype(0), {dims.batch, dims.q_heads, dims.q_length, dims.v_head});
  return Status::Ok();
}

// The tensor through the sub-graph called `name`; itself where there is none.
Status Modify(const RunContext& context, const char* name, Tensor& x) {
  const GraphRef graph = context.attrs().GraphOf(name);
  if (graph == nullptr) return Status::Ok();
  std::vector<Datum> arguments = {Datum::Of(x)};
  for (size_t i = kFormal; i < context.num_inputs(); ++i) arguments.push_back(context.in_datum(i));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results, context.RunGraph(*graph, arguments));
  const Tensor& y = results[0].tensor;
  if (y.IsNone() || y.dims() != x.dims() || y.dtype() != x.dtype()) {
    return context.Error(std::string(name) + " gave " + Describe(y) + "; it must give " + Describe(x));
  }
  x = y.Clone();
  return Status::Ok();
}

Tensor Scores(const Heads& q, const Heads& k, double scale, DType precision) {
  Tensor scores(precision, {q.batch(), q.heads(), q.length(), k.length()});
  const int64_t group = q.heads() / k.heads();
  int64_t to = 0;
  for (int64_t b = 0; b < q.batch(); ++b) {
    for (int64_t h = 0; h < q.heads(); ++h) {
      for (int64_t i = 0; i < q.length(); ++i) {
        for (int64_t j = 0; j < k.length(); ++j) {
          StoreReal(precision, scores.data(), to++,
                    scale * Dot(q.at(b, h, i), k.at(b, h / group, j), q.size()));
        }
      }
    }
  }
  return scores;
}

void SoftmaxRows(Tensor& x) {
  const int64_t length = x.dim(-1);
  const int64_t rows = length == 0 ? 0 : x.count() / length;
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<double> values = RealsOfRow(x, row, length);
    SoftmaxRow(values, x.dtype());
    for (int64_t j = 0; j < length; ++j) {
      StoreReal(x.dtype(), x.data(), row * length + j, values[static_cast<size_t>(j)]);
    }
  }
}

Status Reference(RunContext& context) {
  const Heads q(context.in(0), 0);
  const Heads k(context.in(1), 0);
  const Heads v(context.in(2), 0);
  const double scale = ScaleOr(context.attrs().Float("scale"), q.size());
  Tensor scores = Scores(q, k, scale, PrecisionOf(context.attrs(), context.in(0).dtype()));
  SLIPWAY_RETURN_IF_ERROR(Modify(context, "score_mod", scores));
  SoftmaxRows(scores);
  SLIPWAY_RETURN_IF_ERROR(Modify(context, "prob_mod", scores));
  Heads y(q.batch(), q.heads(), q.length(), v.size());
  for (int64_t row = 0; row < q.batch() * q.heads() * q.length(); ++row) {
    const int64_t i = row % q.length();
    const int64_t h = row / q.length() % q.heads();
    const int64_t b = row / q.length() / q.heads();
    WeighRows(RealsOfRow(scores, row, scores.dim(-1)), v, b, h / (q.heads() / k.heads()), y.at(b, h, i));
  }
  y.StoreTo(context.out(0));
  return Status::Ok();
}

Status Import(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Attrs attrs, SoftmaxPrecision(context));
  for (const char* name : {"scale", "score_mod", "prob_mod"}) {
    if (const Attr* attr = context.attrs().Find(name)) attrs.Set(name, *attr);
  }
  return context.Emit("FlexAttention", InputsAndCaptures(context), std::move(attrs));
}

AttrDef OptionalGraph(std::string name, std::string doc) {
  AttrDef def = GraphAttr(std::move(name), std::move(doc));
  def.is_required = false;
  return def;
}

}  // namespace

OpDef MakeFlexAttention() {
  OpDef op;
  op.name = "FlexAttention";
  op.group = "attention";
  op.summary = "Scaled dot-product attention whose scores and weights pass through sub-graphs.";
  op.formula = "y = prob_mod(softmax(score_mod(scale * q x k^T))) x v";
  op.inputs = {{"query", kFloats, "[B,q_heads,L,D]"},
               {"key", kFloats, "[B,kv_heads,S,D]"},
               {"value", kFloats, "[B,kv_heads,S,E]"},
               {"captures", kAnyType, "behind the formal input of both sub-graphs", Arity::kVariadic}};
  op.outputs = {{"y", kFloats, "[B,q_heads,L,E]"}};
  op.attrs = {
      OptionalGraph("score_mod", "scores [B,q_heads,L,S], captures -> the same shape; absent: identity"),
      OptionalGraph("prob_mod", "weights [B,q_heads,L,S], captures -> the same shape; absent: identity"),
      FloatAttr("scale", 0, "of the scores; 0: 1/sqrt(D)"),
      DTypeAttr("softmax_precision", DType::kNone,
                "type of scores and weights; absent: f64 for f64, else f32")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const auto& key = context.shape(1);
    if (!key || key->size() != 4 || !(*key)[2].IsKnown()) return 0.0;
    return 4 * context.CountOfInput(0) * static_cast<double>((*key)[2].value());
  };
  op.cases = [] {
    const auto x = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
    return std::vector<TestCase>{
        {"plain", {x({2, 4, 5, 8}), x({2, 4, 6, 8}), x({2, 4, 6, 3})}, {}},
        {"grouped", {x({1, 8, 4, 6}), x({1, 2, 6, 6}), x({1, 2, 6, 6})}, {{"scale", 0.1F}}}};
  };
  op.foreign = {{Format::kOnnx, "FlexAttention", 1, INT_MAX, Import, "ai.onnx.preview"}};
  return op;
}

}  // namespace slipway
