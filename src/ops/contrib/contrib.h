// onnxruntime's fused operators (domain com.microsoft), taken apart on import: what each row reads becomes
// nodes of the records that ONNX's own operators have. Rows are listed by the record that does the main work.
//
// Left out: buffers that past and present share, caches of beam search, packed (padding-free) batches and
// quantised caches; they are refused by name.
#pragma once

#include <vector>

#include "ops/import.h"

namespace slipway {

ForeignRows ContribAttentionRows();           // Attention, MultiHeadAttention, QAttention
ForeignRows ContribLayerNormalizationRows();  // SkipLayerNormalization, EmbedLayerNormalization
ForeignRows ContribRmsNormalizationRows();    // SkipSimplifiedLayerNormalization
ForeignRows ContribGroupNormalizationRows();  // GroupNorm, SkipGroupNorm
ForeignRows ContribGeluRows();                // BiasGelu, FastGelu, BiasSplitGelu
ForeignRows ContribMatMulRows();              // FusedMatMul, TransposeMatMul
ForeignRows ContribGemmRows();                // FusedGemm
ForeignRows ContribMatMulIntegerRows();       // MatMulIntegerToFloat, DynamicQuantizeMatMul
ForeignRows ContribConvRows();                // FusedConv, NhwcConv, NhwcFusedConv

// --- What those importers share ---

ForeignRow ContribRow(const char* op, ImportFn import);

// A node with `count` outputs.
Result<std::vector<ValueId>> AddMany(ImportContext& context, const char* op, std::vector<ValueId> inputs,
                                     Attrs attrs, size_t count);
// The last node: its outputs are those of the foreign node's that `outputs` numbers (kNotGiven: none).
inline constexpr size_t kNotGiven = SIZE_MAX;
Status Finish(ImportContext& context, const char* op, std::vector<ValueId> inputs, Attrs attrs,
              const std::vector<size_t>& outputs);
bool WantsOutput(const ImportContext& context, size_t i);
// Parts of these extents along an axis.
Result<std::vector<ValueId>> SplitInto(ImportContext& context, ValueId x, int64_t axis, const Ints& extents);
// x + addend; x where there is no addend.
Result<ValueId> Plus(ImportContext& context, ValueId x, ValueId addend);
// The extent of an axis as one i64 of rank 0: a constant where it is known.
Result<ValueId> ExtentOf(ImportContext& context, ValueId x, int64_t axis);
// The same as a number, where it is known.
std::optional<int64_t> KnownExtent(const ImportContext& context, ValueId x, int64_t axis);
// The rank; an error that names input i where it is unknown.
Result<size_t> RankOf(const ImportContext& context, size_t i);
// One i64 of rank 0; one number of x's type.
ValueId Number(ImportContext& context, int64_t value);
ValueId ScalarLike(ImportContext& context, ValueId x, double value);
// An error where input i or attribute `name` is given: forms that are left out.
Status RefuseInput(const ImportContext& context, size_t i, const char* name);
Status RefuseAttribute(const ImportContext& context, const char* name);
// (a - a_zero) x (b - b_zero) * a_scale * b_scale + bias, all by value.
struct IntegerProduct {
  ValueId a, b, a_scale, b_scale, a_zero, b_zero, bias;
};
Result<ValueId> AddIntegerProduct(ImportContext& context, const IntegerProduct& product);
// Names of onnxruntime's fused activations; the operator and its attributes. Nothing for "".
struct FusedActivation {
  std::string op;
  Attrs attrs;
};
Result<FusedActivation> ReadFusedActivation(const ImportContext& context, const Floats& parameters);
// `value` through the activation, into the foreign node's output.
Status FinishActivated(ImportContext& context, ValueId value, const FusedActivation& activation);

}  // namespace slipway
