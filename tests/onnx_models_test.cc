// Whole ONNX models: against onnxruntime on real photos, against the outputs that their publishers ship, and
// broken.
//
// tests/oracles/onnx_models.py writes the photo cases; SLIPWAY_ONNX_ORACLE names the folder. Floats must lie
// within 1e-5 of the output's largest magnitude. Models with integer arithmetic are compared as
// golden/tasks.json says: top-1 and cosine, since onnxruntime's own results vary with the CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "base/npy.h"
#include "base/scalar.h"
#include "formats/onnx/onnx.h"
#include "onnx_case.h"
#include "runner.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;

fs::path Assets() {
  const char* variable = std::getenv("SLIPWAY_ASSETS");
  return variable ? fs::path(variable) : fs::path(SLIPWAY_SOURCE_DIR) / "../shared/assets";
}

Result<ImportedModel> Import(const fs::path& path, const ImportOptions& options = {}) {
  ModelFile file;
  file.path = path.string();
  SLIPWAY_ASSIGN_OR_RETURN(file.file, MappedFile::Open(file.path));
  return ImportOnnx(file, options);
}

std::string FirstLine(const fs::path& path) {
  const auto text = ReadFile(path.string());
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

// Lines "input NAME[shape]" and "output NAME".
ImportOptions OptionsOf(const fs::path& path) {
  ImportOptions options;
  const auto text = ReadFile(path.string());
  std::istringstream lines(text.ok() ? *text : "");
  for (std::string word, rest; lines >> word && std::getline(lines >> std::ws, rest);) {
    if (word == "output") options.outputs.push_back(rest);
    if (word != "input") continue;
    if (auto cut = ParseInputCut(rest); cut.ok()) options.inputs.push_back(*cut);
  }
  return options;
}

Result<std::vector<Datum>> Arrays(const fs::path& folder, const std::string& stem) {
  std::vector<Datum> arrays;
  for (int i = 0;; ++i) {
    const fs::path path = folder / (stem + std::to_string(i) + ".npy");
    if (!fs::exists(path)) return arrays;
    SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadNpy(path.string()));
    arrays.push_back(Datum::Of(std::move(tensor)));
  }
}

Result<std::vector<Datum>> RunOn(const std::string& backend, const Graph& graph,
                                 const std::vector<Datum>& inputs) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto runner, conformance::MakeRunner(backend, graph));
  return runner->Run(inputs);
}

double MaxNorm(const Tensor& tensor) {
  double norm = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    norm = std::max(norm, std::abs(LoadReal(tensor.dtype(), tensor.data(), i)));
  }
  return norm;
}

// Largest difference over the largest magnitude of `want`; infinite when shapes or types differ.
double RelativeError(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || got.dims() != want.dims()) return INFINITY;
  double worst = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    if (std::isnan(a) != std::isnan(b)) return INFINITY;
    if (!std::isnan(a)) worst = std::max(worst, std::abs(a - b));
  }
  return worst / std::max(MaxNorm(want), 1e-6);
}

int64_t Top1(const Tensor& scores) {
  const auto values = scores.values<float>();
  return std::max_element(values.begin(), values.end()) - values.begin();
}

double Cosine(const Tensor& a, const Tensor& b) {
  double ab = 0, aa = 0, bb = 0;
  for (int64_t i = 0; i < a.count() && i < b.count(); ++i) {
    ab += double{a.as<float>()[i]} * b.as<float>()[i];
    aa += double{a.as<float>()[i]} * a.as<float>()[i];
    bb += double{b.as<float>()[i]} * b.as<float>()[i];
  }
  return ab / std::sqrt(aa * bb);
}

bool HasIntegerArithmetic(const std::string& name) {
  return name.find("int8") != std::string::npos || name.find("qdq") != std::string::npos;
}

// Wider where f32 sums themselves are the coarser side. Against double sums ppocrv3's onnxruntime errs
// by 1.6e-5 and our vectors by 1.8e-5, 3.2e-5 with batch norms folded; scalar code, whose products are
// rounded before they are added, by a little more. On yolox_nano onnxruntime differs from itself by 0.8e-5
// between thread counts; on fns-candy it sums half a million pixels per channel in f32.
double ToleranceOf(const std::string& name) {
  if (name == "ppocrv3_text_det_en") return 5e-5;
  if (name == "yolox_nano") return 1.5e-5;
  return name == "fns-candy" ? 2e-5 : 1e-5;
}

// Pictures: rounded to levels several times on the way. onnxruntime's antialiased resize of u8 rounds between
// its two passes too, which ONNX does not ask for.
void ExpectSameLevels(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(Describe(got), Describe(want));
  double sum = 0;
  for (int64_t i = 0; i < want.count(); ++i) sum += std::abs(got.as<uint8_t>()[i] - want.as<uint8_t>()[i]);
  EXPECT_LE(sum / static_cast<double>(want.count()), 0.5) << "mean difference in levels";
}

void ExpectTop1AndCosine(const Tensor& got, const Tensor& want, double least_cosine) {
  ASSERT_EQ(Describe(got), Describe(want));
  EXPECT_EQ(Top1(got), Top1(want));
  EXPECT_GE(Cosine(got, want), least_cosine);
}

