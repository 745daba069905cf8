// Rotary position embedding (Su et al., 2021: RoFormer), in ONNX's and in onnxruntime's form.
//
// ONNX looks positions up in [positions,D/2] tables or takes [B,L,D/2] tables without positions; onnxruntime
// may give one number, the position of the first token. A position outside the tables is an error.
#include <algorithm>

#include "base/scalar.h"
#include "ops/attention/heads.h"
#include "ops/attention/rotate.h"
#include "ops/import.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

enum Input : size_t { kX, kCos, kSin, kPositions };

Status CheckTable(const InferContext& context, size_t i, Dim& half) {
  if (!context.shape(i)) return Status::Ok();
  const DimList& table = *context.shape(i);
  const size_t rank = context.HasInput(kPositions) ? 2 : 3;
  if (table.size() != rank) {
    return context.Error(context.op().inputs[i].name + " " + ToString(table) + " must have rank " +
                         std::to_string(rank) + (rank == 2 ? " beside positions" : " without positions"));
  }
  return Settle(context, "half the rotated size", half, table.back());
}

Status CheckPositions(const InferContext& context, const Dim& batch, const Dim& length) {
  if (!context.HasInput(kPositions) || !context.shape(kPositions)) return Status::Ok();
  const DimList& shape = *context.shape(kPositions);
  const bool is_one = shape.empty() || (shape.size() == 1 && (!shape[0].IsKnown() || shape[0].value() == 1));
  if (is_one) return Status::Ok();
  if (shape.size() != 2)
    return context.Error("positions " + ToString(shape) + " must be [batch,length] or one");
  Dim rows = batch;
  Dim columns = length;
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "the batch", rows, shape[0]));
  return Settle(context, "the sequence length", columns, shape[1]);
}

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(kX));
  Dim batch, length, head, half;
  const int64_t given = context.attrs().Int("num_heads");
  const int64_t rotated = context.attrs().Int("rotary_embedding_dim");
  if (rotated < 0 || rotated % 2 != 0) {
    return context.Error("rotary_embedding_dim is " + std::to_string(rotated) + "; it must be even");
  }
  SLIPWAY_RETURN_IF_ERROR(CheckTable(context, kCos, half));
  SLIPWAY_RETURN_IF_ERROR(CheckTable(context, kSin, half));
  if (rotated != 0) {
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "half the rotated size", half, Dim(rotated / 2)));
  }
  const auto& x = context.shape(kX);
  if (!x) return Status::Ok();
  Dim heads = given > 0 && x->size() == 3 ? Dim(given) : Dim();
  SLIPWAY_RETURN_IF_ERROR(SettleHeads(context, kX, batch, heads, length, head));
  if (rotated == 0 && head.IsKnown()) {
    if (head.value() % 2 != 0) return context.Error("the head size " + head.ToString() + " must be even");
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "half the rotated size", half, Dim(head.value() / 2)));
  }
  if (rotated != 0 && head.IsKnown() && rotated > head.value()) {
    return context.Error("rotary_embedding_dim is " + std::to_string(rotated) + ", the head size only " +
                         head.ToString());
  }
  for (size_t i : {kCos, kSin}) {
    if (context.HasInput(kPositions) || !context.shape(i)) continue;
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the batch", batch, (*context.shape(i))[0]));
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the sequence length", length, (*context.shape(i))[1]));
  }
  return CheckPositions(context, batch, length);
}

// Row of the tables for token l of batch b.
int64_t TableRow(const RunContext& context, int64_t b, int64_t l, int64_t length) {
  if (!context.HasInput(kPositions)) return b * length + l;
  const Tensor& positions = context.in(kPositions);
  if (positions.rank() < 2) return LoadInt(positions.dtype(), positions.data(), 0) + l;
  return LoadInt(positions.dtype(), positions.data(), b * length + l);
}

