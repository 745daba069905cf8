// Optimised = unoptimised, on whole vision models: floats within 1e-5 of the largest magnitude, integers
// equal.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/scalar.h"
#include "formats/registry/import_model.h"
#include "passes/pipeline.h"
#include "runtime/engine.h"

namespace slipway {
namespace {

std::filesystem::path Assets() {
  const char* variable = std::getenv("SLIPWAY_ASSETS");
  return variable ? std::filesystem::path(variable)
                  : std::filesystem::path(SLIPWAY_SOURCE_DIR) / "../shared/assets";
}

struct Case {
  const char* path;
  double scale = 1;    // of float inputs, which else are in [0, 1]
  int64_t side = 64;   // of photos whose size is left open
  int integers = 256;  // integer inputs are below: tokens, of which a vocabulary has so many
  // ref where kernels that sum in another order drown the comparison: a rounding between floats that flips, a
  // deep network of large values (yolox: 1.6e-5 by cpu, 2e-6 by ref).
  const char* backend = "cpu";
  double tolerance = 1e-5;  // of the largest magnitude
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.path; }

// What is left open becomes one colour photo.
Dims ChosenDims(const DimList& shape, int64_t side) {
  const bool has_open_channels = shape.size() == 4 && !shape[1].IsKnown() && !shape[3].IsKnown();
  const Dims photo = has_open_channels ? Dims{1, side, side, 3} : Dims{1, side, side, side};
  Dims dims;
  for (size_t i = 0; i < shape.size(); ++i)
    dims.push_back(shape[i].IsKnown() ? shape[i].value() : photo[std::min(i, photo.size() - 1)]);
  return dims;
}

// Seeded noise of the inputs' dtypes.
std::vector<Tensor> RandomInputs(const Graph& graph, const Case& each) {
  std::mt19937 random(7);
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs) {
    const Type& type = graph.value(id).type;
    Tensor tensor(type.dtype, ChosenDims(*type.shape, each.side));
    const bool is_float = IsFloat(type.dtype);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const auto byte = static_cast<int>(random() % 256);
      StoreReal(type.dtype, tensor.data(), i, is_float ? each.scale * byte / 255 : byte % each.integers);
    }
    inputs.push_back(tensor);
  }
  return inputs;
}

Result<std::vector<Tensor>> RunOnce(Graph graph, const std::vector<Tensor>& inputs, const char* backend) {
  EngineOptions options;
  options.backend = backend;
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(std::move(graph), options));
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run(inputs));
  std::vector<Tensor> kept;
  for (const Tensor& output : outputs) kept.push_back(output.Clone());
  return kept;
}

// Largest difference over the largest magnitude; infinite when types differ or an integer does.
double Difference(const Tensor& got, const Tensor& want) {
  if (Describe(got) != Describe(want)) return INFINITY;
  double worst = 0;
  double norm = 1e-6;
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    if (a == b || (std::isnan(a) && std::isnan(b))) {
      if (std::isfinite(b)) norm = std::max(norm, std::abs(b));
      continue;
    }
    if (!IsFloat(want.dtype()) || !std::isfinite(a - b)) return INFINITY;
    worst = std::max(worst, std::abs(a - b));
    norm = std::max(norm, std::abs(b));
  }
  return worst / norm;
}

class Optimized : public testing::TestWithParam<Case> {};

TEST_P(Optimized, EqualsUnoptimized) {
  const std::filesystem::path path = Assets() / GetParam().path;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  auto model = ImportModel(path.string());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  for (ValueId id : model->graph.inputs) ASSERT_TRUE(model->graph.value(id).type.HasRank());
  const std::vector<Tensor> inputs = RandomInputs(model->graph, GetParam());
  Graph optimized = model->graph;
  const auto reports = Optimize(optimized, PipelineOptions::FromEnvironment());  // to bisect
  ASSERT_TRUE(reports.ok()) << reports.status().ToString();
  const auto want = RunOnce(std::move(model->graph), inputs, GetParam().backend);
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  const auto got = RunOnce(std::move(optimized), inputs, GetParam().backend);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  ASSERT_EQ(got->size(), want->size());
  for (size_t i = 0; i < want->size(); ++i)
    EXPECT_LE(Difference((*got)[i], (*want)[i]), GetParam().tolerance) << "output " << i;
}

// FastestDet's channel shuffles: a second round still finds transposes to move.
bool IsKnownToGoOn(const std::string& pass) {
  return pass == "use_channels_last" &&
         std::string_view(Optimized::GetParam().path) == "onnx/FastestDet.onnx";
}

