// Rows of a table by ascending keys: TFLite's HASHTABLE_LOOKUP.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

enum Operand : size_t { kLookup = 0, kKeys, kValues };

constexpr DTypeSet kElements = kNumbers | kBools | DTypeSet{DType::kString, DType::kC64};

Status Infer(InferContext& context) {
  const auto& lookup = context.shape(kLookup);
  const auto& keys = context.shape(kKeys);
  const auto& values = context.shape(kValues);
  if ((lookup && lookup->size() != 1) || (keys && keys->size() != 1) || (values && values->empty()))
    return context.Error("what is looked up and the keys must be vectors, the values have one row per key");
  if (keys && values && (*keys)[0].IsKnown() && (*values)[0].IsKnown() &&
      (*keys)[0].value() != (*values)[0].value())
    return context.Error("there are " + (*keys)[0].ToString() + " keys and " + (*values)[0].ToString() +
                         " rows");
  const Dim count = lookup ? (*lookup)[0] : Dim();
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(kValues)));
  if (values) {
    DimList shape = *values;
    shape[0] = count;
    context.SetOutput(0, context.dtype(kValues), std::move(shape));
  }
  if (context.HasOutput(1)) context.SetOutput(1, DType::kU8, {count});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& lookup = context.in(kLookup);
  const Tensor& values = context.in(kValues);
  const std::vector<int64_t> keys = IntsOf(context.in(kKeys));
  if (static_cast<int64_t>(keys.size()) != values.dim(0))
    return context.Error("keys and values differ in number");
  Dims dims = values.dims();
  dims[0] = lookup.count();
  Tensor& y = context.AllocateOutput(0, dims);
  const Tensor nothing(values.dtype(), {});
  const int64_t width = keys.empty() ? 0 : values.count() / static_cast<int64_t>(keys.size());
  for (int64_t i = 0; i < lookup.count(); ++i) {
    const auto found = std::lower_bound(keys.begin(), keys.end(), LoadInt(lookup.dtype(), lookup.data(), i));
    const bool is_hit = found != keys.end() && *found == LoadInt(lookup.dtype(), lookup.data(), i);
    for (int64_t k = 0; k < width; ++k) {
      const void* from = is_hit ? values.data() : nothing.data();
      CopyElement(y.dtype(), from, is_hit ? (found - keys.begin()) * width + k : 0, y.data(), i * width + k);
    }
    if (context.HasOutput(1)) context.out(1).as<uint8_t>()[i] = is_hit ? 1 : 0;
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeKeyLookup() {
  OpDef op;
  op.name = "KeyLookup";
  op.group = "index";
  op.summary = "The row of each key in a table; zeros, or empty strings, where there is none.";
  op.inputs = {{"lookup", {DType::kI32}, "[n]: keys"},
               {"keys", {DType::kI32}, "[rows], ascending"},
               {"values", kElements, "[rows,...]"}};
  op.outputs = {{"y", kElements, "[n,...]"},
                {"hits", {DType::kU8}, "[n]: 1 where there was a row", Arity::kOptional}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    TestCase rows{"rows",
                  {{.dtype = DType::kI32, .dims = {3}, .values = {7, 2, -1}},
                   {.dtype = DType::kI32, .dims = {4}, .values = {-1, 0, 5, 7}},
                   {.dims = {4, 2}}},
                  {}};
    rows.num_outputs = 2;
    return std::vector<TestCase>{rows};
  };
  op.foreign = {{Format::kTflite, "HASHTABLE_LOOKUP"}};
  return op;
}

}  // namespace slipway
