// Linear models: a weighted sum of the features per target or class.
//
// Source: LinearRegressor-1 and LinearClassifier-1 of ai.onnx.ml.
#include "base/scalar.h"
#include "ops/ml/ml.h"

namespace slipway {
namespace {

// The number of sums: as many as `coefficients` and `intercepts` are for.
Status CheckWeights(const InferContext& context, size_t sums) {
  const size_t coefficients = context.attrs().FloatList("coefficients").size();
  const size_t intercepts = context.attrs().FloatList("intercepts").size();
  const int64_t features = FeaturesOf(context);
  if (sums == 0 || coefficients % sums != 0 ||
      (features >= 0 && coefficients != sums * static_cast<size_t>(features))) {
    return context.Error(std::to_string(coefficients) + " coefficients do not fit " + std::to_string(sums) +
                         " sums of " + std::to_string(features) + " features");
  }
  if (intercepts != 0 && intercepts != sums)
    return context.Error(std::to_string(intercepts) + " intercepts for " + std::to_string(sums) + " sums");
  return Status::Ok();
}

std::vector<double> SumsOf(const Attrs& attrs, const std::vector<double>& row, size_t sums) {
  const Floats& coefficients = attrs.FloatList("coefficients");
  const Floats& intercepts = attrs.FloatList("intercepts");
  std::vector<double> results(sums);
  for (size_t t = 0; t < sums; ++t) {
    if (!intercepts.empty()) results[t] = static_cast<double>(intercepts[t]);
    for (size_t k = 0; k < row.size(); ++k)
      results[t] += row[k] * static_cast<double>(coefficients[t * row.size() + k]);
  }
  return results;
}

Status InferRegressor(InferContext& context) {
  const int64_t targets = context.attrs().Int("targets");
  if (targets < 1) return context.Error("targets is " + std::to_string(targets) + "; it must be 1 or more");
  SLIPWAY_RETURN_IF_ERROR(CheckWeights(context, static_cast<size_t>(targets)));
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, RowShape(context, targets));
  context.SetOutput(0, DType::kF32, std::move(shape));
  return Status::Ok();
}

Status RunRegressor(RunContext& context) {
  const Tensor& x = context.in(0);
  const SampleRows rows = RowsOf(x);
  const int64_t targets = context.attrs().Int("targets");
  Tensor& y = context.AllocateOutput(0, {rows.samples, targets});
  for (int64_t n = 0; n < rows.samples; ++n) {
    std::vector<double> scores =
        SumsOf(context.attrs(), RealsOfRow(x, n, rows.features), static_cast<size_t>(targets));
    FinishScores(context.attrs().String("post_transform"), SecondScore::kNone, scores);
    for (int64_t t = 0; t < targets; ++t)
      StoreReal(y.dtype(), y.data(), n * targets + t, scores[static_cast<size_t>(t)]);
  }
  return Status::Ok();
}

constexpr const char* kLabels = "classlabels_ints";

// One sum for two classes: its sign decides.
bool IsBinary(const Attrs& attrs) {
  return attrs.FloatList("intercepts").size() == 1 && Labels(attrs, kLabels).size() == 2;
}

Status InferClassifier(InferContext& context) {
  const Attrs& attrs = context.attrs();
  const Labels labels(attrs, kLabels);
  const size_t sums = attrs.FloatList("intercepts").size();
  SLIPWAY_RETURN_IF_ERROR(CheckWeights(context, sums));
  if (!IsBinary(attrs) && labels.size() != 0 && labels.size() != sums)
    return context.Error(std::to_string(labels.size()) + " labels for " + std::to_string(sums) +
                         " intercepts");
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape,
                           RowShape(context, IsBinary(attrs) ? 2 : static_cast<int64_t>(sums)));
  context.SetOutput(0, labels.dtype(), {shape[0]});
  context.SetOutput(1, DType::kF32, std::move(shape));
  return Status::Ok();
}

