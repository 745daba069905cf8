#include "api/golden_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/scalar.h"

namespace slipway {

double GoldenDifference::AllowedBy(const GoldenVector& golden, DType dtype, double scale) {
  return IsFloat(dtype) ? golden.absolute + golden.relative * scale : 0;
}

GoldenDifference DifferenceOf(const Tensor& got, const Tensor& want) {
  GoldenDifference difference;
  if (got.dtype() != want.dtype() || got.dims() != want.dims()) return {INFINITY, 0};
  for (int64_t i = 0; i < want.count(); ++i) {
    if (want.dtype() == DType::kString) {
      if (got.as<std::string>()[i] != want.as<std::string>()[i]) difference.largest = INFINITY;
      continue;
    }
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    difference.scale = std::max(difference.scale, std::isfinite(b) ? std::fabs(b) : 0);
    const bool is_same = a == b || (std::isnan(a) && std::isnan(b));
    if (!is_same)
      difference.largest =
          std::isnan(a) || std::isnan(b) ? INFINITY : std::max(difference.largest, std::fabs(a - b));
  }
  return difference;
}

Status CheckGolden(const std::vector<GoldenVector>& golden, Context& context, const Engine& engine) {
  for (const GoldenVector& each : golden) {
    context.ResetStates();
    SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context.Run(each.inputs));
    if (outputs.size() != each.outputs.size())
      return Status(Code::kInvalidModel, "golden vector '" + each.name + "' has the wrong number of outputs");
    for (size_t i = 0; i < outputs.size(); ++i) {
      const GoldenDifference difference = DifferenceOf(outputs[i], each.outputs[i]);
      const double allowed = GoldenDifference::AllowedBy(each, each.outputs[i].dtype(), difference.scale);
      if (difference.largest <= allowed) continue;
      return Status(Code::kMismatch,
                    fmt::format("golden vector '{}': output '{}' is {:.3g} off, {:.3g} is allowed", each.name,
                                engine.outputs()[i].name, difference.largest, allowed),
                    "'slipway doctor' tells more; --backend ref shows whether a kernel is wrong here");
    }
  }
  return Status::Ok();
}

}  // namespace slipway
