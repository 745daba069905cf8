// Cuts a tensor into consecutive parts along an axis.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/import_move.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

// What input 1 lists; of a constant all of it, however long: kernels count on parts of known extents.
std::optional<DimList> ListedParts(const InferContext& context) {
  const Tensor* constant = context.constant(1);
  return constant != nullptr ? std::optional(ToDimList(IntsOf(*constant))) : context.content(1);
}

// Extents of the parts: from the input, or equal with a smaller last one. Unknown parts are anonymous.
Result<DimList> PartsOf(const InferContext& context, const Dim& total) {
  const size_t n = context.num_outputs();
  if (context.HasInput(1)) {
    auto parts = ListedParts(context);
    if (!parts) return DimList(n);
    if (parts->size() != n) {
      return context.Error("split lists " + std::to_string(parts->size()) + " parts, the node has " +
                           std::to_string(n) + " outputs");
    }
    Dim given = 0;
    Dim* rest = nullptr;
    for (Dim& part : *parts) {
      if (part.IsKnown() && part.value() == -1 && rest == nullptr) {
        rest = &part;
      } else if (part.IsKnown() && part.value() < 0) {
        return context.Error("split " + ToString(*parts) + " has a negative part");
      } else {
        given = given + part;
      }
    }
    if (rest != nullptr) *rest = total - given;
    const bool is_known = total.IsKnown() && given.IsKnown();
    if (is_known && (rest != nullptr ? given.value() > total.value() : given.value() != total.value())) {
      return context.Error("split " + ToString(*parts) + " does not add up to " + total.ToString());
    }
    return std::move(*parts);
  }
  const auto count = static_cast<int64_t>(n);
  const int64_t asked = context.attrs().Int("num_outputs");
  if (asked != 0 && asked != count) {
    return context.Error("num_outputs is " + std::to_string(asked) + ", the node has " +
                         std::to_string(count) + " outputs");
  }
  DimList parts(n, CeilDiv(total, count));
  if (n > 0 && total.IsKnown()) {
    const int64_t part = parts[0].value();
    for (int64_t i = 0; i < count; ++i) {
      parts[static_cast<size_t>(i)] = std::clamp<int64_t>(total.value() - i * part, 0, part);
    }
  } else if (n > 0) {
    parts.back() = total - parts[0] * (count - 1);
  }
  return parts;
}

Status Infer(InferContext& context) {
  const size_t n = context.num_outputs();
  if (!context.shape(0)) {
    for (size_t i = 0; i < n; ++i) context.SetOutput(i, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(
      const int axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(shape.size())));
  SLIPWAY_ASSIGN_OR_RETURN(const DimList parts, PartsOf(context, shape[static_cast<size_t>(axis)]));
  const auto content = shape.size() == 1 && AllKnown(parts) ? context.content(0) : std::nullopt;
  std::ptrdiff_t at = 0;
  for (size_t i = 0; i < n; ++i) {
    shape[static_cast<size_t>(axis)] = parts[i];
    context.SetOutput(i, context.dtype(0), shape);
    if (!content) continue;
    context.SetContent(i, Content(content->begin() + at, content->begin() + at + parts[i].value()));
    at += parts[i].value();
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const int64_t attr = context.attrs().Int("axis");
  const auto axis = static_cast<size_t>(attr < 0 ? attr + x.rank() : attr);
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  int64_t at = 0;
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    // Known once the inputs are: infer has seen their content.
    const Dims dims = KnownDims(*context.out_type(i).shape);
    if (context.HasOutput(i)) {
      Tensor& y = context.AllocateOutput(i, dims);
      CopyStrided(x.dtype(), x.data(), {at * strides[axis], strides}, y.data(), {0, DenseStrides(dims)},
                  dims);
    }
    at += dims[axis];
  }
  return Status::Ok();
}

// ONNX 2 to 12: the parts are an attribute.
Status ImportOld(ImportContext& context) {
  const Attrs& attrs = context.attrs();
  std::vector<ValueId> inputs = {context.in(0), context.in(1)};
  if (!attrs.IntList("split").empty()) inputs[1] = context.ConstInts(attrs.IntList("split"));
  return context.Emit("Split", std::move(inputs), {{"axis", attrs.Int("axis")}});
}

// TensorFlow and TFLite: the axis comes first.
Status ImportSplit(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axis, context.ConstantInts(0));
  if (axis.size() != 1) return context.Error("the axis must be one number");
  return context.Emit("Split", {context.in(1)}, {{"axis", axis[0]}});
}

Status ImportSplitV(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Ints axis, context.ConstantInts(2));
  if (axis.size() != 1) return context.Error("the axis must be one number");
  return context.Emit("Split", {context.in(0), context.in(1)}, {{"axis", axis[0]}});
}

// Unpack / Unstack: parts of extent 1 that lose the axis.
Status ImportUnpack(ImportContext& context) {
  const int64_t axis = context.attrs().Int("axis");
  const size_t n = context.node().outputs.size();
  const auto quant = context.builder().graph().value(context.in(0)).quant;
  Node node;
  node.op = "Split";
  node.name = context.node().name + "/Split";
  node.inputs = {context.in(0)};
  node.attrs = {{"axis", axis}};
  std::vector<GraphBuilder::Output> parts(n);
  for (size_t i = 0; i < n; ++i) parts[i] = {node.name, quant, {}, false};
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> cut,
                           context.builder().Add(std::move(node), std::move(parts)));
  for (size_t i = 0; i < n; ++i) {
    const Value& output = context.node().outputs[i];
    Node squeeze;
    squeeze.op = "Squeeze";
    squeeze.name = n == 1 ? context.node().name : context.node().name + ":" + std::to_string(i);
    squeeze.inputs = {cut[i], context.ConstInts({axis})};
    SLIPWAY_ASSIGN_OR_RETURN(
        const std::vector<ValueId> ids,
        context.builder().Add(std::move(squeeze), {{output.name, output.quant, output.type, false}}));
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
      "Cuts x into consecutive parts along an axis: of the given extents, or equal ones with a smaller last.";
  op.inputs = {
      {"x", kAnyType, "any shape"},
      {"split", kIndices, "[n], extents; one -1 takes what is left; none: equal parts", Arity::kOptional}};
  op.outputs = {{"y", kAnyType, "x between two cuts", Arity::kVariadic}};
  op.attrs = {IntAttr("axis", 0, "negative counts from the end"),
              IntAttr("num_outputs", 0, "0: as many as are named")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"equal", {{.dims = {2, 6, 5}}}, {{"axis", int64_t{1}}}, 3},
        {"uneven", {{.dims = {7, 4}}}, {{"num_outputs", int64_t{3}}}, 3},
        {"given",
         {{.dims = {3, 9}}, {.dtype = DType::kI64, .dims = {2}, .values = {2, 7}, .is_constant = true}},
         {{"axis", int64_t{-1}}},
         2}};
  };
  op.foreign = {{Format::kOnnx, "Split", 13},
                {Format::kOnnx, "Split", 1, 12, ImportOld},
                {Format::kTensorflow, "Split", 1, INT_MAX, ImportSplit},
                {Format::kTensorflow, "SplitV", 1, INT_MAX, ImportSplitV},
                {Format::kTensorflow, "Unpack", 1, INT_MAX, ImportUnpack},
                {Format::kTflite, "SPLIT", 1, INT_MAX, ImportSplit},
                {Format::kTflite, "SPLIT_V", 1, INT_MAX, ImportSplitV},
                {Format::kTflite, "UNPACK", 1, INT_MAX, ImportUnpack}};
  return op;
}

}  // namespace slipway
