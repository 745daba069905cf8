#include "ops/ml/ml.h"

#include <algorithm>
#include <cmath>

#include "base/scalar.h"

namespace slipway {

SampleRows RowsOf(const Tensor& x) {
  if (x.rank() == 0) return {};
  return x.rank() == 1 ? SampleRows{1, x.dim(0)} : SampleRows{x.dim(0), x.dim(1)};
}

Result<DimList> RowShape(const InferContext& context, const Dim& columns) {
  const auto& x = context.shape(0);
  if (!x) return DimList{Dim(), columns};
  if (x->size() > 2) return context.Error("x is " + ToString(*x) + "; it must be [features] or [N,features]");
  return DimList{x->size() == 2 ? (*x)[0] : Dim(1), columns};
}

int64_t FeaturesOf(const InferContext& context) {
  const auto& x = context.shape(0);
  if (!x) return -1;
  if (x->empty()) return 1;
  return x->back().IsKnown() ? x->back().value() : -1;
}

AttrDef PostTransformAttr() {
  return StringAttr("post_transform", "NONE", {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"},
                    "applied to the scores of a sample; a single score takes PROBIT only");
}

namespace {

double Logistic(double x) { return 1 / (1 + std::exp(-x)); }

// Inverse of the normal distribution's cumulated density, by Winitzki's approximation of erfinv (2008).
double Probit(double x) {
  const double y = 2 * x - 1;
  const double log = std::log((1 - y) * (1 + y));
  const double a = 2 / (M_PI * 0.147) + 0.5 * log;
  return std::copysign(std::sqrt(2.0), y) * std::sqrt(std::sqrt(a * a - log / 0.147) - a);
}

enum class Zeros { kAsOthers, kKept };

void Softmax(std::vector<double>& scores, Zeros zeros) {
  constexpr double kZero = 1e-7;  // as onnxruntime draws the line
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) {
    const bool is_exponential = zeros == Zeros::kAsOthers || std::fabs(score) > kZero;
    score = is_exponential ? std::exp(score - most) : score * std::exp(-most);
    sum += score;
  }
  for (double& score : scores) score /= sum;
}

}  // namespace

void FinishScores(const std::string& transform, SecondScore second, std::vector<double>& scores) {
  if (scores.size() == 1 && transform != "PROBIT") {
    const double score = scores[0];
    const bool is_logistic = transform == "LOGISTIC";
    if (second == SecondScore::kComplement) scores = {1 - score, score};
    if (second == SecondScore::kNegated) scores = {-score, score};
    if (second != SecondScore::kNone && is_logistic) scores = {Logistic(-score), Logistic(score)};
    return;
  }
  if (transform == "LOGISTIC") std::transform(scores.begin(), scores.end(), scores.begin(), Logistic);
  if (transform == "PROBIT") std::transform(scores.begin(), scores.end(), scores.begin(), Probit);
  if (transform == "SOFTMAX" && !scores.empty()) Softmax(scores, Zeros::kAsOthers);
  if (transform == "SOFTMAX_ZERO" && !scores.empty()) Softmax(scores, Zeros::kKept);
}

std::vector<AttrDef> LabelAttrs(const char* ints_name) {
  return {StringsAttr("classlabels_strings", {}, "the classes, where they are strings"),
          IntsAttr(ints_name, {}, "the classes, where they are numbers")};
}

void Labels::Store(size_t i, Tensor& to, int64_t at) const {
  if (!strings_.empty()) {
    to.as<std::string>()[at] = strings_[i];
  } else {
    StoreInt(to.dtype(), to.data(), at, ints_.empty() ? static_cast<int64_t>(i) : ints_[i]);
  }
}

size_t ArgMax(const std::vector<double>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::vector<double> RealsOfAttr(const Attrs& attrs, const char* floats_name, const char* tensor_name) {
  const Tensor* tensor = attrs.TensorOf(tensor_name);
  if (tensor == nullptr) return RealsOfAttr(attrs, floats_name);
  return IsFloat(tensor->dtype()) ? Reals(*tensor) : std::vector<double>();
}

}  // namespace slipway
