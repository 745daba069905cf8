// Cuts a tensor along an axis.
#include <algorithm>
#include <numeric>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/run.h"
#include "ops/shape/slice_plan.h"

namespace slipway {
namespace {

// Extents of the parts: given, or equal with a smaller last one.
std::optional<Ints> Sizes(const std::optional<Ints>& given, int64_t extent, int64_t parts) {
  if (given) return given;
  if (parts <= 0) return std::nullopt;
  const int64_t size = (extent + parts - 1) / parts;
  Ints sizes;
  for (int64_t left = extent, i = 0; i < parts; ++i) {
    sizes.push_back(std::min(size, left));
    left -= sizes.back();
  }
  return sizes;
}

Status Infer(InferContext& context) {
  const auto parts = static_cast<int64_t>(context.num_outputs());
  const DType dtype = context.dtype(0);
  if (!context.shape(0)) {
    for (size_t i = 0; i < context.num_outputs(); ++i) context.SetOutput(i, Type::OfUnknownShape(dtype));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(
      int axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(shape.size())));
  const Dim extent = shape[static_cast<size_t>(axis)];
  std::optional<Ints> given;
  if (context.HasInput(1)) given = context.ints(1);
  std::optional<Ints> sizes;
  if (given || (extent.IsKnown() && !context.HasInput(1)))
    sizes = Sizes(given, extent.IsKnown() ? extent.value() : 0, parts);
  if (sizes) {
    if (sizes->size() != context.num_outputs()) {
      return context.Error("split has " + std::to_string(sizes->size()) + " sizes for " +
                           std::to_string(parts) + " outputs");
    }
    const int64_t total = std::accumulate(sizes->begin(), sizes->end(), int64_t{0});
    if (extent.IsKnown() && total != extent.value()) {
      return context.Error("split " + ToString(*sizes) + " does not add up to the extent " +
                           extent.ToString());
    }
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    Dim& dim = shape[static_cast<size_t>(axis)];
    if (sizes) {
      if ((*sizes)[i] < 0) return context.Error("split has a negative size");
      dim = (*sizes)[i];
    } else {
      dim = context.HasInput(1) ? Dim() : FloorDiv(extent, parts);
    }
    context.SetOutput(i, dtype, shape);
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const int64_t attr = context.attrs().Int("axis");
  const auto axis = static_cast<size_t>(attr < 0 ? attr + x.rank() : attr);
  std::vector<AxisSlice> slices;
  for (int64_t extent : x.dims()) slices.push_back({0, 1, extent});
  int64_t at = 0;
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    int64_t size = 0;
    if (context.HasInput(1)) {
      size = LoadInt(context.in(1).dtype(), context.in(1).data(), static_cast<int64_t>(i));
    } else {
      const auto sizes = Sizes(std::nullopt, x.dims()[axis], static_cast<int64_t>(context.num_outputs()));
      size = (*sizes)[i];
    }
    slices[axis] = {at, 1, size};
    at += size;
    if (!context.HasOutput(i)) continue;
    Dims dims = x.dims();
    dims[axis] = size;
    CopySlices(x, slices, context.AllocateOutput(i, std::move(dims)));
  }
  return Status::Ok();
}

Status ImportOld(ImportContext& context) {
  std::vector<ValueId> inputs = {context.in(0)};
  if (context.attrs().Has("split")) inputs.push_back(context.ConstInts(context.attrs().IntList("split")));
  return context.Emit("Split", std::move(inputs), {{"axis", context.attrs().Int("axis", 0)}});
}

Status ImportNew(ImportContext& context) {
  return context.Emit("Split", {context.in(0), context.in(1)}, {{"axis", context.attrs().Int("axis", 0)}});
}

// Split: (axis, x); SplitV: (x, sizes, axis), a size of -1 is what is left.
Status ImportTensorflow(ImportContext& context) {
  const bool has_sizes = context.num_inputs() == 3;
  SLIPWAY_ASSIGN_OR_RETURN(Ints axis, context.ConstantInts(has_sizes ? 2 : 0));
  if (axis.size() != 1) return context.Error("the axis must be one number");
  if (!has_sizes) return context.Emit("Split", {context.in(1)}, {{"axis", axis[0]}});
  SLIPWAY_ASSIGN_OR_RETURN(Ints sizes, context.ConstantInts(1));
  const Type& type = context.type(context.in(0));
  for (int64_t& size : sizes) {
    if (size != -1) continue;
    const int64_t at = type.HasRank() && axis[0] < 0 ? axis[0] + type.rank() : axis[0];
    if (!type.HasRank() || at < 0 || at >= type.rank() || !(*type.shape)[static_cast<size_t>(at)].IsKnown()) {
      return context.Unsupported("a size of -1 along an axis of unknown extent");
    }
    size = (*type.shape)[static_cast<size_t>(at)].value() -
           std::accumulate(sizes.begin(), sizes.end(), int64_t{1});
  }
  return context.Emit("Split", {context.in(0), context.ConstInts(sizes)}, {{"axis", axis[0]}});
}

// Unpack / Unstack: parts of extent 1 whose axis disappears.
Status ImportUnpack(ImportContext& context) {
  const int64_t axis = context.attrs().Int("axis");
  const size_t count = context.node().outputs.size();
  Node split;
  split.op = "Split";
  split.name = context.node().name + "/Split";
  split.inputs = {context.in(0)};
  split.attrs = {{"axis", axis}};
  std::vector<GraphBuilder::Output> outputs(count);
  const auto quant = context.builder().graph().value(context.in(0)).quant;
  for (GraphBuilder::Output& output : outputs) output = {context.node().name + "/part", quant, {}, false};
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<ValueId> parts,
                           context.builder().Add(std::move(split), std::move(outputs)));
  for (size_t i = 0; i < count; ++i) {
    Node squeeze;
    squeeze.op = "Squeeze";
    squeeze.name = context.node().name + "/" + std::to_string(i);
    squeeze.inputs = {parts[i], context.ConstInts({axis})};
    const Value& declared = context.node().outputs[i];
    SLIPWAY_ASSIGN_OR_RETURN(
        std::vector<ValueId> ids,
        context.builder().Add(std::move(squeeze), {{declared.name, declared.quant, declared.type, false}}));
    context.Bind(i, ids[0]);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeSplit() {
  OpDef op;
  op.name = "Split";
  op.group = "shape";
  op.summary =
      "Cuts x along an axis into parts of the given sizes, or of equal sizes (the last may be smaller).";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"split", kIndices, "[number of parts]; none: equal", Arity::kOptional}};
  op.outputs = {{"y", kAnyType, "the parts", Arity::kVariadic}};
  op.attrs = {IntAttr("axis", 0, "negative counts from the end")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"equal", {{.dims = {2, 6, 5}}}, {{"axis", int64_t{1}}}, 3}};
  };
  op.foreign = {{Format::kOnnx, "Split", 13, INT_MAX, ImportNew},
                {Format::kOnnx, "Split", 1, 12, ImportOld},
                {Format::kTensorflow, "Split", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "SplitV", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "Unpack", 1, INT_MAX, ImportUnpack},
                {Format::kTflite, "SPLIT", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "SPLIT_V", 1, INT_MAX, ImportTensorflow},
                {Format::kTflite, "UNPACK", 1, INT_MAX, ImportUnpack}};
  return op;
}

}  // namespace slipway
