#include "formats/onnx/schema.h"

#include <gtest/gtest.h>

namespace slipway::onnx {
namespace {

TEST(CheckAttribute, KnowsWhatTheOpsetHas) {
  EXPECT_EQ(CheckAttribute("", "Squeeze", 11, "axes").fit, AttributeFit::kKnown);
  EXPECT_EQ(CheckAttribute("", "Squeeze", 12, "axes").fit, AttributeFit::kKnown);
  EXPECT_EQ(CheckAttribute("", "MaxPool", 27, "ceil_mode").fit, AttributeFit::kKnown);
  EXPECT_EQ(CheckAttribute("ai.onnx.ml", "Scaler", 1, "offset").fit, AttributeFit::kKnown);
}

TEST(CheckAttribute, RefusesWhatAnotherOpsetHas) {
  const AttributeCheck later = CheckAttribute("", "Squeeze", 13, "axes");
  EXPECT_EQ(later.fit, AttributeFit::kMisfit);
  EXPECT_EQ(later.reason, "opset 13 does not have it (opset 1 to 12 does)");
  const AttributeCheck earlier = CheckAttribute("", "MaxPool", 8, "ceil_mode");
  EXPECT_EQ(earlier.fit, AttributeFit::kMisfit);
  EXPECT_EQ(earlier.reason, "opset 8 does not have it (opset 10 and later does)");
}

TEST(CheckAttribute, RefusesSlipsOfThePen) {
  const AttributeCheck slip = CheckAttribute("", "Conv", 13, "stride");
  EXPECT_EQ(slip.fit, AttributeFit::kMisfit);
  EXPECT_EQ(slip.reason, "ONNX has no such attribute (did you mean 'strides'?)");
}

TEST(CheckAttribute, IgnoresWhatChangesNothing) {
  EXPECT_EQ(CheckAttribute("", "Conv", 13, "_output_shapes").fit, AttributeFit::kIgnored);
  EXPECT_EQ(CheckAttribute("", "Dropout", 13, "ratio").fit, AttributeFit::kIgnored);
  EXPECT_EQ(CheckAttribute("", "BatchNormalization", 9, "is_test").fit, AttributeFit::kIgnored);
  EXPECT_EQ(CheckAttribute("", "Relu", 13, "x").fit, AttributeFit::kIgnored);
}

TEST(CheckAttribute, HasNoOpinionOnOthers) {
  EXPECT_EQ(CheckAttribute("com.microsoft", "Conv", 1, "stride").fit, AttributeFit::kKnown);
  EXPECT_EQ(CheckAttribute("", "ImageScaler", 7, "bias").fit, AttributeFit::kKnown);
  EXPECT_EQ(CheckAttribute("", "LayerNormalization", 11, "bias").fit, AttributeFit::kKnown);
}

}  // namespace
}  // namespace slipway::onnx