void ExpectSame(const std::string& name, const Tensor& got, const Tensor& want) {
  if (want.dtype() == DType::kU8) return ExpectSameLevels(got, want);
  if (HasIntegerArithmetic(name)) return ExpectTop1AndCosine(got, want, 0.999);
  EXPECT_LE(RelativeError(got, want), ToleranceOf(name)) << Describe(got) << " against " << Describe(want);
}

struct PhotoCase {
  fs::path folder;  // empty: one case that says what is missing
  std::string backend;
};
void PrintTo(const PhotoCase& each, std::ostream* out) {
  *out << each.folder.filename() << " on " << each.backend;
}

std::vector<PhotoCase> PhotoCases() {
  std::vector<PhotoCase> cases;
  const char* folder = std::getenv("SLIPWAY_ONNX_ORACLE");
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder ? folder : "", error)) {
    if (!fs::exists(entry.path() / "model.txt")) continue;
    for (const char* backend : {"ref", "cpu"}) cases.push_back({entry.path(), backend});
  }
  if (cases.empty()) cases.emplace_back();
  return cases;
}

std::string CaseName(const testing::TestParamInfo<PhotoCase>& info) {
  std::string name = info.param.folder.filename().string() + "_" + info.param.backend;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

class OnnxModel : public testing::TestWithParam<PhotoCase> {};

TEST_P(OnnxModel, EqualsOnnxruntime) {
  const auto& [folder, backend] = GetParam();
  if (folder.empty()) {
    ASSERT_EQ(std::getenv("SLIPWAY_ONNX_ORACLE"), nullptr) << "the folder holds no cases";
    GTEST_SKIP() << "SLIPWAY_ONNX_ORACLE is not set: see tests/oracles/onnx_models.py";
  }
  const auto model = Import(FirstLine(folder / "model.txt"), OptionsOf(folder / "options.txt"));
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const auto inputs = Arrays(folder, "input");
  const auto wanted = Arrays(folder, "output");
  ASSERT_TRUE(inputs.ok() && wanted.ok());
  const auto outputs = RunOn(backend, model->graph, *inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
  ASSERT_EQ(outputs->size(), wanted->size());
  for (size_t i = 0; i < wanted->size(); ++i) {
    SCOPED_TRACE("output " + std::to_string(i));
    ExpectSame(folder.filename().string(), (*outputs)[i].tensor, (*wanted)[i].tensor);
  }
}

INSTANTIATE_TEST_SUITE_P(Photos, OnnxModel, testing::ValuesIn(PhotoCases()), CaseName);

// Publishers' own inputs and outputs (golden/tasks.json). onnxruntime on a CPU with VNNI has the same cosine
// to them: the publisher's CPU saturated its 16-bit sums.
struct Published {
  const char* model;
  const char* data;
  double least_cosine;
};
void PrintTo(const Published& each, std::ostream* out) { *out << each.model; }

class OnnxGolden : public testing::TestWithParam<Published> {};

TEST_P(OnnxGolden, GivesThePublishedOutput) {
  const auto& [model_path, data, least_cosine] = GetParam();
  const fs::path folder = Assets() / "golden" / data / "test_data_set_0";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const auto model = Import(Assets() / "onnx" / model_path);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const auto set = conformance::ReadDataSet(folder.string(), model->graph);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  const auto outputs = RunOn("cpu", model->graph, set->inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
  ExpectTop1AndCosine((*outputs)[0].tensor, set->outputs[0].tensor, least_cosine);
}

INSTANTIATE_TEST_SUITE_P(
    Published, OnnxGolden,
    testing::Values(Published{"shufflenet-v2-12-int8.onnx", "onnx_shufflenet_v2_int8", 0.93},
                    Published{"mobilenetv2_qdq_mixed.onnx", "onnx_mobilenetv2_qdq", 0.99}));

// The published arrays: pixels [1,784] and the digit as one-hot, both i32.
TEST(OnnxGolden, Mnist2018ReadsThePublishedDigits) {
  const fs::path folder = Assets() / "golden/onnx_mnist_2018";
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const auto model = Import(Assets() / "onnx/mnist_2018.onnx");
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  for (const char* file : {"test_data_0.npz", "test_data_1.npz", "test_data_2.npz"}) {
    const auto arrays = ReadNpz((folder / file).string());
    ASSERT_TRUE(arrays.ok()) << arrays.status().ToString();
    const auto pixels = arrays->at("inputs").values<int32_t>();
    const auto one_hot = arrays->at("outputs").values<int32_t>();
    const Tensor input =
        Tensor::From<float>(DType::kF32, {1, 1, 28, 28}, std::vector<float>(pixels.begin(), pixels.end()));
    const auto outputs = RunOn("cpu", model->graph, {Datum::Of(input)});
    ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
    EXPECT_EQ(Top1((*outputs)[0].tensor), std::max_element(one_hot.begin(), one_hot.end()) - one_hot.begin());
  }
}

// A file that stops anywhere is refused, and what is wrong is said.
TEST(OnnxBroken, TruncatedModelsAreRefused) {
  const fs::path path = Assets() / "onnx/mnist-8.onnx";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const auto bytes = ReadFile(path.string());
  ASSERT_TRUE(bytes.ok());
  for (size_t size = 1; size < bytes->size(); size += 997) {
    const auto model = ImportOnnxBytes(std::string_view(*bytes).substr(0, size), {}, {});
    ASSERT_FALSE(model.ok()) << size;
    EXPECT_FALSE(model.status().message().empty());
  }
}

}  // namespace
}  // namespace slipway
