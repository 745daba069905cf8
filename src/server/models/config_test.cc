#include "server/models/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/engine.h"

namespace slipway::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::string_view kWhole = R"(
name: "resnet" platform: "onnxruntime_onnx" backend: 'onnxruntime'
max_batch_size: 8
input [ { name: "x" data_type: TYPE_UINT8 format: FORMAT_NONE dims: [ 3, -1, 224 ] } ]
output { name: "y" data_type: TYPE_FP32 dims: 1000 label_filename: "labels.txt" }
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  max_queue_delay_microseconds: 100
  default_queue_policy {
    timeout_action: DELAY default_timeout_microseconds: 5000 allow_timeout_override: true max_queue_size: 32
  }
  priority_levels: 3
  default_priority_level: 2
}
instance_group [ { count: 2 kind: KIND_CPU name: "g" } ]
version_policy: { specific { versions: [1, 3] } }
default_model_filename: "m.onnx"
model_warmup {
  name: "w" batch_size: 8 count: 2
  inputs { key: "x" value { data_type: TYPE_UINT8 dims: [ 3, 32, 224 ] random_data: true } }
}
parameters { key: "a" value { string_value: "b" } }
parameters { key: "c" value: { string_value: "" } }
response_cache { enable: false }
optimization { input_pinned_memory { enable: true } }
)";

std::string ErrorOf(std::string_view text) {
  const auto config = ParseModelConfig(text, "f");
  return config.ok() ? "OK" : config.status().message();
}

std::string JsonErrorOf(std::string_view text) {
  const auto config = ParseModelConfigJson(text, "config");
  return config.ok() ? "OK" : config.status().message();
}

TEST(ConfigTest, ReadsEveryKey) {
  const auto config = ParseModelConfig(kWhole, "f");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->name + " " + config->platform + " " + config->backend,
            "resnet onnxruntime_onnx onnxruntime");
  EXPECT_EQ(config->max_batch_size, 8);
  EXPECT_THAT(config->input, ElementsAre(TensorConfig{"x", DType::kU8, {3, -1, 224}, ""}));
  EXPECT_THAT(config->output, ElementsAre(TensorConfig{"y", DType::kF32, {1000}, "labels.txt"}));
  EXPECT_EQ(config->dynamic_batching,
            (DynamicBatching{{4, 8}, 100, {TimeoutAction::kDelay, 5000, true, 32}, 3, 2}));
  EXPECT_THAT(config->instance_group, ElementsAre(InstanceGroup{"g", InstanceKind::kCpu, 2}));
  EXPECT_EQ(config->version_policy, (VersionPolicy{VersionPolicy::Kind::kSpecific, 1, {1, 3}}));
  EXPECT_EQ(config->default_model_filename, "m.onnx");
  EXPECT_THAT(config->model_warmup,
              ElementsAre(WarmupSample{"w", 8, 2, {{"x", {DType::kU8, {3, 32, 224}, WarmupFill::kRandom}}}}));
  EXPECT_THAT(config->parameters, ElementsAre(Pair("a", "b"), Pair("c", "")));
}

TEST(ConfigTest, SaysNothingWhereTheTextDoesNot) {
  const ModelConfig config = *ParseModelConfig("input { name: 'x' }", "f");
  EXPECT_FALSE(config.max_batch_size.has_value());
  EXPECT_EQ(config.input[0], (TensorConfig{"x"}));
  EXPECT_FALSE(config.dynamic_batching.has_value());
  EXPECT_EQ(config.version_policy, VersionPolicy());
  EXPECT_TRUE(ParseModelConfig("dynamic_batching {}", "f")->dynamic_batching.has_value());
  EXPECT_EQ(ParseModelConfig("version_policy { all {} }", "f")->version_policy.kind,
            VersionPolicy::Kind::kAll);
}

