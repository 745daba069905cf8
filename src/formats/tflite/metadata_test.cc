#include "formats/tflite/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "formats/tflite/import.h"

namespace slipway {
namespace {

using testing::Contains;
using testing::HasSubstr;

// Empty when the asset is not there.
std::string Asset(const std::string& name) {
  const char* variable = std::getenv("SLIPWAY_ASSETS");
  const std::string root = variable ? variable : std::string(SLIPWAY_SOURCE_DIR) + "/../shared/assets";
  const std::string path = root + "/tflite/" + name;
  return std::filesystem::exists(path) ? path : "";
}

Result<ImportedModel> Import(const std::string& bytes) {
  auto copy = std::make_shared<const std::string>(bytes);
  return ImportTflite({reinterpret_cast<const uint8_t*>(copy->data()), copy->size()}, copy, {});
}

TEST(TfliteMetadata, DescribesADetector) {
  const std::string path = Asset("coco_ssd_mobilenet_v1_quant_metadata.tflite");
  if (path.empty()) GTEST_SKIP() << "the asset is not there";
  const auto model = Import(*ReadFile(path));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  ASSERT_TRUE(model->manifest);
  const Manifest& manifest = *model->manifest;
  EXPECT_EQ(manifest.task, TaskKind::kDetection);
  ASSERT_EQ(manifest.inputs.size(), 1u);
  EXPECT_EQ(manifest.inputs[0].color, ColorOrder::kRgb);
  EXPECT_EQ(manifest.inputs[0].quant, QuantSpec());  // u8: levels as they are
  ASSERT_EQ(manifest.outputs.size(), 1u);
  const OutputSpec& output = manifest.outputs[0];
  EXPECT_EQ(output.decoder, DecoderKind::kSsdPostprocess);
  EXPECT_EQ(output.box_order, BoxOrder::kYxyx);
  EXPECT_EQ(output.coordinates, CoordinateKind::kRatio);
  EXPECT_EQ(output.tensors.at("boxes")[0], "TFLite_Detection_PostProcess");
  EXPECT_EQ(output.tensors.at("classes")[0], "TFLite_Detection_PostProcess:1");
  EXPECT_EQ(output.tensors.at("scores")[0], "TFLite_Detection_PostProcess:2");
  EXPECT_EQ(output.tensors.at("count")[0], "TFLite_Detection_PostProcess:3");
  ASSERT_GT(manifest.labels.size(), 17u);
  EXPECT_EQ(manifest.labels[16], "cat");
}

TEST(TfliteMetadata, DescribesASegmenter) {
  const std::string path = Asset("deeplabv3_float_metadata.tflite");
  if (path.empty()) GTEST_SKIP() << "the asset is not there";
  const auto model = Import(*ReadFile(path));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  ASSERT_TRUE(model->manifest);
  const Manifest& manifest = *model->manifest;
  EXPECT_EQ(manifest.name, "DeepLabV3");
  EXPECT_EQ(manifest.task, TaskKind::kSegmentation);
  EXPECT_EQ(manifest.inputs[0].mean, std::vector<double>{127.5});
  EXPECT_EQ(manifest.inputs[0].std, std::vector<double>{127.5});
  EXPECT_EQ(manifest.outputs[0].decoder, DecoderKind::kMask);
  EXPECT_EQ(manifest.labels.size(), 21u);
}

TEST(TfliteMetadata, WithoutItTheNotesSaySo) {
  const std::string path = Asset("tflm_hello_world_float.tflite");
  if (path.empty()) GTEST_SKIP() << "the asset is not there";
  const auto model = Import(*ReadFile(path));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_FALSE(model->manifest);
  EXPECT_THAT(model->notes, Contains(HasSubstr("no TFLite metadata")));
}

TEST(TfliteMetadata, DamagedMetadataAndZipAreNotedNotFatal) {
  const std::string path = Asset("mobilenet_v1_0.25_224_quant_metadata.tflite");
  if (path.empty()) GTEST_SKIP() << "the asset is not there";
  std::string bytes = *ReadFile(path);
  // The zip behind the model, cut off: labels are gone, the rest stays.
  const auto model = Import(bytes.substr(0, bytes.size() - 10));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  ASSERT_TRUE(model->manifest);
  EXPECT_TRUE(model->manifest->labels.empty());
  EXPECT_THAT(model->notes, Contains(HasSubstr("not packed into the model")));
  const size_t mark = bytes.find("M001");
  ASSERT_NE(mark, std::string::npos);
  bytes[mark] = 'X';
  const auto damaged = Import(bytes);
  ASSERT_TRUE(damaged.ok()) << damaged.status().ToString();
  EXPECT_FALSE(damaged->manifest);
  EXPECT_THAT(damaged->notes, Contains(HasSubstr("damaged")));
}

}  // namespace
}  // namespace slipway
