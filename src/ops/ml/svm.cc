// Support vector machines (libsvm's and liblinear's), for regression, outliers and classes.
//
// Source: SVMRegressor-1 and SVMClassifier-1 of ai.onnx.ml. Probabilities of pairs of classes become those of
// classes by the second method of Wu, Lin and Weng (2004).
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/ml/ml.h"

namespace slipway {
namespace {

constexpr const char* kLabels = "classlabels_ints";

struct Kernel {
  std::string type;
  double gamma = 0, coef0 = 0, degree = 0;

  double operator()(const double* a, const double* b, size_t n) const {
    double dot = 0, distance = 0;
    for (size_t i = 0; i < n; ++i) {
      dot += a[i] * b[i];
      distance += (a[i] - b[i]) * (a[i] - b[i]);
    }
    if (type == "RBF") return std::exp(-gamma * distance);
    if (type == "POLY") return std::pow(gamma * dot + coef0, degree);
    if (type == "SIGMOID") return std::tanh(gamma * dot + coef0);
    return dot;
  }
};

Kernel KernelOf(const Attrs& attrs) {
  Kernel kernel{attrs.String("kernel_type")};
  const std::vector<double> params = RealsOfAttr(attrs, "kernel_params");
  if (params.size() == 3) kernel.gamma = params[0], kernel.coef0 = params[1], kernel.degree = params[2];
  return kernel;
}

// `size` numbers in `name`.
Status CheckSize(const InferContext& context, const char* name, double size) {
  const size_t has = context.attrs().FloatList(name).size();
  if (static_cast<double>(has) == size) return Status::Ok();
  return context.Error(std::string(name) + " has " + std::to_string(has) + " numbers; it must have " +
                       std::to_string(static_cast<int64_t>(size)));
}

Status CheckKernel(const InferContext& context) {
  const size_t params = context.attrs().FloatList("kernel_params").size();
  if (params != 0 && params != 3) return context.Error("kernel_params must be gamma, coef0 and degree");
  return Status::Ok();
}

// Features of each support vector, checked against x's.
Status CheckVectors(const InferContext& context, int64_t vectors) {
  const auto size = static_cast<int64_t>(context.attrs().FloatList("support_vectors").size());
  const int64_t features = FeaturesOf(context);
  if (size % vectors == 0 && size > 0 && (features < 0 || size / vectors == features)) return Status::Ok();
  return context.Error("support_vectors has " + std::to_string(size) + " numbers for " +
                       std::to_string(vectors) + " vectors of " + std::to_string(features) + " features");
}

Status InferRegressor(InferContext& context) {
  const int64_t vectors = context.attrs().Int("n_supports");
  SLIPWAY_RETURN_IF_ERROR(CheckKernel(context));
  SLIPWAY_RETURN_IF_ERROR(CheckSize(context, "rho", 1));
  if (vectors < 0) return context.Error("n_supports must not be negative");
  if (vectors > 0) {
    SLIPWAY_RETURN_IF_ERROR(CheckVectors(context, vectors));
    SLIPWAY_RETURN_IF_ERROR(CheckSize(context, "coefficients", static_cast<double>(vectors)));
  } else if (const int64_t features = FeaturesOf(context); features >= 0) {
    SLIPWAY_RETURN_IF_ERROR(CheckSize(context, "coefficients", static_cast<double>(features)));
  }
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, RowShape(context, 1));
  context.SetOutput(0, DType::kF32, std::move(shape));
  return Status::Ok();
}

Status RunRegressor(RunContext& context) {
  const Tensor& x = context.in(0);
  const Attrs& attrs = context.attrs();
  const SampleRows rows = RowsOf(x);
  const auto vectors = static_cast<size_t>(attrs.Int("n_supports"));
  const std::vector<double> support = RealsOfAttr(attrs, "support_vectors");
  const std::vector<double> coefficients = RealsOfAttr(attrs, "coefficients");
  const auto features = static_cast<size_t>(rows.features);
  const Kernel kernel = vectors > 0 ? KernelOf(attrs) : Kernel{"LINEAR"};
  Tensor& y = context.AllocateOutput(0, {rows.samples, 1});
  for (int64_t n = 0; n < rows.samples; ++n) {
    const std::vector<double> row = RealsOfRow(x, n, rows.features);
    double sum = static_cast<double>(attrs.FloatList("rho")[0]);
    for (size_t j = 0; j < vectors; ++j)
      sum += coefficients[j] * kernel(row.data(), &support[j * features], features);
    if (vectors == 0) sum += kernel(row.data(), coefficients.data(), features);
    std::vector<double> scores = {attrs.Int("one_class") != 0 ? (sum > 0 ? 1.0 : -1.0) : sum};
    FinishScores(attrs.String("post_transform"), SecondScore::kNone, scores);
    StoreReal(y.dtype(), y.data(), n, scores[0]);
  }
  return Status::Ok();
}

// A classifier, read from the attributes. Without support vectors it is linear, a sum per class; with them
// every pair of classes votes.
struct Classifier {
  size_t classes = 0, vectors = 0;
  Kernel kernel;
  std::vector<size_t> first, count;  // of each class: its vectors
  std::vector<double> coefficients, support, rho, prob_a, prob_b;

