#include "ops/nn/residual.h"

#include "base/scalar.h"

namespace slipway {
namespace {

bool IsFitting(const DimList& residual, const DimList& result) {
  if (residual.size() != result.size()) return false;
  for (size_t i = 0; i < result.size(); ++i) {
    const bool is_known = residual[i].IsKnown() && result[i].IsKnown();
    if (is_known && residual[i].value() != result[i].value()) return false;
  }
  return true;
}

}  // namespace

Port ResidualPort() {
  return {"residual", kFloats, "as y: added before or after the activation; floats only", Arity::kOptional};
}

AttrDef ResidualAttr() {
  return StringAttr("residual_order", "before_activation", {"before_activation", "after_activation"},
                    "y = act(... + residual), or y = act(...) + residual");
}

ResidualOrder ResidualOrderOf(const Attrs& attrs) {
  return attrs.String("residual_order") == "after_activation" ? ResidualOrder::kAfterActivation
                                                              : ResidualOrder::kBeforeActivation;
}

Status CheckResidual(const InferContext& context) {
  if (!context.HasInput(kResidualInput)) return Status::Ok();
  const Type& residual = context.input(kResidualInput);
  const Type& result = context.output(0).type;
  if (!IsFloat(context.dtype(0)) || !IsFloat(context.dtype(1))) {
    return context.Unsupported("a residual needs a float input and float weights, not " +
                                   std::string(DTypeName(context.dtype(0))) + " and " +
                                   std::string(DTypeName(context.dtype(1))),
                               "add it by an Add behind");
  }
  const bool is_shape_wrong = residual.shape && result.shape && !IsFitting(*residual.shape, *result.shape);
  if (residual.dtype == result.dtype && !is_shape_wrong) return Status::Ok();
  return context.Error(
      "the residual is " + ToString(residual) + ", the result " + ToString(result) + ": they must be alike",
      "a residual does not broadcast; use an Add behind");
}

LayerEnd::LayerEnd(const RunContext& context)
    : activation_(ActivationOf(context.attrs())), order_(ResidualOrderOf(context.attrs())) {
  if (context.HasInput(kResidualInput)) residual_ = &context.in(kResidualInput);
}

double LayerEnd::operator()(double sum, int64_t at) const {
  if (residual_ == nullptr) return ApplyActivation(activation_, sum);
  const double residual = LoadReal(residual_->dtype(), residual_->data(), at);
  if (order_ == ResidualOrder::kBeforeActivation) return ApplyActivation(activation_, sum + residual);
  return ApplyActivation(activation_, sum) + residual;
}

}  // namespace slipway
