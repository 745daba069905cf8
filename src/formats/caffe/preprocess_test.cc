// What a description says of photos, as a manifest.
#include "formats/caffe/preprocess.h"

#include <filesystem>
#include <protozero/pbf_writer.hpp>

#include "formats/caffe/testing.h"

namespace slipway::caffe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Read {
  Type input;
  std::optional<Manifest> manifest;
  std::vector<std::string> notes;
  std::string error;
};

// A net of one ReLU on what `data` feeds.
Read ReadNetOf(const std::string& data, const std::string& description = "net.prototxt") {
  Read read;
  const auto net = ReadNet(data + "layer { name: 'r' type: 'ReLU' bottom: 'data' top: 'y' }");
  if (!net.ok()) return {{}, {}, {}, net.status().message()};
  auto model = ImportNet(*net, {}, {});
  if (!model.ok()) return {{}, {}, {}, model.status().message()};
  read.input = model->graph.value(model->graph.inputs[0]).type;
  auto manifest = ReadPreprocessing(*net, model->graph, description, read.notes);
  if (!manifest.ok()) return {{}, {}, {}, manifest.status().message()};
  read.manifest = *manifest;
  return read;
}

std::string Data(const std::string& type, const std::string& more) {
  return "layer { name: 'data' type: '" + type + "' top: 'data' top: 'label' " + more + " }\n";
}

TEST(CaffePreprocess, MeansAndScaleBecomeTheManifests) {
  const Read read =
      ReadNetOf(Data("Data",
                     "include { phase: TEST } transform_param { crop_size: 227 scale: 0.0078125 "
                     "mean_value: 104 mean_value: 117 mean_value: 123 mirror: false }") +
                Data("Data", "include { phase: TRAIN } transform_param { crop_size: 9 }"));
  ASSERT_TRUE(read.manifest) << read.error;
  EXPECT_EQ(ToString(read.input), "f32[1,3,227,227]");
  const InputSpec& input = read.manifest->inputs.at(0);
  EXPECT_EQ(input.tensor, "data");
  EXPECT_EQ(input.color, ColorOrder::kBgr);
  EXPECT_THAT(input.mean, ElementsAre(104, 117, 123));
  EXPECT_THAT(input.std, ElementsAre(128));
  EXPECT_EQ(input.resize.mode, ResizeMode::kStretch);  // what the photos' sizes were is not said
}

TEST(CaffePreprocess, ACropIsAShareOfTheSizeBefore) {
  const Read read = ReadNetOf(Data("ImageData",
                                   "image_data_param { new_height: 256 new_width: 320 } "
                                   "transform_param { crop_size: 224 mean_value: 127.5 }"));
  ASSERT_TRUE(read.manifest) << read.error;
  EXPECT_EQ(read.manifest->inputs[0].resize.mode, ResizeMode::kCenterCrop);
  EXPECT_EQ(read.manifest->inputs[0].resize.crop_fraction, 0.875);
  EXPECT_THAT(read.manifest->inputs[0].mean, ElementsAre(127.5));
  EXPECT_THAT(read.notes, ElementsAre(HasSubstr("cropped around the middle")));
}

TEST(CaffePreprocess, GrayPhotosOfSsdsSize) {
  const Read read = ReadNetOf(Data("AnnotatedData",
                                   "transform_param { force_gray: true resize_param { height: 30 "
                                   "width: 40 } }"));
  ASSERT_TRUE(read.manifest) << read.error;
  EXPECT_EQ(ToString(read.input), "f32[1,1,30,40]");
  EXPECT_EQ(read.manifest->inputs[0].color, ColorOrder::kGray);
}

TEST(CaffePreprocess, OldFieldsCount) {
  const Read v1 =
      ReadNetOf("layers { name: 'd' type: DATA top: 'data' data_param { scale: 0.5 crop_size: 8 } }\n");
  ASSERT_TRUE(v1.manifest) << v1.error;
  EXPECT_THAT(v1.manifest->inputs[0].std, ElementsAre(2));
  const Read v0 =
      ReadNetOf("layers { layer { name: 'd' type: 'data' scale: 0.25 cropsize: 8 } top: 'data' }\n");
  ASSERT_TRUE(v0.manifest) << v0.error;
  EXPECT_THAT(v0.manifest->inputs[0].std, ElementsAre(4));
}

TEST(CaffePreprocess, SilenceIsSaid) {
  const Read read = ReadNetOf("input: 'data' input_dim: [1,3,8,8]\n");
  EXPECT_FALSE(read.manifest);
  EXPECT_THAT(read.notes, ElementsAre(HasSubstr("has no transform_param for 'data'")));
  EXPECT_TRUE(ReadNetOf("input: 'data' input_dim: [1,7,8,8]\n").notes.empty());  // no photo
}

TEST(CaffePreprocess, MeanFilesLieBesideTheDescription) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "caffe_mean";
  std::filesystem::create_directories(folder);
  const std::string data =
      Data("Data", "transform_param { crop_size: 2 mean_file: 'data/ilsvrc12/mean.binaryproto' }");
  const std::string description = (folder / "net.prototxt").string();
  EXPECT_THAT(ReadNetOf(data, description).notes[0], HasSubstr("does not lie beside the description"));

  std::string blob;
  protozero::pbf_writer writer(blob);
  for (uint32_t tag = 1; tag <= 4; ++tag)
    writer.add_int32(tag, tag == 1 ? 1 : tag == 2 ? 3 : tag == 3 ? 1 : 2);
  const std::vector<float> means = {1, 3, 10, 20, 5, 5};
  writer.add_packed_float(5, means.begin(), means.end());
  ASSERT_TRUE(WriteFile((folder / "mean.binaryproto").string(), blob).ok());
  const Read read = ReadNetOf(data, description);
  ASSERT_TRUE(read.manifest) << read.error;
  EXPECT_THAT(read.manifest->inputs[0].mean, ElementsAre(2, 15, 5));

  ASSERT_TRUE(WriteFile((folder / "mean.binaryproto").string(), blob.substr(0, 20)).ok());
  EXPECT_THAT(ReadNetOf(data, description).error, HasSubstr("cut off or damaged"));
  std::filesystem::remove_all(folder);
}

TEST(CaffePreprocess, MeansMustFitTheChannels) {
  EXPECT_THAT(ReadNetOf(Data("Data", "transform_param { crop_size: 2 mean_value: 1 mean_value: 2 }")).error,
              HasSubstr("has 2 times mean_value, its photos have 3 channels"));
}

}  // namespace
}  // namespace slipway::caffe