  bool HasProbabilities() const { return vectors > 0 && !prob_a.empty(); }
  size_t pairs() const { return classes * (classes - 1) / 2; }
  // Scores of a sample before labels are chosen.
  size_t scores() const { return vectors == 0 || HasProbabilities() ? classes : pairs(); }
};

Classifier ClassifierOf(const Attrs& attrs) {
  Classifier svm;
  svm.classes = std::max<size_t>(Labels(attrs, kLabels).size(), 1);
  for (int64_t count : attrs.IntList("vectors_per_class")) {
    svm.first.push_back(svm.vectors);
    svm.count.push_back(static_cast<size_t>(count));
    svm.vectors += static_cast<size_t>(count);
  }
  svm.kernel = svm.vectors > 0 ? KernelOf(attrs) : Kernel{"LINEAR"};
  svm.coefficients = RealsOfAttr(attrs, "coefficients");
  svm.support = RealsOfAttr(attrs, "support_vectors");
  svm.rho = RealsOfAttr(attrs, "rho");
  svm.prob_a = RealsOfAttr(attrs, "prob_a");
  svm.prob_b = RealsOfAttr(attrs, "prob_b");
  return svm;
}

// Two classes without probabilities have one score, and get a second.
bool HasSecond(const Classifier& svm) { return svm.scores() == 1 && svm.classes == 2; }

Status InferClassifier(InferContext& context) {
  const Attrs& attrs = context.attrs();
  SLIPWAY_RETURN_IF_ERROR(CheckKernel(context));
  for (int64_t count : attrs.IntList("vectors_per_class")) {
    if (count < 0 || count > INT32_MAX)
      return context.Error("vectors_per_class has " + std::to_string(count));
  }
  const Labels labels(attrs, kLabels);
  const Classifier svm = ClassifierOf(attrs);
  if (labels.size() > 0x7FFF) return context.Error("there are more than 32767 classes");
  if (svm.vectors > 0) {
    if (svm.count.size() != svm.classes || svm.classes < 2)
      return context.Error("vectors_per_class has " + std::to_string(svm.count.size()) + " numbers for " +
                           std::to_string(svm.classes) + " classes");
    SLIPWAY_RETURN_IF_ERROR(CheckVectors(context, static_cast<int64_t>(svm.vectors)));
    const auto pairs = static_cast<double>(svm.pairs());
    SLIPWAY_RETURN_IF_ERROR(CheckSize(context, "rho", pairs));
    SLIPWAY_RETURN_IF_ERROR(CheckSize(
        context, "coefficients", static_cast<double>(svm.classes - 1) * static_cast<double>(svm.vectors)));
    if (svm.HasProbabilities()) {
      SLIPWAY_RETURN_IF_ERROR(CheckSize(context, "prob_a", pairs));
      SLIPWAY_RETURN_IF_ERROR(CheckSize(context, "prob_b", pairs));
    }
  } else {
    if (svm.rho.empty()) return context.Error("rho is missing");
    const int64_t features = FeaturesOf(context);
    if (features >= 0)
      SLIPWAY_RETURN_IF_ERROR(CheckSize(context, "coefficients",
                                        static_cast<double>(svm.classes) * static_cast<double>(features)));
  }
  const size_t columns = HasSecond(svm) ? 2 : svm.scores();
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, RowShape(context, static_cast<int64_t>(columns)));
  context.SetOutput(0, labels.dtype(), {shape[0]});
  context.SetOutput(1, DType::kF32, std::move(shape));
  return Status::Ok();
}

