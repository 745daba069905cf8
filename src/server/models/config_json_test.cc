#include "server/models/config_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace slipway::server {
namespace {

using nlohmann::json;

const std::vector<PortInfo> kInputs = {
    {.name = "x", .type = Type::Of(DType::kF32, {Dim::Symbol("N"), 3, Dim::Symbol("H")})}};
const std::vector<PortInfo> kOutputs = {
    {.name = "y", .type = Type::Of(DType::kString, {Dim::Symbol("N"), 10})},
    {.name = "z", .type = Type::Of(DType::kI4, {Dim::Symbol("N")})}};

json Formatted(std::string_view text) {
  return json::parse(FormatModelConfig(*ParseModelConfig(text, "f"), kInputs, kOutputs));
}

TEST(ConfigJsonTest, FillsUpFromTheModel) {
  const json config = Formatted("name: 'm' max_batch_size: 8");
  EXPECT_EQ(config["name"], "m");
  EXPECT_EQ(config["max_batch_size"], 8);
  EXPECT_EQ(config["input"][0]["data_type"], "TYPE_FP32");
  EXPECT_EQ(config["input"][0]["dims"], json({3, -1}));
  EXPECT_EQ(config["output"][0]["data_type"], "TYPE_STRING");
  EXPECT_EQ(config["output"][1]["data_type"], "TYPE_INVALID");
  EXPECT_EQ(config["output"][1]["dims"], json::array());
  EXPECT_EQ(config["version_policy"], json({{"latest", {{"num_versions", 1}}}}));
  EXPECT_FALSE(config.contains("dynamic_batching"));
}

TEST(ConfigJsonTest, WithoutABatchDimsAreWhole) {
  EXPECT_EQ(Formatted("")["input"][0]["dims"], json({-1, 3, -1}));
}

TEST(ConfigJsonTest, KeepsWhatTheConfigurationSays) {
  const json config =
      Formatted("input { name: 'x' dims: [1, 3, 224] } output { name: 'z' label_filename: 'l' }");
  EXPECT_EQ(config["input"][0]["dims"], json({1, 3, 224}));
  ASSERT_EQ(config["output"].size(), 1u);
  EXPECT_EQ(config["output"][0]["label_filename"], "l");
}

TEST(ConfigJsonTest, LargeNumbersAreNumbers) {
  const json config = Formatted("dynamic_batching { max_queue_delay_microseconds: 1000000000000000 }");
  EXPECT_EQ(config["dynamic_batching"]["max_queue_delay_microseconds"].dump(), "1000000000000000");
  EXPECT_EQ(config["dynamic_batching"]["default_queue_policy"]["timeout_action"], "REJECT");
}

TEST(ConfigJsonTest, CanBeReadAgain) {
  const auto config = ParseModelConfig(R"(
    name: "m\"\n" platform: "onnxruntime_onnx" backend: "tflite" max_batch_size: 8
    input { name: "x" data_type: TYPE_FP32 dims: [3, 5] }
    output { name: "y" data_type: TYPE_STRING dims: 10 label_filename: "l" }
    dynamic_batching { preferred_batch_size: [2, 8] priority_levels: 2 default_priority_level: 1
                       default_queue_policy { timeout_action: DELAY max_queue_size: 3 } }
    instance_group [ { name: "g" kind: KIND_CPU count: 2 }, {} ]
    version_policy { specific { versions: [2, 9223372036854775807] } }
    default_model_filename: "f"
    model_warmup { name: "w" batch_size: 2 count: 3
                   inputs { key: "x" value { data_type: TYPE_FP32 dims: [3, 5] random_data: true } }
                   inputs { key: "z" value { dims: 1 zero_data: true } } }
    parameters { key: "k" value { string_value: "v" } })",
                                       "f");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  const auto again = ParseModelConfigJson(FormatModelConfig(*config, kInputs, kOutputs), "again");
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(*again, *config);
}

}  // namespace
}  // namespace slipway::server