TEST(ConfigTest, WhatSlipwayLacksIsRefusedByName) {
  const auto status = ParseModelConfig("name: 'a'\nsequence_batching {}", "f").status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_EQ(status.message(), "f:2:1: Slipway does not implement 'sequence_batching'");
  for (const char* text :
       {"ensemble_scheduling { step [] }", "response_cache { enable: true }",
        "optimization { cuda { graphs: true } }", "metric_tags { key: 'a' value: 'b' }",
        "model_transaction_policy { decoupled: true }", "input { name: 'x' reshape {} }",
        "input { name: 'x' optional: true }", "instance_group { gpus: [0, 1] }",
        "dynamic_batching { preserve_ordering: true }",
        "model_warmup { inputs { key: 'x' value { input_data_file: 'f' } } }", "backend: 'python'",
        "platform: 'tensorrt_plan'", "platform: 'ensemble'", "runtime: 'libtriton_x.so'"}) {
    EXPECT_EQ(ParseModelConfig(text, "f").status().code(), Code::kUnsupported) << text;
  }
}

TEST(ConfigTest, RuntimesWhoseModelsAreReadMayBeNamed) {
  for (const char* text : {"platform: 'onnxruntime_onnx'", "platform: 'tensorflow_savedmodel'",
                           "platform: 'slipway_onnx' backend: 'slipway'", "backend: 'onnxruntime'",
                           "backend: 'tensorflow'", "platform: '' backend: ''"}) {
    EXPECT_EQ(ErrorOf(text), "OK") << text;
  }
  EXPECT_EQ(ErrorOf("name: 'a'\nbackend: 'python'"),
            "f:2:1: Slipway does not implement 'backend' \"python\": models run in Slipway itself, which "
            "reads those of onnxruntime, tensorflow, tflite, armnn_tflite");
}

TEST(ConfigTest, WarmupInputsSayWhatTheyHold) {
  const auto error_of = [](const std::string& value) {
    return ErrorOf("model_warmup { inputs { key: 'x' value { " + value + " } } }");
  };
  EXPECT_EQ(error_of("data_type: TYPE_FP32 dims: 3 zero_data: true"), "OK");
  EXPECT_EQ(error_of("dims: 3"),
            "f:1:34: 'model_warmup[0].inputs[0].value.zero_data' or 'random_data' must be true, and one of "
            "them only");
  EXPECT_THAT(error_of("zero_data: true random_data: true"), HasSubstr("one of them only"));
  EXPECT_THAT(error_of("zero_data: true dims: -1"), HasSubstr("must be a whole number (at least 1), not -1"));
  EXPECT_THAT(ErrorOf("model_warmup { inputs { key: 'x' } }"),
              HasSubstr("'model_warmup[0].inputs[0].value' is missing"));
}

TEST(ConfigTest, DefaultsOfWhatSlipwayLacksAreFine) {
  EXPECT_EQ(ErrorOf("model_transaction_policy { decoupled: false } metric_tags {} batch_input: []"), "OK");
  EXPECT_EQ(ErrorOf("optimization { priority: PRIORITY_DEFAULT gather_kernel_buffer_threshold: 0 }"), "OK");
}

TEST(ConfigTest, UnknownKeysGetASuggestion) {
  EXPECT_EQ(ErrorOf("max_batchsize: 8"),
            "f:1:1: 'max_batchsize' is no key of Triton's ModelConfig (did you mean 'max_batch_size'?)");
  EXPECT_EQ(ErrorOf("\n input { name: 'x'\n  shape: [] }"),
            "f:3:3: 'input[0].shape' is no key of Triton's ModelConfig");
}

