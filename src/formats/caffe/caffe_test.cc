#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <protozero/pbf_writer.hpp>

#include "formats/caffe/import.h"
#include "formats/caffe/layers.h"
#include "formats/caffe/testing.h"
#include "ops/run.h"

namespace slipway::caffe {
namespace {

using testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  const auto parsed = ParseText(text);
  return parsed.ok() ? "none" : parsed.status().message();
}

TEST(CaffeText, ReadsEveryWayOfWriting) {
  const auto parsed = ParseText(
      "# a net\n"
      "name: \"a\\n\\x41\\101\" 'b'  # two strings are one\n"
      "dim: [1, 2,3] dim: 0x10; child { x: -1.5e2 } child: < x: .5f >, list: [{ x: 1 }, { x: 2 }] empty: []");
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  Status error;
  const Params params(&*parsed, error);
  EXPECT_EQ(parsed->Text("name"), "a\nAAb");
  EXPECT_EQ(params.Ints("dim"), (Ints{1, 2, 3, 16}));
  EXPECT_EQ(params.Child("child").Float("x", 0), 0.5F);
  EXPECT_EQ(Params(&parsed->All("child")[0]->message, error).Float("x", 0), -150.0F);
  EXPECT_EQ(parsed->All("list").size(), 2U);
  EXPECT_FALSE(params.Has("empty"));
  EXPECT_TRUE(error.ok());
}

TEST(CaffeText, ErrorsNameTheLine) {
  EXPECT_EQ(ErrorOf("a: 1\nb {\n c: 2\n"), "line 4: the file ends within the message that line 2 opens");
  EXPECT_EQ(ErrorOf("a: 1\n\nb 2"), "line 3: ':' or '{' is wanted after 'b', found '2'");
  EXPECT_EQ(ErrorOf("a: \"x\n\""), "line 1: a string ends with its line: a closing quote is missing");
  EXPECT_EQ(ErrorOf("a: \"\\q\""), "line 1: a string holds a bad escape");
  EXPECT_EQ(ErrorOf("}"), "line 1: a field's name is wanted, found '}'");
  EXPECT_EQ(ErrorOf("a: [1 2]"), "line 1: ',' or ']' is wanted in 'a', found '2'");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "a{";
  EXPECT_EQ(ErrorOf(deep), "line 1: messages nest deeper than 64");
}

TEST(CaffeText, BadValuesAreToldOnce) {
  const auto parsed = ParseText("a: 1.5\nb: x\nc: MAXX");
  ASSERT_TRUE(parsed.ok());
  Status error;
  const Params params(&*parsed, error);
  EXPECT_EQ(params.Int("a", 7), 0);
  EXPECT_EQ(params.Enum("c", {"MAX", "AVE"}, 1), 1U);
  EXPECT_EQ(error.message(), "line 1: a is '1.5'; it must be a whole number of at most 32 bits");
}

std::string BlobProto(const Dims& dims, const Values& values) {
  std::string blob, shape;
  protozero::pbf_writer(shape).add_packed_int64(1, dims.begin(), dims.end());
  protozero::pbf_writer writer(blob);
  writer.add_message(7, shape);
  writer.add_packed_float(5, values.begin(), values.end());
  return blob;
}

// A layer of the generation whose tags these are, within a NetParameter.
std::string LayerProto(uint32_t layer_tag, uint32_t name_tag, uint32_t blob_tag, const std::string& blob) {
  std::string layer, net;
  protozero::pbf_writer writer(layer);
  writer.add_string(name_tag, "ip");
  writer.add_message(blob_tag, blob);
  protozero::pbf_writer(net).add_message(layer_tag, layer);
  return net;
}

Result<Weights> Read(const std::string& bytes) {
  return ReadWeights({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

TEST(CaffeWeights, ReadsAllThreeGenerations) {
  const std::string blob = BlobProto({1, 2}, {3, 4});
  for (const std::string& net : {LayerProto(100, 1, 7, blob), LayerProto(2, 4, 6, blob)}) {
    const auto weights = Read(net);
    ASSERT_TRUE(weights.ok()) << weights.status().message();
    const Tensor& tensor = weights->at("ip").at(0);
    EXPECT_EQ(tensor.dims(), (Dims{1, 2}));
    EXPECT_EQ(Values(tensor.as<float>(), tensor.as<float>() + 2), (Values{3, 4}));
  }
}

TEST(CaffeWeights, ReadsV0Wrapped) {
  std::string inner, layer, net;
  protozero::pbf_writer writer(inner);
  writer.add_string(1, "ip");
  writer.add_message(50, BlobProto({2}, {3, 4}));
  protozero::pbf_writer(layer).add_message(1, inner);
  protozero::pbf_writer(net).add_message(2, layer);
  const auto weights = Read(net);
  ASSERT_TRUE(weights.ok()) << weights.status().message();
  EXPECT_EQ(weights->count("ip"), 1U);
}

// As OpenCV's shrinkCaffeModel writes them.
TEST(CaffeWeights, ReadsHalves) {
  const auto net = [](uint32_t type) {
    std::string blob, shape;
    const Dims dims = {3};
    protozero::pbf_writer(shape).add_packed_int64(1, dims.begin(), dims.end());
    protozero::pbf_writer writer(blob);
    writer.add_message(7, shape);
    writer.add_uint32(10, type);
    writer.add_bytes(12, std::string("\x00\x3c\x00\xc1\x01\x00", 6));
    return LayerProto(100, 1, 7, blob);
  };
  const auto weights = Read(net(2));
  ASSERT_TRUE(weights.ok()) << weights.status().message();
  const float* values = weights->at("ip").at(0).as<float>();
  EXPECT_EQ(Values(values, values + 3), (Values{1, -2.5F, 0x1p-24F}));
  EXPECT_THAT(Read(net(1)).status().message(), HasSubstr("has 1 elements, needs 3"));
  EXPECT_THAT(Read(net(3)).status().message(), HasSubstr("raw data is of type 3; read are"));
}

TEST(CaffeWeights, ABlobMustHoldWhatItsShapeSays) {
  EXPECT_EQ(Read(LayerProto(100, 1, 7, BlobProto({3, 2}, {1, 2}))).status().message(),
            "layer 'ip': a blob of shape [3,2] has 2 elements, needs 6");
  EXPECT_FALSE(Read(LayerProto(100, 1, 7, BlobProto({int64_t{1} << 40, int64_t{1} << 40}, {1, 2}))).ok());
  const auto empty = Read(LayerProto(100, 1, 7, BlobProto({int64_t{1} << 40, int64_t{1} << 40, 0}, {})));
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->at("ip").at(0).dims(), Dims{0});
  const std::string whole = LayerProto(100, 1, 7, BlobProto({2}, {1, 2}));
  EXPECT_THAT(Read(whole.substr(0, whole.size() - 3)).status().message(), HasSubstr("cut off or damaged"));
}

TEST(CaffeLayers, PoolsRoundUpAndClip) {
  const Tensor x = Floats({1, 1, 1, 4}, {1, 2, 3, 4});
  // ceil((4 - 3) / 2) + 1 = 2 windows; the second hangs over the end.
  ExpectValues(RunNet(LayerText("Pooling", "pooling_param { kernel_h: 1 kernel_w: 3 stride: 2 }"), x),
               {1, 1, 1, 2}, {3, 4});
  // Padded: ceil((4 + 2 - 2) / 3) + 1 = 3, but the third would start at 5, in the padding, and is left out.
  // The mean counts padding.
  ExpectValues(
      RunNet(LayerText("Pooling", "pooling_param { pool: AVE kernel_size: 2 stride: 3 pad_h: 0 pad_w: 1 }"),
             Floats({1, 1, 2, 4}, {1, 2, 3, 4, 1, 2, 3, 4})),
      {1, 1, 1, 2}, {0.5F, 3.5F});
  // Without padding a window that starts behind the image stays, and is empty.
  const Answer empty =
      RunNet(LayerText("Pooling", "pooling_param { pool: AVE kernel_size: 1 stride_h: 1 stride_w: 4 }"),
             Floats({1, 1, 1, 4}, {5, 6, 7, 8}));
  ExpectValues(empty, {1, 1, 1, 2}, {5, 0});
  // Of the test phase the mean, weighted with itself: (1 + 4) / 3, (9 + 16) / 7.
  ExpectValues(
      RunNet(LayerText("Pooling", "pooling_param { pool: STOCHASTIC kernel_h: 1 kernel_w: 2 stride: 2 }"), x),
      {1, 1, 1, 2}, {5.0F / 3, 25.0F / 7});
  EXPECT_THAT(
      RunNet(LayerText("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 pad: 1 }"), x).error,
      HasSubstr("pad goes with pool: MAX or AVE"));
}

TEST(CaffeLayers, InPlaceLayersFollowOneAnother) {
  const std::string net =
      LayerText("Power", "power_param { scale: 2 shift: 1 }") +
      "layer { name: 'r' type: 'ReLU' bottom: 'y' top: 'y' relu_param { negative_slope: 0.5 } }"
      "layer { name: 'd' type: 'Dropout' bottom: 'y' top: 'y' }";
  ExpectValues(RunNet(net, Floats({1, 2}, {-3, 3})), {1, 2}, {-2.5F, 7});
}

TEST(CaffeLayers, SumsTakeCoefficients) {
  const std::string text =
      "layer { name: 'e' type: 'Eltwise' bottom: 'x' bottom: 'x' top: 'y' eltwise_param { coeff: 1 coeff: -3 "
      "} }";
  ExpectValues(RunNet(text, Floats({1, 2}, {1, 2})), {1, 2}, {-2, -4});
}

TEST(CaffeLayers, ArgMaxTakesTheLastOfEquals) {
  ExpectValues(RunNet(LayerText("ArgMax", "argmax_param { out_max_val: true top_k: 2 }"),
                      Floats({1, 4}, {1, 5, 5, 0})),
               {1, 2, 2}, {2, 1, 5, 5});
}

TEST(CaffeLayers, BatchNormDividesByItsCount) {
  const Weights weights = {{"l", {Floats({1}, {4}), Floats({1}, {8}), Floats({1}, {2})}}};
  // mean 2, variance 4
  ExpectValues(
      RunNet(LayerText("BatchNorm", "batch_norm_param { eps: 0 }"), Floats({1, 1, 1, 2}, {4, 0}), weights),
      {1, 1, 1, 2}, {1, -1});
}

// NVIDIA's Caffe: mean 1, variance 4, then a scale of 3 and a shift of 5.
TEST(CaffeLayers, BatchNormMayScaleAndShift) {
  Blobs blobs = {Floats({1}, {1}), Floats({1}, {4}), Floats({1}, {1}), Floats({1}, {3}), Floats({1}, {5})};
  const std::string layer = LayerText("BatchNorm", "batch_norm_param { scale_bias: true }");
  ExpectValues(RunNet(layer, Floats({1, 1, 1, 2}, {3, -1}), {{"l", blobs}}), {1, 1, 1, 2}, {8, 2});
  blobs.pop_back();
  EXPECT_THAT(RunNet(layer, Floats({1, 1, 1, 2}, {3, -1}), {{"l", blobs}}).error, HasSubstr("has 4 blobs"));
}

TEST(CaffeLayers, LrnTakesItsOffset) {
  // 3 / (7 + 9)^0.5
  ExpectValues(RunNet(LayerText("LRN", "lrn_param { local_size: 1 alpha: 1 beta: 0.5 k: 7 }"),
                      Floats({1, 1, 1, 1}, {3})),
               {1, 1, 1, 1}, {0.75F});
}

TEST(CaffeLayers, ScaleAlignsWithItsAxis) {
  const Weights weights = {{"l", {Floats({2}, {10, 20}), Floats({2}, {1, 2})}}};
  ExpectValues(RunNet(LayerText("Scale", "scale_param { axis: -1 bias_term: true }"),
                      Floats({1, 2, 2}, {1, 2, 3, 4}), weights),
               {1, 2, 2}, {11, 42, 31, 82});
}

TEST(CaffeLayers, ReductionCollapsesTheTail) {
  ExpectValues(RunNet(LayerText("Reduction", "reduction_param { operation: ASUM axis: 1 coeff: 2 }"),
                      Floats({2, 2}, {1, -2, 3, 4})),
               {2}, {6, 14});
}

TEST(CaffeLayers, NormalizeScalesPixels) {
  const Weights weights = {{"l", {Floats({2}, {10, 20})}}};
  ExpectValues(RunNet(LayerText("Normalize", "norm_param { across_spatial: false channel_shared: false }"),
                      Floats({1, 2, 1, 1}, {3, 4}), weights),
               {1, 2, 1, 1}, {6, 16});
}

TEST(CaffeLayers, EmbedLooksRowsUp) {
  const Weights weights = {{"l", {Floats({2, 2}, {1, 2, 3, 4}), Floats({2}, {10, 20})}}};
  ExpectValues(
      RunNet(LayerText("Embed", "embed_param { input_dim: 2 num_output: 2 }"), Floats({2}, {1, 0}), weights),
      {2, 2}, {13, 24, 11, 22});
}

TEST(CaffeLayers, CropTileThreshold) {
  const std::string text =
      "input: 'size' input_shape { dim: 1 dim: 2 }"
      "layer { name: 'c' type: 'Crop' bottom: 'x' bottom: 'size' top: 'c' crop_param { axis: 1 offset: 1 } }"
      "layer { name: 't' type: 'Tile' bottom: 'c' top: 't' tile_param { tiles: 2 } }"
      "layer { name: 'h' type: 'Threshold' bottom: 't' top: 'y' threshold_param { threshold: 2 } }";
  const auto net = ReadNet("input: 'x' input_shape { dim: 1 dim: 4 }" + text);
  ASSERT_TRUE(net.ok()) << net.status().message();
  const auto model = ImportNet(*net, {}, {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  const std::vector<Datum> inputs = {Datum::Of(Floats({1, 4}, {1, 2, 3, 4})),
                                     Datum::Of(Floats({1, 2}, {0, 0}))};
  const auto outputs = Interpret(model->graph, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  const Tensor& y = (*outputs)[0].tensor;
  EXPECT_EQ(Values(y.as<float>(), y.as<float>() + y.count()), (Values{0, 1, 0, 1}));
}

TEST(CaffeLayers, WithinChannelLrnAveragesASquare) {
  // Mean of x^2 over 3x3 with its padding: 9/9 = 1 at the only pixel.
  ExpectValues(
      RunNet(LayerText("LRN", "lrn_param { local_size: 3 alpha: 3 beta: 0.5 norm_region: WITHIN_CHANNEL }"),
             Floats({1, 1, 1, 1}, {3})),
      {1, 1, 1, 1}, {1.5F});
}

TEST(CaffeLayers, ReshapeCopiesAndInfers) {
  EXPECT_EQ(RunNet(LayerText("Reshape", "reshape_param { shape { dim: 0 dim: -1 } axis: 1 }"),
                   Floats({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}))
                .dims,
            (Dims{1, 2, 3}));
}

TEST(CaffeLayers, PriorBoxesAreCentredInCells) {
  const std::string text =
      "layer { name: 'p' type: 'PriorBox' bottom: 'x' bottom: 'x' top: 'y' prior_box_param { min_size: 1 "
      "aspect_ratio: 4 flip: false variance: 0.1 } }";
  // A cell of 2x2 pixels: boxes of 1x1 and 2x0.5 around (1,1).
  ExpectValues(RunNet(text, Floats({1, 4, 1, 1}, {0, 0, 0, 0})), {1, 2, 8},
               {0, 0, 1, 1, -0.5F, 0.25F, 1.5F, 0.75F, 0.1F, 0.1F, 0.1F, 0.1F, 0.1F, 0.1F, 0.1F, 0.1F});
}

TEST(CaffeImport, TrainingLayersAreLeftOut) {
  const std::string text =
      "layer { name: 'data' type: 'Data' top: 'd' top: 'label' include { phase: TRAIN } }" +
      LayerText("ReLU", "") +
      "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'y' bottom: 'label' top: 'loss' }";
  ExpectValues(RunNet(text, Floats({1, 2}, {-1, 2})), {1, 2}, {0, 2});
}

// Those that REGISTER_LAYER_CLASS names there, without what feeds data and what only training needs.
TEST(CaffeImport, EveryLayerOfBvlcsIsKnown) {
  for (const char* type :
       {"AbsVal",    "ArgMax",      "BNLL",   "BatchNorm",     "BatchReindex", "Bias",         "Clip",
        "Concat",    "Convolution", "Crop",   "Deconvolution", "Dropout",      "ELU",          "Eltwise",
        "Embed",     "Exp",         "Filter", "Flatten",       "Im2col",       "InnerProduct", "LRN",
        "LSTM",      "LSTMUnit",    "Log",    "MVN",           "PReLU",        "Parameter",    "Pooling",
        "Power",     "RNN",         "ReLU",   "Reduction",     "Reshape",      "SPP",          "Scale",
        "Sigmoid",   "Silence",     "Slice",  "Softmax",       "Split",        "Swish",        "TanH",
        "Threshold", "Tile"}) {
    Layer layer;
    layer.type = type;
    EXPECT_NE(FindLayer(layer), nullptr) << type;
  }
}

TEST(CaffeLayers, DropoutMayScaleInTheTestPhase) {
  ExpectValues(RunNet(LayerText("Dropout", "dropout_param { dropout_ratio: 0.25 scale_train: false }"),
                      Floats({1, 2}, {4, 8})),
               {1, 2}, {3, 6});
}

TEST(CaffeImport, ListsEveryUnsupportedLayer) {
  const std::string error =
      RunNet(LayerText("Swizzle", "") + "layer { name: 'm' type: 'Twist' bottom: 'y' top: 'z' }",
             Floats({1}, {1}))
          .error;
  EXPECT_THAT(error, HasSubstr("2 nodes"));
  EXPECT_THAT(error, HasSubstr("'l': Swizzle on (f32[1])"));
  EXPECT_THAT(error, HasSubstr("'m': Twist on (?)"));
}

TEST(CaffeImport, WeightsOfAnotherNetAreRefused) {
  const std::string text =
      LayerText("InnerProduct", "inner_product_param { num_output: 2 bias_term: false }");
  EXPECT_EQ(RunNet(text, Floats({1, 2}, {1, 2}), {{"l", {Floats({3}, {1, 2, 3})}}}).error,
            "InnerProduct 'l' (line 2): blob 0 must be [2,2], the .caffemodel has [3]");
  EXPECT_EQ(RunNet(text, Floats({1, 2}, {1, 2})).error,
            "InnerProduct 'l' (line 2): needs 1 blobs of weights, the .caffemodel has 0 for it");
}

TEST(CaffeImport, MissingBlobsAreNamed) {
  EXPECT_THAT(RunNet("layer { name: 'l' type: 'ReLU' bottom: 'q' top: 'y' }", Floats({1}, {1})).error,
              HasSubstr("reads 'q', which no layer before it makes"));
}

TEST(CaffeLayers, DetectionsAreClassByClass) {
  // Two priors of the whole image and of its left half; boxes as they are. Of class 1 both stay (they overlap
  // by half), of class 2 one is scored high enough.
  const std::string text =
      "input: 'conf' input_shape { dim: 1 dim: 6 } input: 'priors' input_shape { dim: 1 dim: 2 dim: 8 }"
      "layer { name: 'l' type: 'DetectionOutput' bottom: 'x' bottom: 'conf' bottom: 'priors' top: 'y' "
      "detection_output_param { num_classes: 3 code_type: CENTER_SIZE keep_top_k: 2 confidence_threshold: "
      "0.2 "
      "nms_param { nms_threshold: 0.6 } } }";
  const auto net = ReadNet("input: 'x' input_shape { dim: 1 dim: 8 }" + text);
  ASSERT_TRUE(net.ok()) << net.status().message();
  const auto model = ImportNet(*net, {}, {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  const std::vector<Datum> inputs = {
      Datum::Of(Floats({1, 8}, Values(8, 0))), Datum::Of(Floats({1, 6}, {0, 0.3F, 0.9F, 0, 0.5F, 0.1F})),
      Datum::Of(Floats({1, 2, 8}, {0, 0, 1, 1, 0, 0, 0.5F, 1, 1, 1, 1, 1, 1, 1, 1, 1}))};
  const auto outputs = Interpret(model->graph, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  const Tensor& y = (*outputs)[0].tensor;
  ASSERT_EQ(y.dims(), (Dims{1, 1, 2, 7}));
  EXPECT_THAT(Values(y.as<float>(), y.as<float>() + 14),
              testing::Pointwise(testing::FloatNear(1e-6F),
                                 Values{0, 1, 0.5F, 0, 0, 0.5F, 1, 0, 2, 0.9F, 0, 0, 1, 1}));
}

std::string ImportFile(const std::filesystem::path& path, const ImportOptions& options = {}) {
  auto file = MappedFile::Open(path.string());
  if (!file.ok()) return file.status().message();
  const auto model = ImportCaffeModel({path.string(), *file}, options);
  return model.ok() ? model->graph.value(model->graph.outputs[0]).name : model.status().message();
}

TEST(CaffeFiles, TheDescriptionIsFoundOrNamed) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "caffe_files";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) {
    ASSERT_TRUE(WriteFile((folder / name).string(), text).ok());
  };
  const std::filesystem::path weights = folder / "net_iter_10.caffemodel";
  const std::string description =
      "input: 'x' input_dim: [1,1,1,1] " +
      LayerText("InnerProduct", "inner_product_param { num_output: 1 bias_term: false }");
  write("net_iter_10.caffemodel", LayerProto(100, 1, 7, BlobProto({1}, {2})));
  EXPECT_THAT(ImportFile(weights),
              HasSubstr("neither 'net_iter_10.prototxt' nor a single *deploy*.prototxt"));
  write("other.txt", description);
  const std::string named = ImportFile(weights, {.prototxt = (folder / "other.txt").string()});
  EXPECT_THAT(named, HasSubstr("other.txt', weights '"));
  EXPECT_THAT(named, HasSubstr("needs 1 blobs of weights"));  // the layer of the weights is called otherwise
  write("deploy.prototxt", "input: 'x' input_dim: [1,1,1,1] " + LayerText("ReLU", ""));
  EXPECT_EQ(ImportFile(weights), "y");
}

}  // namespace
}  // namespace slipway::caffe
