// What the classical models of ai.onnx.ml share: rows of features, labels, and transforms of scores.
//
// Where ONNX's text leaves a case open (a single score with a transform, two classes from one score), these
// do what onnxruntime does.
#pragma once

#include <string>
#include <vector>

#include "ops/infer.h"
#include "ops/nn/reals.h"
#include "ops/run.h"

namespace slipway {

inline constexpr const char* kMlDomain = "ai.onnx.ml";
inline constexpr DTypeSet kMlNumbers = {DType::kF32, DType::kF64, DType::kI64, DType::kI32};

// x as samples by features; one axis is one sample.
struct SampleRows {
  int64_t samples = 1, features = 1;
};
SampleRows RowsOf(const Tensor& x);
// [samples, columns]; an error when x has more than two axes.
Result<DimList> RowShape(const InferContext& context, const Dim& columns);
// Known features of x; -1 when unknown.
int64_t FeaturesOf(const InferContext& context);

// "post_transform"
AttrDef PostTransformAttr();
// How the scores of one sample turn two where there is but one: not at all; 1 - s and s; -s and s. With
// LOGISTIC both of the latter mean the logistic function of -s and s.
enum class SecondScore { kNone, kComplement, kNegated };
// Applies the transform, and adds the second score in front.
void FinishScores(const std::string& transform, SecondScore second, std::vector<double>& scores);

// Attributes of labels, one of which is given: strings or integers.
std::vector<AttrDef> LabelAttrs(const char* ints_name);
class Labels {
 public:
  Labels(const Attrs& attrs, const char* ints_name)
      : strings_(attrs.StringList("classlabels_strings")), ints_(attrs.IntList(ints_name)) {}
  DType dtype() const { return strings_.empty() ? DType::kI64 : DType::kString; }
  size_t size() const { return strings_.empty() ? ints_.size() : strings_.size(); }
  // Writes label `i` as element `at`; without labels, i itself.
  void Store(size_t i, Tensor& to, int64_t at) const;

 private:
  const Strings& strings_;
  const Ints& ints_;
};

size_t ArgMax(const std::vector<double>& scores);

// The floats of an attribute or, where it is there, of its twin as a tensor.
std::vector<double> RealsOfAttr(const Attrs& attrs, const char* floats_name, const char* tensor_name);
inline std::vector<double> RealsOfAttr(const Attrs& attrs, const char* name) {
  const Floats& floats = attrs.FloatList(name);
  return {floats.begin(), floats.end()};
}

}  // namespace slipway
