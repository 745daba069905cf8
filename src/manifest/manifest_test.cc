#include "manifest/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"

namespace slipway {
namespace {

using testing::HasSubstr;

constexpr const char* kYolo = R"({
  "name": "YOLOv5n",
  "task": "detection",
  "inputs": [
    {
      "color": "bgr",
      "resize": {
        "mode": "letterbox",
        "style": "opencv",
        "letterbox": {
          "pad_value": 128,
          "centered": false
        }
      },
      "mean": [
        0
      ],
      "std": [
        255
      ],
      "quant": {
        "scale": 0.5,
        "zero_point": -3
      }
    }
  ],
  "outputs": [
    {
      "decoder": "yolov5",
      "tensors": {
        "predictions": [
          "a",
          "b"
        ]
      },
      "box_order": "cxcywh",
      "anchors": {
        "boxes": [
          [
            10,
            13.5
          ]
        ]
      }
    }
  ],
  "labels": [
    "person",
    "bicycle"
  ],
  "thresholds": {
    "score": 0.4
  }
}
)";

TEST(Manifest, TextRoundTripsByteForByte) {
  const auto manifest = ParseManifest(kYolo);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->inputs[0].resize.letterbox.pad_value, 128);
  EXPECT_EQ(manifest->outputs[0].decoder, DecoderKind::kYolov5);
  EXPECT_EQ(manifest->outputs[0].tensors.at("predictions"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(manifest->thresholds.score, 0.4);
  EXPECT_EQ(manifest->thresholds.iou, 0.45);
  EXPECT_EQ(ToJson(*manifest), kYolo);
}

TEST(Manifest, EmptyObjectIsTheDefault) {
  const auto manifest = ParseManifest("{}");
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(*manifest, Manifest());
  EXPECT_EQ(ToCompactJson(*manifest), "{}");
}

struct BadCase {
  const char* json;
  const char* message;
};

class ManifestRefuses : public testing::TestWithParam<BadCase> {};

TEST_P(ManifestRefuses, WithThePathAndTheReason) {
  const auto manifest = ParseManifest(GetParam().json);
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.status().code(), Code::kInvalidModel);
  EXPECT_THAT(manifest.status().ToString(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Manifest, ManifestRefuses,
    testing::Values(
        BadCase{R"({"treshold": 1})", "unknown key 'treshold' (did you mean 'thresholds'?)"},
        BadCase{R"({"outputs": [{"anchors": {"boxs": []}}]})",
                "unknown key 'outputs[0].anchors.boxs' (did you mean 'boxes'?)"},
        BadCase{R"({"outputs": [{"anchors": 3}]})", "'outputs[0].anchors' must be an object, not 3"},
        BadCase{R"({"outputs": [{"decoder": "yolo5"}]})",
                "'outputs[0].decoder' is \"yolo5\" (did you mean 'yolov5'?)"},
        BadCase{R"({"outputs": [{"decoder": "?"}]})", "hint: allowed are raw, classification, yolov5"},
        BadCase{R"({"outputs": [{"tensors": {"boxs": "x"}}]})", "unknown role 'outputs[0].tensors.boxs'"},
        BadCase{R"({"outputs": [{"anchors": {"variances": [1, 2]}}]})", "has 2 entries; it needs 4"},
        BadCase{R"({"inputs": [{"std": [0]}]})", "'inputs[0].std[0]' must not be 0"},
        BadCase{R"({"inputs": [{"std": [1e999]}]})", "not valid JSON"},
        BadCase{R"({"inputs": [{"mean": [NaN]}]})", "not valid JSON"},
        BadCase{R"({"inputs": [{"dtype": "float"}]})", "'inputs[0].dtype' is 'float'"},
        BadCase{R"({"inputs": [{"resize": {"width": 70000}}]})", "is 70000; allowed are 0 to 65535"},
        BadCase{R"({"inputs": [{"resize": {"width": 1.5}}]})", "must be a whole number, not 1.5"},
        BadCase{R"({"inputs": [{"rotate": 45}]})", "'inputs[0].rotate' is 45; it must be a multiple of 90"},
        BadCase{R"({"inputs": {}})", "'inputs' must be a list, not an object"},
        BadCase{R"({"thresholds": {"score": 25}})", "'thresholds.score' is 25; allowed are 0 to 1"},
        BadCase{R"({"labels": ["a", 2]})", "'labels[1]' must be a string, not 2"},
        BadCase{"[]", "must be an object"}, BadCase{"", "not valid JSON"},
        BadCase{"{\"name\": \"x", "not valid JSON"}));

TEST(Manifest, DeepNestingIsRefusedBeforeParsing) {
  const auto manifest = ParseManifest(std::string(1000000, '['));
  ASSERT_FALSE(manifest.ok());
  EXPECT_THAT(manifest.status().message(), HasSubstr("nested more than"));
}

TEST(Manifest, OverrideMergesObjectsAndResetsByNull) {
  const auto base = ParseManifest(kYolo);
  ASSERT_TRUE(base.ok());
  const auto merged = OverrideManifest(*base, R"({"name": null, "labels": ["cat"], "thresholds": {"iou": 0.5},
      "inputs": [{"mean": [1, 2, 3], "resize": {"letterbox": {"pad_value": 0}}}, {"tensor": "second"}]})");
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  Manifest wanted = *base;
  wanted.name.clear();
  wanted.labels = {"cat"};
  wanted.thresholds.iou = 0.5;
  wanted.inputs[0].mean = {1, 2, 3};
  wanted.inputs[0].resize.letterbox.pad_value = 0;
  wanted.inputs.emplace_back().tensor = "second";
  EXPECT_EQ(*merged, wanted);
}

TEST(Manifest, OverrideRefusesUnknownKeys) {
  const auto merged = OverrideManifest(Manifest(), R"({"inputs": [{"colour": "bgr"}]})");
  ASSERT_FALSE(merged.ok());
  EXPECT_THAT(merged.status().message(), HasSubstr("unknown key 'inputs[0].colour' (did you mean 'color'?)"));
}

TEST(Manifest, MergeLetsWhatIsSetWin) {
  Manifest over;
  over.thresholds.score = 0.6;
  over.outputs.resize(1);
  over.outputs[0].class_offset = 1;
  const auto base = ParseManifest(kYolo);
  const auto merged = MergeManifests(*base, over);
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  Manifest wanted = *base;
  wanted.thresholds.score = 0.6;
  wanted.outputs[0].class_offset = 1;
  EXPECT_EQ(*merged, wanted);
}

TEST(Manifest, PublishedSchemaIsTheOneOfTheFields) {
  const std::string path = std::string(SLIPWAY_SOURCE_DIR) + "/docs/manifest.schema.json";
  if (std::getenv("SLIPWAY_APPROVE") != nullptr) {
    ASSERT_TRUE(WriteFile(path, ManifestSchema()).ok());
  }
  const auto published = ReadFile(path);
  ASSERT_TRUE(published.ok()) << published.status().ToString();
  EXPECT_EQ(*published, ManifestSchema()) << "make approve takes it over";
}

}  // namespace
}  // namespace slipway
