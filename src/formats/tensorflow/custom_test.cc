// Operators that no record reads: refused, kept for a plugin given later, or claimed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tensorflow/import.h"
#include "formats/tensorflow/test_graph.h"
#include "ops/dynamic_ops.h"

namespace slipway::tensorflow {
namespace {

TfGraph Mystery() {
  return MakeGraph(
      {PlaceholderNode("x", {2, 3}), {"y", "Mystery", {"x"}, {{"T", DType::kF32}, {"factor", 2.5F}}}});
}

TEST(TfImportCustom, IsRefusedKeptOrClaimed) {
  EXPECT_EQ(ImportGraph(Mystery(), {}).status().code(), Code::kUnsupported);
  const auto kept = ImportGraph(Mystery(), {.allow_custom = true});
  ASSERT_TRUE(kept.ok()) << kept.status().ToString();
  EXPECT_EQ(kept->graph.nodes[0].op, "custom:tensorflow::Mystery:1");
  EXPECT_EQ(kept->graph.nodes[0].attrs.Float("factor"), 2.5F);
  OpDef record = *FindOp("Identity");
  record.name = "test.Mystery@1";
  record.foreign = {{Format::kTensorflow, "Mystery"}};
  ASSERT_TRUE(AddDynamicOps("a test", {record}).ok());
  const auto claimed = ImportGraph(Mystery(), {});
  ASSERT_TRUE(claimed.ok()) << claimed.status().ToString();
  EXPECT_EQ(claimed->graph.nodes[0].op, "test.Mystery@1");
}

}  // namespace
}  // namespace slipway::tensorflow