// One score per pair of classes, and who won it.
std::vector<double> VoteOf(const Classifier& svm, const std::vector<double>& row,
                           std::vector<double>& votes) {
  std::vector<double> kernels(svm.vectors);
  for (size_t j = 0; j < svm.vectors; ++j)
    kernels[j] = svm.kernel(row.data(), &svm.support[j * row.size()], row.size());
  const auto sum = [&](size_t row_of, size_t of_class) {
    double result = 0;
    for (size_t k = svm.first[of_class]; k < svm.first[of_class] + svm.count[of_class]; ++k)
      result += svm.coefficients[row_of * svm.vectors + k] * kernels[k];
    return result;
  };
  std::vector<double> scores;
  votes.assign(svm.classes, 0);
  for (size_t i = 0; i < svm.classes; ++i) {
    for (size_t j = i + 1; j < svm.classes; ++j) {
      scores.push_back(svm.rho[scores.size()] + sum(j - 1, i) + sum(i, j));
      ++votes[scores.back() > 0 ? i : j];
    }
  }
  return scores;
}

// p: k x k, p[i,j]: how likely i is of the two. Minimises sum (p[j,i] P[i] - p[i,j] P[j])^2.
std::vector<double> ClassProbabilities(size_t k, const std::vector<double>& p) {
  std::vector<double> q(k * k), result(k, 1.0 / static_cast<double>(k)), qp(k);
  for (size_t t = 0; t < k; ++t) {
    for (size_t j = 0; j < k; ++j) {
      if (j == t) continue;
      q[t * k + t] += p[j * k + t] * p[j * k + t];
      q[t * k + j] = -p[j * k + t] * p[t * k + j];
    }
  }
  const double close_enough = 0.005 / static_cast<double>(k);
  const size_t rounds = std::max<size_t>(100, k);
  for (size_t round = 0; round < rounds; ++round) {
    double pqp = 0, error = 0;
    for (size_t t = 0; t < k; ++t) {
      qp[t] = 0;
      for (size_t j = 0; j < k; ++j) qp[t] += q[t * k + j] * result[j];
      pqp += result[t] * qp[t];
    }
    for (size_t t = 0; t < k; ++t) error = std::max(error, std::fabs(qp[t] - pqp));
    if (error < close_enough) break;
    for (size_t t = 0; t < k; ++t) {
      const double step = (pqp - qp[t]) / q[t * k + t];
      result[t] += step;
      pqp = (pqp + step * (step * q[t * k + t] + 2 * qp[t])) / (1 + step) / (1 + step);
      for (size_t j = 0; j < k; ++j) {
        qp[j] = (qp[j] + step * q[t * k + j]) / (1 + step);
        result[j] /= 1 + step;
      }
    }
  }
  return result;
}

std::vector<double> ProbabilitiesOf(const Classifier& svm, const std::vector<double>& scores) {
  const size_t k = svm.classes;
  std::vector<double> pairs(k * k);
  size_t at = 0;
  for (size_t i = 0; i < k; ++i) {
    for (size_t j = i + 1; j < k; ++j, ++at) {
      const double raw = 1 / (1 + std::exp(scores[at] * svm.prob_a[at] + svm.prob_b[at]));
      pairs[i * k + j] = std::clamp(raw, 1e-7, 1 - 1e-7);
      pairs[j * k + i] = 1 - pairs[i * k + j];
    }
  }
  return ClassProbabilities(k, pairs);
}

std::vector<double> LinearScores(const Classifier& svm, const std::vector<double>& row) {
  std::vector<double> scores;
  for (size_t c = 0; c < svm.classes; ++c)
    scores.push_back(svm.rho[0] + svm.kernel(row.data(), &svm.coefficients[c * row.size()], row.size()));
  return scores;
}

Status RunClassifier(RunContext& context) {
  const Tensor& x = context.in(0);
  const Attrs& attrs = context.attrs();
  const SampleRows rows = RowsOf(x);
  const Labels labels(attrs, kLabels);
  const Classifier svm = ClassifierOf(attrs);
  const auto columns = static_cast<int64_t>(HasSecond(svm) ? 2 : svm.scores());
  const std::string& transform = attrs.String("post_transform");
  SecondScore second = SecondScore::kNone;
  if (HasSecond(svm)) second = transform == "NONE" ? SecondScore::kNegated : SecondScore::kComplement;
  Tensor* label = context.HasOutput(0) ? &context.AllocateOutput(0, {rows.samples}) : nullptr;
  Tensor* score = context.HasOutput(1) ? &context.AllocateOutput(1, {rows.samples, columns}) : nullptr;
  for (int64_t n = 0; n < rows.samples; ++n) {
    const std::vector<double> row = RealsOfRow(x, n, rows.features);
    std::vector<double> votes;
    std::vector<double> scores = svm.vectors > 0 ? VoteOf(svm, row, votes) : LinearScores(svm, row);
    if (svm.HasProbabilities()) scores = ProbabilitiesOf(svm, scores);
    const size_t best = ArgMax(votes.empty() ? scores : votes);
    if (label != nullptr) labels.Store(best, *label, n);
    if (score == nullptr) continue;
    FinishScores(transform, second, scores);
    scores.resize(static_cast<size_t>(columns));  // PROBIT leaves a single score alone
    for (int64_t t = 0; t < columns; ++t)
      StoreReal(score->dtype(), score->data(), n * columns + t, scores[static_cast<size_t>(t)]);
  }
  return Status::Ok();
}

