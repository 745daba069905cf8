// Operators that no record reads, kept for a plugin given later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tflite/test_model.h"

namespace slipway::tflite {
namespace {

TEST(ImportTfliteCustom, IsKeptWithTheTypesThatTheFileDeclares) {
  TestModel model;
  const uint32_t code = model.AddCode(fb::BuiltinOperator::CUSTOM, "Mystery");
  const int x = model.AddTensor("x", {2});
  const int y = model.AddTensor("y", {2, 3}, fb::TensorType::INT8);
  model.AddOperator(code, {x, -1}, {y});
  model.EndSubGraph({x}, {y});
  const std::vector<uint8_t> bytes = model.Finish();
  EXPECT_EQ(ImportTflite(bytes, nullptr, {}).status().code(), Code::kUnsupported);
  const auto imported = ImportTflite(bytes, nullptr, {.allow_custom = true});
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(imported->graph.nodes[0].op, "custom:tflite::Mystery:1");
  EXPECT_EQ(ToString(imported->graph.value(imported->graph.outputs[0]).type), "i8[2,3]");
}

}  // namespace
}  // namespace slipway::tflite
