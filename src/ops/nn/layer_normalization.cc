// Layer normalisation and its relative without a mean, RMS normalisation.
#include "base/scalar.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/normalize.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  for (size_t i = 1; i < context.num_outputs(); ++i) context.SetOutput(i, Type::OfUnknownShape(DType::kF32));
  if (!context.shape(0)) return Status::Ok();
  DimList shape = *context.shape(0);
  SLIPWAY_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context, context.attrs().Int("axis", -1),
                                                         static_cast<int>(shape.size())));
  for (size_t i = 1; i < context.num_inputs(); ++i) {
    if (!context.HasInput(i) || !context.shape(i)) continue;
    SLIPWAY_ASSIGN_OR_RETURN(const DimList both, BroadcastShapes(context, {&shape, &*context.shape(i)}));
    const bool is_grown = both.size() != shape.size() || (AllKnown(both) && AllKnown(shape) && both != shape);
    if (is_grown)
      return context.Error(context.op().inputs[i].name + " " + ToString(*context.shape(i)) +
                           " does not broadcast to " + ToString(shape));
  }
  for (auto i = static_cast<size_t>(axis); i < shape.size(); ++i) shape[i] = Dim(1);
  for (size_t i = 1; i < context.num_outputs(); ++i) context.SetOutput(i, DType::kF32, shape);
  return Status::Ok();
}

enum class Center { kMean, kZero };

// About zero the variance is the mean square: by definition, so that an infinite element leaves the others 0.
Moments MomentsAbout(Center center, std::span<const double> row) {
  if (center == Center::kMean) return MomentsOf(row);
  double sum = 0;
  for (const double x : row) sum += x * x;
  return {0, sum / static_cast<double>(row.size())};
}

Status Run(const RunContext& context, Center center) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (x.count() == 0) return Status::Ok();
  int64_t axis = context.attrs().Int("axis", -1);
  if (axis < 0) axis += x.rank();
  int64_t length = 1;
  for (auto i = static_cast<int>(axis); i < x.rank(); ++i) length *= x.dim(i);
  const std::vector<double> values = Reals(x);
  const std::vector<double> scale = Reals(context.in(1));
  const std::vector<double> bias = context.HasInput(2) ? Reals(context.in(2)) : std::vector<double>();
  const double epsilon = static_cast<double>(context.attrs().Float("epsilon"));
  for (int64_t row = 0; row * length < x.count(); ++row) {
    const Moments moments = MomentsAbout(center, {values.data() + row * length, static_cast<size_t>(length)});
    const double inverse = 1 / std::sqrt(moments.variance + epsilon);
    if (context.HasOutput(1)) StoreReal(DType::kF32, context.out(1).data(), row, moments.mean);
    if (context.HasOutput(2)) StoreReal(DType::kF32, context.out(2).data(), row, inverse);
    for (int64_t i = row * length; i < (row + 1) * length; ++i) {
      double value = (values[static_cast<size_t>(i)] - moments.mean) * inverse;
      value *= scale[static_cast<size_t>(BroadcastIndex(context.in(1).dims(), x.dims(), i))];
      if (!bias.empty())
        value += bias[static_cast<size_t>(BroadcastIndex(context.in(2).dims(), x.dims(), i))];
      StoreReal(y.dtype(), y.data(), i, value);
    }
  }
  return Status::Ok();
}

OpDef Common() {
  OpDef op;
  op.group = "nn";
  op.inputs = {{"x", kFloats, "any shape"}, {"scale", kFloats, "broadcasts to x"}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = {IntAttr("axis", -1, "first of the axes to normalise over"),
              FloatAttr("epsilon", 1e-5F, "keeps the divisor off zero"),
              IntAttr("stash_type", 1, "ONNX: precision of the moments; ours are exact")};
  op.infer = Infer;
  op.flops = [](const InferContext& context) { return 6 * context.CountOfOutput(0); };
  op.tolerance = {.relative = 1e-4, .absolute = 1e-5};
  return op;
}

std::vector<TestCase> Cases(size_t parameters) {
  std::vector<TestCase> cases;
  for (const auto& [dims, axis] :
       {std::pair{Dims{3, 65}, int64_t{-1}}, {Dims{2, 5, 32}, 2}, {Dims{2, 3, 4, 5}, 1}, {Dims{7}, 0}}) {
    const size_t first = static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(dims.size()) : axis);
    const TestInput parameter{.dims = Dims(dims.begin() + static_cast<int64_t>(first), dims.end()),
                              .low = -1,
                              .high = 1,
                              .is_constant = true};
    TestCase test{ToString(dims), {{.dims = dims}}, {{"axis", axis}}};
    for (size_t i = 0; i < parameters; ++i) test.inputs.push_back(parameter);
    cases.push_back(std::move(test));
  }
  return cases;
}

}  // namespace

OpDef MakeLayerNormalization() {
  OpDef op = Common();
  op.name = "LayerNormalization";
  op.summary = "Normalises the trailing axes by their mean and variance.";
  op.formula = "y = (x - mean) / sqrt(var + epsilon) * scale + bias";
  op.inputs.push_back({"bias", kFloats, "broadcasts to x", Arity::kOptional});
  op.outputs.push_back({"mean", {DType::kF32}, "1 along the normalised axes", Arity::kOptional});
  op.outputs.push_back({"inverse_deviation", {DType::kF32}, "1 along the normalised axes", Arity::kOptional});
  op.reference = [](RunContext& context) { return Run(context, Center::kMean); };
  op.cases = [] { return Cases(2); };
  op.foreign = {{Format::kOnnx, "LayerNormalization", 1}};
  for (ForeignRow& row : ContribLayerNormalizationRows()) op.foreign.push_back(std::move(row));
  return op;
}

OpDef MakeRMSNormalization() {
  OpDef op = Common();
  op.name = "RMSNormalization";
  op.summary = "Divides the trailing axes by their root mean square.";
  op.formula = "y = x / sqrt(mean(x^2) + epsilon) * scale";
  op.reference = [](RunContext& context) { return Run(context, Center::kZero); };
  op.cases = [] { return Cases(1); };
  op.foreign = {{Format::kOnnx, "RMSNormalization", 23}, {Format::kOnnx, "SimplifiedLayerNormalization"}};
  for (ForeignRow& row : ContribRmsNormalizationRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