std::vector<AttrDef> KernelAttrs() {
  return {
      StringAttr("kernel_type", "LINEAR", {"LINEAR", "POLY", "RBF", "SIGMOID"}, "how alike two samples are"),
      FloatsAttr("kernel_params", {}, "gamma, coef0, degree"),
      FloatsAttr("coefficients", {}, "of the support vectors; of the features where there are none"),
      FloatsAttr("support_vectors", {}, "[vectors,features]"),
      FloatsAttr("rho", {}, "what is added to each sum"),
      PostTransformAttr()};
}

}  // namespace

OpDef MakeSVMRegressor() {
  OpDef op;
  op.name = "SVMRegressor";
  op.group = "ml";
  op.summary =
      "A support vector machine's value, or with one_class whether a sample is like those it was trained on.";
  op.formula = "y = rho + sum over j of coefficients[j] kernel(x, support_vectors[j])";
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]"}};
  op.outputs = {{"y", {DType::kF32}, "[N,1]"}};
  op.attrs = KernelAttrs();
  op.attrs.push_back(IntAttr("n_supports", 0, "support vectors; 0: a linear sum"));
  op.attrs.push_back(IntAttr("one_class", 0, "1: 1 or -1, by the sign"));
  op.infer = InferRegressor;
  op.reference = RunRegressor;
  op.cases = [] {
    return std::vector<TestCase>{{"rbf",
                                  {{.dims = {4, 2}}},
                                  {{"kernel_type", std::string("RBF")},
                                   {"kernel_params", Floats{0.5F, 0, 3}},
                                   {"n_supports", int64_t{2}},
                                   {"support_vectors", Floats{1, 2, -1, 0.5F}},
                                   {"coefficients", Floats{1, -2}},
                                   {"rho", Floats{0.25F}}}}};
  };
  op.foreign = {{Format::kOnnx, "SVMRegressor", 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

OpDef MakeSVMClassifier() {
  OpDef op;
  op.name = "SVMClassifier";
  op.group = "ml";
  op.summary = "The class that wins most pairs of classes, by support vectors; without them, by linear sums.";
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]"}};
  op.outputs = {{"label", {DType::kString, DType::kI64}, "[N]: the class of each sample"},
                {"scores", {DType::kF32}, "[N,classes]; [N,pairs] of classes without probabilities"}};
  op.attrs = KernelAttrs();
  for (AttrDef& attr : LabelAttrs(kLabels)) op.attrs.push_back(std::move(attr));
  op.attrs.push_back(IntsAttr("vectors_per_class", {}, "support vectors of each class"));
  op.attrs.push_back(FloatsAttr("prob_a", {}, "of each pair: slope of its probability"));
  op.attrs.push_back(FloatsAttr("prob_b", {}, "of each pair: offset of its probability"));
  op.infer = InferClassifier;
  op.reference = RunClassifier;
  op.cases = [] {
    return std::vector<TestCase>{{"probabilities",
                                  {{.dims = {4, 2}}},
                                  {{"kernel_type", std::string("RBF")},
                                   {"kernel_params", Floats{0.5F, 0, 3}},
                                   {"vectors_per_class", Ints{1, 1, 1}},
                                   {"support_vectors", Floats{1, 2, -1, 0.5F, 0, -1}},
                                   {"coefficients", Floats{1, -2, 1, 0.5F, -1, -1}},
                                   {"rho", Floats{0.25F, 0.5F, -0.25F}},
                                   {"prob_a", Floats{-1, -1, -2}},
                                   {"prob_b", Floats{0, 0.5F, 0}},
                                   {"classlabels_ints", Ints{4, 5, 6}}},
                                  2}};
  };
  op.foreign = {{Format::kOnnx, "SVMClassifier", 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

}  // namespace slipway