Status RunClassifier(RunContext& context) {
  const Tensor& x = context.in(0);
  const Attrs& attrs = context.attrs();
  const SampleRows rows = RowsOf(x);
  const Labels labels(attrs, kLabels);
  const size_t sums = attrs.FloatList("intercepts").size();
  const auto columns = static_cast<int64_t>(IsBinary(attrs) ? 2 : sums);
  Tensor* label = context.HasOutput(0) ? &context.AllocateOutput(0, {rows.samples}) : nullptr;
  Tensor* score = context.HasOutput(1) ? &context.AllocateOutput(1, {rows.samples, columns}) : nullptr;
  for (int64_t n = 0; n < rows.samples; ++n) {
    std::vector<double> scores = SumsOf(attrs, RealsOfRow(x, n, rows.features), sums);
    const size_t best = sums == 1 ? (scores[0] > 0 ? 1 : 0) : ArgMax(scores);
    if (label != nullptr) labels.Store(labels.size() == 1 ? 0 : best, *label, n);
    if (score == nullptr) continue;
    const std::string& transform = attrs.String("post_transform");
    const SecondScore second = IsBinary(attrs) ? SecondScore::kComplement : SecondScore::kNone;
    if (IsBinary(attrs) && transform == "PROBIT") scores.insert(scores.begin(), 1 - scores[0]);
    FinishScores(transform, second, scores);
    for (int64_t t = 0; t < columns; ++t)
      StoreReal(score->dtype(), score->data(), n * columns + t, scores[static_cast<size_t>(t)]);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeLinearRegressor() {
  OpDef op;
  op.name = "LinearRegressor";
  op.group = "ml";
  op.summary = "A weighted sum of the features for each target.";
  op.formula = "y[n,t] = intercepts[t] + sum over k of coefficients[t,k] x[n,k]";
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]"}};
  op.outputs = {{"y", {DType::kF32}, "[N,targets]"}};
  op.attrs = {PostTransformAttr(), FloatsAttr("coefficients", {}, "[targets,features]"),
              FloatsAttr("intercepts", {}, "[targets]; zeros when empty"), IntAttr("targets", 1, "how many")};
  op.infer = InferRegressor;
  op.reference = RunRegressor;
  op.cases = [] {
    return std::vector<TestCase>{{"two_targets",
                                  {{.dims = {4, 3}}},
                                  {{"coefficients", Floats{1, -2, 0.5F, 0.25F, 3, -1}},
                                   {"intercepts", Floats{1, 2}},
                                   {"targets", int64_t{2}}}}};
  };
  op.foreign = {{Format::kOnnx, "LinearRegressor", 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

OpDef MakeLinearClassifier() {
  OpDef op;
  op.name = "LinearClassifier";
  op.group = "ml";
  op.summary =
      "The class with the greatest weighted sum of the features; of two classes with one sum, by its sign.";
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]"}};
  op.outputs = {{"label", {DType::kString, DType::kI64}, "[N]: the class of each sample"},
                {"scores", {DType::kF32}, "[N,classes]"}};
  op.attrs = LabelAttrs(kLabels);
  op.attrs.push_back(PostTransformAttr());
  op.attrs.push_back(Required(FloatsAttr("coefficients", {}, "[classes,features]")));
  op.attrs.push_back(FloatsAttr("intercepts", {}, "[classes]"));
  op.attrs.push_back(IntAttr("multi_class", 0, "not used"));
  op.infer = InferClassifier;
  op.reference = RunClassifier;
  op.cases = [] {
    const Floats coefficients = {1, -2, 0.5F, 0.25F, 3, -1};
    return std::vector<TestCase>{{"three_classes",
                                  {{.dims = {5, 2}}},
                                  {{"coefficients", coefficients},
                                   {"intercepts", Floats{0, 1, -1}},
                                   {"classlabels_ints", Ints{3, 5, 7}},
                                   {"post_transform", std::string("SOFTMAX")}},
                                  2}};
  };
  op.foreign = {{Format::kOnnx, "LinearClassifier", 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

}  // namespace slipway