Status Reference(RunContext& context) {
  Heads x(context.in(kX), context.attrs().Int("num_heads"));
  const int64_t given = context.attrs().Int("rotary_embedding_dim");
  const RotaryTables tables(
      context.in(kCos), context.in(kSin), given != 0 ? given : x.size(),
      context.attrs().Int("interleaved") != 0 ? Pairing::kNeighbours : Pairing::kHalves);
  for (int64_t b = 0; b < x.batch(); ++b) {
    for (int64_t l = 0; l < x.length(); ++l) {
      const int64_t row = TableRow(context, b, l, x.length());
      if (row < 0 || row >= tables.rows()) {
        return context.Error("position " + std::to_string(row) + " is outside the tables of " +
                             std::to_string(tables.rows()) + " rows");
      }
      for (int64_t h = 0; h < x.heads(); ++h) tables.Rotate(row, x.at(b, h, l));
    }
  }
  x.StoreTo(context.out(0));
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  const TestInput positions{.dtype = DType::kI64, .dims = {2, 3}, .low = 0, .high = 9.99};
  const auto x = [](Dims dims) { return TestInput{.dims = std::move(dims), .low = -1, .high = 1}; };
  return {{"apart", {x({2, 4, 3, 8}), x({10, 4}), x({10, 4}), positions}, {}},
          {"packed", {x({2, 3, 32}), x({10, 4}), x({10, 4}), positions}, {{"num_heads", int64_t{4}}}},
          {"tables", {x({2, 4, 3, 8}), x({2, 3, 4}), x({2, 3, 4})}, {{"interleaved", int64_t{1}}}},
          {"partial",
           {x({2, 4, 3, 8}), x({10, 2}), x({10, 2}), positions},
           {{"rotary_embedding_dim", int64_t{4}}, {"interleaved", int64_t{1}}}}};
}

// onnxruntime: X, position_ids, cos_cache, sin_cache; a packed X may leave num_heads to the tables' width.
Status ImportContrib(ImportContext& context) {
  Attrs attrs = {{"interleaved", context.attrs().Int("interleaved")},
                 {"rotary_embedding_dim", context.attrs().Int("rotary_embedding_dim")}};
  if (context.attrs().Float("scale", 1.0F) != 1.0F) {
    return context.Unsupported("scale " + std::to_string(context.attrs().Float("scale")) +
                               " is not supported");
  }
  int64_t heads = context.attrs().Int("num_heads");
  const Type& x = context.type(context.in(0));
  const Type& table = context.type(context.in(2));
  if (heads == 0 && x.shape && x.shape->size() == 3) {
    const bool is_known = x.shape->back().IsKnown() && table.shape && !table.shape->empty() &&
                          table.shape->back().IsKnown() && table.shape->back().value() > 0;
    if (!is_known) return context.Unsupported("num_heads is missing, and the shapes do not tell it");
    heads = x.shape->back().value() / (2 * table.shape->back().value());
  }
  attrs.Set("num_heads", heads);
  return context.Emit("RotaryEmbedding", {context.in(0), context.in(2), context.in(3), context.in(1)},
                      std::move(attrs));
}

}  // namespace

RotaryTables::RotaryTables(const Tensor& cosines, const Tensor& sines, int64_t rotated, Pairing pairing)
    : cosines_(Reals(cosines)), sines_(Reals(sines)), half_(rotated / 2), pairing_(pairing) {}

int64_t RotaryTables::rows() const {
  const size_t count = std::min(cosines_.size(), sines_.size());
  return half_ == 0 ? 0 : static_cast<int64_t>(count) / half_;
}

void RotaryTables::Rotate(int64_t row, double* x) const {
  const std::vector<double> before(x, x + 2 * half_);
  const bool is_halves = pairing_ == Pairing::kHalves;
  for (int64_t i = 0; i < half_; ++i) {
    const auto first = static_cast<size_t>(is_halves ? i : 2 * i);
    const auto second = static_cast<size_t>(is_halves ? i + half_ : 2 * i + 1);
    const double cosine = cosines_[static_cast<size_t>(row * half_ + i)];
    const double sine = sines_[static_cast<size_t>(row * half_ + i)];
    x[first] = cosine * before[first] - sine * before[second];
    x[second] = sine * before[first] + cosine * before[second];
  }
}

OpDef MakeRotaryEmbedding() {
  OpDef op;
  op.name = "RotaryEmbedding";
  op.group = "attention";
  op.summary = "Rotates pairs of elements of every head by an angle of the token's position.";
  op.formula = "(y1, y2) = (cos x1 - sin x2, sin x1 + cos x2)";
  op.inputs = {{"x", kFloats, "[B,heads,L,D], or packed [B,L,heads*D]"},
               {"cos", kFloats, "[positions,R/2]; without positions [B,L,R/2]"},
               {"sin", kFloats, "as cos"},
               {"positions", kIndices, "[B,L]; one number: the first token's", Arity::kOptional}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = {IntAttr("num_heads", 0, "needed for a packed x"),
              IntAttr("rotary_embedding_dim", 0, "R, elements of each head that rotate; 0: all"),
              IntAttr("interleaved", 0, "1: neighbours form pairs; 0: the halves do")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 3 * context.CountOfOutput(0); };
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "RotaryEmbedding", 23},
                {Format::kOnnx, "RotaryEmbedding", 1, INT_MAX, ImportContrib, "com.microsoft"}};
  return op;
}

}  // namespace slipway