TEST(ConfigTest, KindsOfValuesAreChecked) {
  EXPECT_EQ(ErrorOf("name: resnet"), "f:1:1: 'name' must be a string in quotes, not resnet");
  EXPECT_EQ(ErrorOf("name: '\\xff'"), "f:1:1: 'name' is not UTF-8");
  EXPECT_EQ(ErrorOf("max_batch_size: 8.0"),
            "f:1:1: 'max_batch_size' must be a whole number (0 to 2147483647), not 8.0");
  EXPECT_EQ(ErrorOf("input { name: 'x' data_type: TYPE_FP31 }").substr(0, 70),
            "f:1:19: 'input[0].data_type' must be one of TYPE_INVALID, TYPE_FP32, T");
  EXPECT_THAT(ErrorOf("input { name: 'x' data_type: TYPE_FP31 }"), HasSubstr("did you mean 'TYPE_FP32'?"));
  EXPECT_EQ(ErrorOf("instance_group { kind: KIND_GPU }"),
            "f:1:18: 'instance_group[0].kind' must be one of KIND_AUTO, KIND_CPU, not KIND_GPU "
            "(did you mean 'KIND_CPU'?)");
  EXPECT_EQ(ErrorOf("dynamic_batching: 1"), "f:1:1: 'dynamic_batching' must be a message in braces, not 1");
  EXPECT_THAT(ErrorOf("dynamic_batching { default_queue_policy { allow_timeout_override: 2 } }"),
              HasSubstr("must be true or false, not 2"));
  EXPECT_EQ(ErrorOf("name: 'a'\nname: 'b'"),
            "f:2:1: 'name' has a value already (line 1) and may have only one");
}

TEST(ConfigTest, RangesAreChecked) {
  EXPECT_THAT(ErrorOf("max_batch_size: -1"), HasSubstr("(0 to 2147483647), not -1"));
  EXPECT_THAT(ErrorOf("max_batch_size: 99999999999999999999"), HasSubstr("not 99999999999999999999"));
  EXPECT_EQ(ParseModelConfig("max_batch_size: 0x10", "f")->max_batch_size, 16);
  EXPECT_EQ(ParseModelConfig("max_batch_size: 010", "f")->max_batch_size, 8);
  EXPECT_EQ(ErrorOf("input { name: 'x' dims: [3, 0] }"),
            "f:1:26: 'input[0].dims' has a 0; extents are -1 (any) or at least 1");
  EXPECT_THAT(ErrorOf("input { name: 'x' dims: -2 }"), HasSubstr("(at least -1), not -2"));
  EXPECT_THAT(ErrorOf("instance_group { count: 0 }"), HasSubstr("(1 to 1024), not 0"));
  EXPECT_THAT(ErrorOf("version_policy { latest { num_versions: 0 } }"), HasSubstr("not 0"));
  EXPECT_THAT(ErrorOf("dynamic_batching { max_queue_delay_microseconds: 9223372036854775807 }"),
              HasSubstr("(0 to 1000000000000000)"));
}

TEST(ConfigTest, PartsMustFitEachOther) {
  EXPECT_EQ(ErrorOf("output { name: 'y' }\noutput { name: 'y' }"), "f:1:1: 'output' has 'y' twice");
  EXPECT_EQ(ErrorOf("max_batch_size: 4 dynamic_batching { preferred_batch_size: 8 }"),
            "f:1:19: 'dynamic_batching' has a preferred_batch_size of 8, 'max_batch_size' is 4");
  EXPECT_THAT(ErrorOf("max_batch_size: 0 model_warmup { batch_size: 2 }"),
              HasSubstr("'max_batch_size' is 0"));
  EXPECT_EQ(ErrorOf("dynamic_batching { preferred_batch_size: 8 }"), "OK");
  EXPECT_THAT(ErrorOf("dynamic_batching { priority_levels: 2 }"),
              HasSubstr("'dynamic_batching.default_priority_level' is 0, 'priority_levels' is 2"));
  EXPECT_THAT(ErrorOf("dynamic_batching { default_priority_level: 1 }"), HasSubstr("'priority_levels' is 0"));
  EXPECT_THAT(ErrorOf("version_policy { all {} latest { num_versions: 2 } }"), HasSubstr("only choice"));
  EXPECT_THAT(ErrorOf("version_policy { specific {} }"), HasSubstr("names no version"));
  EXPECT_EQ(ErrorOf("\ninput { dims: 1 }"), "f:2:1: 'input[0].name' is missing");
  EXPECT_THAT(ErrorOf("parameters { key: 'a' } parameters { key: 'a' }"),
              HasSubstr("'a' has a value already"));
}

