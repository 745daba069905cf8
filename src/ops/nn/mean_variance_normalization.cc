// Normalisation over chosen axes, without parameters.
#include <algorithm>
#include <map>

#include "base/scalar.h"
#include "ops/nn/normalize.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  if (!context.shape(0)) return Status::Ok();
  std::vector<bool> is_named(context.shape(0)->size(), false);
  for (int64_t axis : context.attrs().IntList("axes")) {
    SLIPWAY_ASSIGN_OR_RETURN(const int at, NormalizeAxis(context, axis, static_cast<int>(is_named.size())));
    if (is_named[static_cast<size_t>(at)])
      return context.Error("axes name axis " + std::to_string(at) + " of " + ToString(context.input(0)) +
                           " twice");
    is_named[static_cast<size_t>(at)] = true;
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const std::vector<double> values = Reals(x);
  Dims kept = x.dims();  // 1 along the normalised axes: elements of one group share their index in it
  for (int64_t axis : context.attrs().IntList("axes"))
    kept[static_cast<size_t>(axis < 0 ? axis + x.rank() : axis)] = 1;
  std::vector<std::vector<double>> groups(static_cast<size_t>(CountOf(kept)));
  for (int64_t i = 0; i < x.count(); ++i) {
    groups[static_cast<size_t>(BroadcastIndex(kept, x.dims(), i))].push_back(values[static_cast<size_t>(i)]);
  }
  std::vector<Moments> moments;
  for (const auto& group : groups) moments.push_back(MomentsOf(group));
  constexpr double kEpsilon = 1e-9;  // ONNX's, added to the deviation
  for (int64_t i = 0; i < x.count(); ++i) {
    const Moments& own = moments[static_cast<size_t>(BroadcastIndex(kept, x.dims(), i))];
    StoreReal(y.dtype(), y.data(), i,
              (values[static_cast<size_t>(i)] - own.mean) / (std::sqrt(own.variance) + kEpsilon));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeMeanVarianceNormalization() {
  OpDef op;
  op.name = "MeanVarianceNormalization";
  op.group = "nn";
  op.summary = "Normalises by the mean and deviation over chosen axes.";
  op.formula = "y = (x - mean) / (deviation + 1e-9)";
  op.inputs = {{"x", kFloats, "any shape"}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = {IntsAttr("axes", {0, 2, 3}, "axes to take the moments over")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 6 * context.CountOfOutput(0); };
  op.cases = [] {
    return std::vector<TestCase>{{"image", {{.dims = {2, 3, 5, 7}}}, {}},
                                 {"across", {{.dims = {2, 3, 5}}}, {{"axes", Ints{1, -1}}}}};
  };
  op.tolerance = {.relative = 1e-4, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "MeanVarianceNormalization"}};
  return op;
}

}  // namespace slipway
