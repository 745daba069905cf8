// Writes an update into a cache along an axis, from a place given per batch: the key-value caches of
// transformers.
#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/infer.h"
#include "ops/shape/move.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  if (context.dtype(1) != context.dtype(0)) return context.Error("cache and update must be of one type");
  if (!context.shape(0) || !context.shape(1)) return Status::Ok();
  const DimList& cache = *context.shape(0);
  const DimList& update = *context.shape(1);
  SLIPWAY_ASSIGN_OR_RETURN(
      const int axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(cache.size())));
  if (axis == 0) return context.Error("axis 0 is the batch");
  bool fits = cache.size() == update.size();
  for (size_t i = 0; fits && i < cache.size(); ++i) {
    if (!cache[i].IsKnown() || !update[i].IsKnown()) continue;
    fits = static_cast<int>(i) == axis ? update[i].value() <= cache[i].value()
                                       : update[i].value() == cache[i].value();
  }
  if (!fits) return context.Error("update " + ToString(update) + " does not fit cache " + ToString(cache));
  return Status::Ok();
}

// cache: [batch, outer, extent, inner], update: [batch, outer, count, inner].
Status Reference(RunContext& context) {
  SLIPWAY_RETURN_IF_ERROR(RunMove(context));
  Tensor& y = context.out(0);
  const Tensor& update = context.in(1);
  const size_t axis = AxisOf(context, y.rank());
  const bool is_circular = context.attrs().String("mode") == "circular";
  const std::span<const int64_t> dims(y.dims());
  const int64_t outer = CountOf(dims.subspan(1, axis - 1));
  const int64_t inner = CountOf(dims.subspan(axis + 1));
  const int64_t extent = dims[axis];
  const int64_t count = update.dims()[axis];
  for (int64_t b = 0; b < dims[0]; ++b) {
    const int64_t first = context.HasInput(2) ? LoadInt(context.in(2).dtype(), context.in(2).data(), b) : 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = is_circular ? (first + i) % extent : first + i;
      if (first < 0 || at >= extent) {
        return context.Error("index " + std::to_string(first + i) + " is outside a cache of " +
                             std::to_string(extent));
      }
      for (int64_t o = 0; o < outer; ++o) {
        const int64_t from = ((b * outer + o) * count + i) * inner;
        const int64_t to = ((b * outer + o) * extent + at) * inner;
        CopyStrided(y.dtype(), update.data(), {from, {1}}, y.data(), {to, {1}}, {inner});
      }
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeTensorScatter() {
  OpDef op;
  op.name = "TensorScatter";
  op.group = "index";
  op.summary = "A copy of the cache with the update written along `axis`, from write_indices[batch] on.";
  op.inputs = {{"past_cache", kAnyType, "[batch, ...]"},
               {"update", kAnyType, "the cache's shape but for `axis`"},
               {"write_indices", kIndices, "[batch]; none: 0", Arity::kOptional}};
  op.outputs = {{"present_cache", kAnyType, "the cache's shape"}};
  op.attrs = {
      IntAttr("axis", -2, "negative counts from the end; not the batch"),
      StringAttr("mode", "linear", {"linear", "circular"}, "circular: places beyond the end start over")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"linear",
         {{.dims = {2, 5, 3}}, {.dims = {2, 2, 3}}, {.dtype = DType::kI64, .dims = {2}, .values = {0, 3}}},
         {}}};
  };
  op.foreign = {{Format::kOnnx, "TensorScatter", 24}};
  return op;
}

}  // namespace slipway