TEST(ConfigTest, FilesStayInTheirFolder) {
  for (const char* name : {"../m.onnx", "/m.onnx", "a/m.onnx", "..", ".", "a\\0b"}) {
    EXPECT_THAT(ErrorOf("default_model_filename: '" + std::string(name) + "'"),
                HasSubstr("version's folder"));
  }
  for (const char* name : {"../l.txt", "/etc/passwd", "a/../../b"}) {
    EXPECT_THAT(ErrorOf("output { name: 'y' label_filename: '" + std::string(name) + "' }"),
                HasSubstr("leaves the model's folder"));
  }
  EXPECT_EQ(ErrorOf("output { name: 'y' label_filename: 'a/..b.txt' }"), "OK");
}

TEST(ConfigJsonFormTest, MeansTheSameAsText) {
  const auto config = ParseModelConfigJson(R"({
    "name": "resnet", "max_batch_size": 4, "platform": null,
    "input": [{"name": "x", "data_type": "TYPE_UINT8", "dims": ["3", -1]}], "output": [],
    "dynamic_batching": {"max_queue_delay_microseconds": "100",
                         "default_queue_policy": {"timeout_action": "DELAY", "allow_timeout_override": true}},
    "version_policy": {"all": {}}, "parameters": {"a": {"string_value": "b"}, "key": {"string_value": ""}}})",
                                           "config");
  const auto text = ParseModelConfig(R"(
    name: "resnet" max_batch_size: 4 input { name: "x" data_type: TYPE_UINT8 dims: [3, -1] }
    dynamic_batching { max_queue_delay_microseconds: 100
                       default_queue_policy { timeout_action: DELAY allow_timeout_override: true } }
    version_policy { all {} } parameters { key: "a" value { string_value: "b" } } parameters { key: "key" })",
                                     "f");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(*config, *text);
}

TEST(ConfigJsonFormTest, ErrorsNameTheKey) {
  EXPECT_EQ(JsonErrorOf(R"({"max_batch_size": "x"})"),
            "config: 'max_batch_size' must be a whole number (0 to 2147483647), not \"x\"");
  EXPECT_EQ(JsonErrorOf(R"({"input": [{"name": "x", "reshape": {"shape": []}}]})"),
            "config: Slipway does not implement 'input[0].reshape'");
  EXPECT_THAT(JsonErrorOf(R"({"maxBatchSize": 1})"), HasSubstr("did you mean 'max_batch_size'?"));
  EXPECT_THAT(JsonErrorOf(R"({"parameters": {"a": "b"}})"), HasSubstr("must be a message"));
  EXPECT_THAT(JsonErrorOf(R"({"max_batch_size": 1.5})"), HasSubstr("not 1.5"));
}