// What a pass finds a second time it should have found at once, or it undoes another's work for ever.
TEST_P(Optimized, NoPassChangesWhatItMade) {
  const std::filesystem::path path = Assets() / GetParam().path;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  auto model = ImportModel(path.string());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  Graph graph = std::move(model->graph);
  for (const std::string& pass : PassNames()) {
    PipelineOptions options;
    options.enabled = {pass};
    for (const std::string& other : PassNames()) {
      if (other != pass) options.disabled.push_back(other);
    }
    for (const bool is_first : {true, false}) {
      const auto reports = Optimize(graph, options);
      ASSERT_TRUE(reports.ok()) << reports.status().ToString();
      const bool has_changed = std::any_of(reports->begin(), reports->end(),
                                           [](const PassReport& report) { return report.has_changed; });
      EXPECT_TRUE(is_first || !has_changed || IsKnownToGoOn(pass)) << pass;
    }
  }
}

// Every ONNX, TFLite and TensorFlow vision network of the assets that is read, and two encoders of text.
INSTANTIATE_TEST_SUITE_P(
    Assets, Optimized,
    testing::Values(
        Case{"onnx/FastestDet.onnx"}, Case{.path = "onnx/bert_toy_optimized.onnx", .side = 8, .integers = 2},
        Case{"onnx/cnn_mnist_pytorch.onnx"},
        // Instance normalisation of whole images: sums in another order, twelve times in a row.
        Case{.path = "onnx/fns-candy.onnx", .tolerance = 3e-5},
        Case{"onnx/mediapipe_face_detection_short_range.onnx"}, Case{"onnx/mediapipe_hand_recrop.onnx"},
        Case{"onnx/mnist-8.onnx"}, Case{"onnx/mnist_2018.onnx"},
        Case{.path = "onnx/mobilenetv2_qdq_mixed.onnx", .backend = "ref"},
        Case{"onnx/ppocrv3_text_det_en.onnx"}, Case{"onnx/shufflenet-v2-12-int8.onnx"},
        Case{"onnx/stm_mobilenet_v2_0.35_128.onnx"}, Case{"onnx/super_resolution_2019.onnx"},
        Case{.path = "onnx/toy_TFBertForQuestionAnswering.onnx", .side = 7, .integers = 2},
        Case{"onnx/ultraface_rfb320_nopost.onnx"},
        Case{.path = "onnx/yolox_nano.onnx", .scale = 255, .backend = "ref"}, Case{"onnx/yunet_120x160.onnx"},
        Case{"tflite/automl_labeler_model.tflite"},
        Case{"tflite/coco_ssd_mobilenet_v1_quant_metadata.tflite"},
        Case{"tflite/coral_mobilenet_v1_0.25_128_quant.tflite"},
        Case{"tflite/coral_movenet_single_pose_lightning_ptq.tflite"},
        Case{"tflite/deeplabv3_float_metadata.tflite"}, Case{"tflite/mcunet_detection_int8.tflite"},
        Case{"tflite/mediapipe_face_detection_front_f32.tflite"},
        Case{"tflite/mediapipe_face_detection_short_range_fp16.tflite"},
        Case{"tflite/mediapipe_face_full_range_sparse_fp16.tflite"},
        Case{"tflite/mediapipe_hand_recrop_f32.tflite"}, Case{"tflite/mediapipe_knift_f32.tflite"},
        Case{"tflite/mlperf_ic_resnet8_float.tflite"}, Case{"tflite/mlperf_ic_resnet8_int8.tflite"},
        Case{"tflite/mlperf_vww_int8.tflite"}, Case{"tflite/mobilenet_v1_0.25_224_float_metadata.tflite"},
        Case{"tflite/mobilenet_v1_0.25_224_quant_metadata.tflite"},
        Case{"tflite/tflm_person_detect_int8.tflite"}, Case{"tflite/ultraface_rfb320_nopost.tflite"},
        Case{"tflite/yolov5n-fp16-320.tflite"}, Case{"tflite/yunet_120x160_dynamic_range.tflite"},
        Case{"tflite/yunet_120x160_f32.tflite"}, Case{"tflite/yunet_120x160_fp16.tflite"},
        Case{"tflite/yunet_120x160_full_int8.tflite"}, Case{"tflite/yunet_120x160_int8_float_io.tflite"},
        Case{"tensorflow/ESPCN_x2.pb"}, Case{"tensorflow/ESPCN_x4.pb"}, Case{"tensorflow/FSRCNN-small_x2.pb"},
        Case{"tensorflow/FSRCNN_x2.pb"}, Case{"tensorflow/FSRCNN_x4.pb"},
        Case{"tensorflow/mnist_nnstreamer.pb"}, Case{"tensorflow/mobilenet_v1_0.25_128_frozen.pb"},
        Case{"tensorflow/mobilenet_v1_0.25_128_weightquant.pb"},
        Case{.path = "tensorflow/opencv_face_detector_uint8.pb", .side = 300}),
    [](const auto& info) {
      std::string name = info.param.path;
      std::replace_if(
          name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
      return name;
    });

}  // namespace
}  // namespace slipway
