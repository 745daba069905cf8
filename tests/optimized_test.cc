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

// Seeded noise of the inputs' dtypes; symbolic extents become 1.
std::vector<Tensor> RandomInputs(const Graph& graph) {
  std::mt19937 random(7);
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs) {
    const Type& type = graph.value(id).type;
    Dims dims;
    for (const Dim& dim : *type.shape) dims.push_back(dim.IsKnown() ? dim.value() : 1);
    Tensor tensor(type.dtype, dims);
    const bool is_float = IsFloat(type.dtype);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const auto byte = static_cast<int>(random() % 256);
      StoreReal(type.dtype, tensor.data(), i, is_float ? byte / 255.0 : byte);
    }
    inputs.push_back(tensor);
  }
  return inputs;
}

Result<std::vector<Tensor>> RunOnce(Graph graph, const std::vector<Tensor>& inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(std::move(graph), EngineOptions()));
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

class Optimized : public testing::TestWithParam<const char*> {};

TEST_P(Optimized, EqualsUnoptimized) {
  const std::filesystem::path path = Assets() / GetParam();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  auto model = ImportModel(path.string());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  for (ValueId id : model->graph.inputs) ASSERT_TRUE(model->graph.value(id).type.HasRank());
  const std::vector<Tensor> inputs = RandomInputs(model->graph);
  Graph optimized = model->graph;
  const auto reports = Optimize(optimized, {});
  ASSERT_TRUE(reports.ok()) << reports.status().ToString();
  const auto want = RunOnce(std::move(model->graph), inputs);
  ASSERT_TRUE(want.ok()) << want.status().ToString();
  const auto got = RunOnce(std::move(optimized), inputs);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  ASSERT_EQ(got->size(), want->size());
  for (size_t i = 0; i < want->size(); ++i)
    EXPECT_LE(Difference((*got)[i], (*want)[i]), 1e-5) << "output " << i;
}

INSTANTIATE_TEST_SUITE_P(
    Assets, Optimized,
    testing::Values("onnx/mnist-8.onnx", "onnx/ultraface_rfb320_nopost.onnx", "onnx/yunet_120x160.onnx",
                    "onnx/stm_mobilenet_v2_0.35_128.onnx", "onnx/FastestDet.onnx",
                    "tflite/mobilenet_v1_0.25_224_float_metadata.tflite",
                    "tflite/mobilenet_v1_0.25_224_quant_metadata.tflite", "tflite/yolov5n-fp16-320.tflite",
                    "tflite/mlperf_ic_resnet8_int8.tflite", "tflite/yunet_120x160_f32.tflite",
                    "tensorflow/mobilenet_v1_0.25_128_frozen.pb"),
    [](const auto& info) {
      std::string name = info.param;
      std::replace_if(
          name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
      return name;
    });

}  // namespace
}  // namespace slipway