TEST(ConfigJsonFormTest, HostileTextIsRefused) {
  EXPECT_EQ(JsonErrorOf("[]"), "config: a JSON object is wanted, not array");
  EXPECT_THAT(JsonErrorOf("{\"a\": "), HasSubstr("config: not valid JSON: parse error"));
  EXPECT_THAT(JsonErrorOf("{\"\xff\": 1}"), HasSubstr("not valid JSON"));
  const std::string deep_lists = std::string(400'000, '[') + std::string(400'000, ']');
  EXPECT_EQ(JsonErrorOf("{\"a\": " + deep_lists + "}"), "config: 'a' is a list of lists");
  EXPECT_EQ(JsonErrorOf("{\"parameters\": {\"a\": " + deep_lists + "}}"),
            "config: 'value' is a list of lists");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  EXPECT_EQ(JsonErrorOf(deep + "1" + std::string(100'000, '}')), "config: objects nest deeper than 32");
  std::string wide = "{\"a\": [1";
  for (int i = 0; i < 70'000; ++i) wide += ",1";
  EXPECT_EQ(JsonErrorOf(wide + "]}"), "config: more than 65536 values");
  EXPECT_THAT(JsonErrorOf(std::string((1 << 20) + 1, ' ')), HasSubstr("the limit is 1048576"));
}

PortInfo Port(std::string name, DType dtype, DimList shape) {
  return {.name = std::move(name), .type = Type::Of(dtype, std::move(shape))};
}

const std::vector<PortInfo> kInputs = {Port("x", DType::kF32, {Dim::Symbol("N"), 3, Dim::Symbol("H")})};
const std::vector<PortInfo> kOutputs = {Port("y", DType::kF32, {Dim::Symbol("N"), 10}),
                                        Port("z", DType::kI64, {Dim::Symbol("N")})};

std::string Fits(std::string_view text) {
  const Status status = CheckAgainst(*ParseModelConfig(text, "f"), kInputs, kOutputs);
  return status.ok() ? "OK" : status.message();
}

TEST(CheckAgainstTest, TakesWhatFits) {
  EXPECT_EQ(Fits(""), "OK");
  EXPECT_EQ(Fits("max_batch_size: 8 input { name: 'x' data_type: TYPE_FP32 dims: [3, -1] }"), "OK");
  EXPECT_EQ(Fits("max_batch_size: 8 input { name: 'x' dims: [3, 224] } output { name: 'z' }"), "OK");
  EXPECT_EQ(Fits("max_batch_size: 0 input { name: 'x' dims: [1, 3, 224] }"), "OK");
}

TEST(CheckAgainstTest, ShowsBothSides) {
  EXPECT_EQ(Fits("input { name: 'xx' }"), "input 'xx': the model has none of that name (did you mean 'x'?)");
  EXPECT_EQ(Fits("input { name: 'x' data_type: TYPE_INT8 }"),
            "input 'x': the configuration has TYPE_INT8, the model TYPE_FP32");
  EXPECT_EQ(Fits("max_batch_size: 8 input { name: 'x' dims: [1, 3, 224] }"),
            "input 'x': the configuration has dims [1,3,224] behind the batch, the model has [N,3,H]");
  EXPECT_EQ(Fits("max_batch_size: 8 output { name: 'y' dims: [-1] }"),
            "output 'y': the configuration has dims [-1] behind the batch, the model has [N,10]");
  EXPECT_EQ(Fits("input { name: 'x' dims: [3, 224] }"),
            "input 'x': the configuration has dims [3,224], the model has [N,3,H]");
}

TEST(CheckAgainstTest, EveryInputIsListedOrNone) {
  const std::vector<PortInfo> two = {kInputs[0], Port("w", DType::kF32, {Dim::Symbol("N")})};
  const Status status = CheckAgainst(*ParseModelConfig("input { name: 'x' }", "f"), two, kOutputs);
  EXPECT_EQ(status.message(), "input 'w': the model needs it, the configuration lists others only");
}

TEST(CheckAgainstTest, ABatchNeedsAnOpenDimension) {
  const std::vector<PortInfo> fixed = {Port("x", DType::kF32, {1, 3})};
  const auto check = [&](std::string_view text) {
    return CheckAgainst(*ParseModelConfig(text, "f"), fixed, {}).message();
  };
  EXPECT_EQ(check("max_batch_size: 1"), "");
  EXPECT_EQ(check("max_batch_size: 2"),
            "input 'x': max_batch_size is 2, the model's shape [1,3] does not begin with an open dimension");
  const std::vector<PortInfo> scalar = {Port("x", DType::kF32, {})};
  EXPECT_FALSE(CheckAgainst(*ParseModelConfig("max_batch_size: 1", "f"), scalar, {}).ok());
}

TEST(CheckAgainstTest, ShapesWithoutRankFitAnything) {
  const std::vector<PortInfo> open = {{.name = "x", .type = Type::OfUnknownShape(DType::kF32)}};
  const auto config = ParseModelConfig("max_batch_size: 2 input { name: 'x' dims: [3] }", "f");
  EXPECT_TRUE(CheckAgainst(*config, open, {}).ok());
}

}  // namespace
}  // namespace slipway::server
