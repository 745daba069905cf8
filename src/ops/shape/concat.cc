// Joins tensors along an axis.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/activation.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/math/elementwise.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  std::optional<DimList> result;
  int axis = 0;
  Dim total = 0;
  bool is_rank_known = true;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    if (context.dtype(i) != context.dtype(0)) return context.Error("the inputs must be of one type");
    is_rank_known &= context.shape(i).has_value();
  }
  if (!is_rank_known) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    const DimList& shape = *context.shape(i);
    if (!result) {
      SLIPWAY_ASSIGN_OR_RETURN(
          axis, NormalizeAxis(context, context.attrs().Int("axis"), static_cast<int>(shape.size())));
      result = shape;
    }
    if (shape.size() != result->size()) {
      return context.Error("inputs have ranks " + std::to_string(result->size()) + " and " +
                           std::to_string(shape.size()));
    }
    for (size_t k = 0; k < shape.size(); ++k) {
      if (static_cast<int>(k) == axis) continue;
      Dim& merged = (*result)[k];
      if (merged.IsKnown() && shape[k].IsKnown() && merged.value() != shape[k].value()) {
        return context.Error("input 0 is " + ToString(*context.shape(0)) + ", input " + std::to_string(i) +
                             " is " + ToString(shape) + ": axis " + std::to_string(k) + " must agree");
      }
      if (!merged.IsKnown() && shape[k].IsKnown()) merged = shape[k];
    }
    total = total + shape[static_cast<size_t>(axis)];
  }
  (*result)[static_cast<size_t>(axis)] = total;
  context.SetOutput(0, context.dtype(0), *result);
  if (result->size() != 1) return Status::Ok();
  Content joined;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    const auto content = context.content(i);
    if (!content) return Status::Ok();
    joined.insert(joined.end(), content->begin(), content->end());
  }
  if (joined.size() <= static_cast<size_t>(kMaxContentElements)) context.SetContent(0, std::move(joined));
  return Status::Ok();
}

// TFLite's uint8 concatenation requantises inputs of another scale: round(x * scale + bias) in float.
void Requantize(const Tensor& x, const Quant& from, const Quant& to, Tensor& result) {
  const float scale = from.scales[0] * (1.0f / to.scales[0]);
  const float bias = static_cast<float>(-from.zero_points[0]) * scale;
  const int64_t low = MinOfInteger(x.dtype());
  const int64_t high = MaxOfInteger(x.dtype());
  for (int64_t i = 0; i < x.count(); ++i) {
    const float real = static_cast<float>(LoadInt(x.dtype(), x.data(), i)) * scale + bias;
    StoreInt(x.dtype(), result.data(), i,
             std::clamp<int64_t>(static_cast<int64_t>(std::round(real)) + to.zero_points[0], low, high));
  }
}

bool MustRequantize(const RunContext& context, size_t i) {
  const Quant* from = context.in_quant(i);
  const Quant* to = context.out_quant(0);
  return from != nullptr && to != nullptr && IsInteger(context.in(i).dtype()) && from->scales.size() == 1 &&
         to->scales.size() == 1 && *from != *to;
}

Status Reference(RunContext& context) {
  Tensor& y = context.out(0);
  const auto rank = static_cast<int64_t>(y.rank());
  const int64_t attr = context.attrs().Int("axis");
  const auto axis = static_cast<size_t>(attr < 0 ? attr + rank : attr);
  const std::vector<int64_t> strides = DenseStrides(y.dims());
  int64_t at = 0;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    const Tensor* x = &context.in(i);
    Tensor requantized;
    if (MustRequantize(context, i)) {
      requantized = Tensor(x->dtype(), x->dims());
      Requantize(*x, *context.in_quant(i), *context.out_quant(0), requantized);
      x = &requantized;
    }
    CopyStrided(y.dtype(), x->data(), {0, DenseStrides(x->dims())}, y.data(), {at * strides[axis], strides},
                x->dims());
    at += x->dims()[axis];
  }
  const ActivationSpec activation = ActivationOf(context.attrs());
  if (activation.kind == Activation::kNone || !IsFloat(y.dtype())) return Status::Ok();
  for (int64_t i = 0; i < y.count(); ++i) {
    StoreReal(y.dtype(), y.data(), i, ApplyActivation(activation, LoadReal(y.dtype(), y.data(), i)));
  }
  return Status::Ok();
}

// TensorFlow: the axis is the last input (ConcatV2) or the first (Concat).
Status ImportTensorflow(ImportContext& context) {
  const bool is_first = context.node().op == "Concat";
  std::vector<ValueId> inputs = context.node().inputs;
  if (inputs.empty()) return context.Error("has no inputs");
  const size_t place = is_first ? 0 : inputs.size() - 1;
  SLIPWAY_ASSIGN_OR_RETURN(Ints axis, context.ConstantInts(place));
  if (axis.size() != 1) return context.Error("the axis must be one number");
  inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(place));
  return context.Emit("Concat", std::move(inputs), {{"axis", axis[0]}});
}

Status ImportTflite(ImportContext& context) {
  const std::string_view activation =
      ActivationFromTflite(context.attrs().String("fused_activation_function"));
  if (activation.empty()) return context.Unsupported("unknown fused activation");
  return context.Emit("Concat", context.node().inputs,
                      {{"axis", context.attrs().Int("axis")}, {"activation", std::string(activation)}});
}

// Pack / Stack: every input gets the new axis first.
Status ImportPack(ImportContext& context) {
  const int64_t axis = context.attrs().Int("axis");
  std::vector<ValueId> inputs;
  for (ValueId input : context.node().inputs) {
    SLIPWAY_ASSIGN_OR_RETURN(ValueId expanded, context.Add("Unsqueeze", {input, context.ConstInts({axis})}));
    if (const auto& quant = context.builder().graph().value(input).quant) {
      context.builder().graph().value(expanded).quant = quant;
    }
    inputs.push_back(expanded);
  }
  return context.Emit("Concat", std::move(inputs), {{"axis", axis}});
}

}  // namespace

OpDef MakeConcat() {
  OpDef op;
  op.name = "Concat";
  op.group = "shape";
  op.summary = "Joins tensors along an axis; the other axes must agree.";
  op.inputs = {{"x", kAnyType, "of one type and rank", Arity::kOneOrMore}};
  op.outputs = {{"y", kAnyType, "the sum of extents along `axis`"}};
  op.attrs = ActivationAttrs();
  op.attrs.push_back(IntAttr("axis", 0, "negative counts from the end"));
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return WithQuantized({{"channels",
                           {{.dims = {2, 3, 5}}, {.dims = {2, 4, 5}}, {.dims = {2, 1, 5}}},
                           {{"axis", int64_t{1}}}},
                          {"last", {{.dims = {3, 7, 16}}, {.dims = {3, 7, 19}}}, {{"axis", int64_t{-1}}}}},
                         {-4, 4}, {-4, 4});
  };
  op.foreign = {{Format::kOnnx, "Concat"},
                {Format::kTensorflow, "ConcatV2", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "Concat", 1, INT_MAX, ImportTensorflow},
                {Format::kTensorflow, "Pack", 1, INT_MAX, ImportPack},
                {Format::kTflite, "CONCATENATION", 1, INT_MAX, ImportTflite},
                {Format::kTflite, "PACK", 1, INT_MAX, ImportPack}};
  return op;
}

}  // namespace slipway
