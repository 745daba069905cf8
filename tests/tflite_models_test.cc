// Whole .tflite models against LiteRT's reference kernels, on real photos.
//
// tests/oracles/tflite_models.py writes the cases, the scripts that tflite_ops_check.py runs those of one
// operator each; SLIPWAY_TFLITE_ORACLE names the folder (several, with ':'). Integer outputs must be
// equal to the bit, floats within 1e-5 of the largest magnitude.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/npy.h"
#include "base/scalar.h"
#include "formats/tflite/import.h"
#include "passes/pipeline.h"
#include "runner.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> Cases() {
  std::vector<fs::path> cases;
  const char* variable = std::getenv("SLIPWAY_TFLITE_ORACLE");
  std::string folders = variable ? variable : "";
  while (!folders.empty()) {
    const std::string folder = folders.substr(0, folders.find(':'));
    folders.erase(0, folder.size() + 1);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (fs::exists(entry.path() / "model.txt") || fs::exists(entry.path() / "model.tflite"))
        cases.push_back(entry.path());
    }
  }
  std::sort(cases.begin(), cases.end());
  if (cases.empty()) cases.emplace_back();  // one case that says what is missing
  return cases;
}

// model.tflite of the case, or the file that model.txt names.
Result<std::string> ModelPath(const fs::path& folder) {
  if (fs::exists(folder / "model.tflite")) return (folder / "model.tflite").string();
  SLIPWAY_ASSIGN_OR_RETURN(std::string path, ReadFile((folder / "model.txt").string()));
  path.erase(path.find_last_not_of('\n') + 1);
  return path;
}

Result<ImportedModel> Import(const fs::path& folder) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string path, ModelPath(folder));
  ModelFile file;
  file.path = path;
  SLIPWAY_ASSIGN_OR_RETURN(file.file, MappedFile::Open(path));
  return ImportTflite(file, {});
}

// "input0.npy", "input1.npy", ... as far as they go.
Result<std::vector<Datum>> Arrays(const fs::path& folder, const std::string& stem) {
  std::vector<Datum> arrays;
  for (int i = 0;; ++i) {
    const fs::path path = folder / (stem + std::to_string(i) + ".npy");
    if (!fs::exists(path)) return arrays;
    SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadNpy(path.string()));
    arrays.push_back(Datum::Of(std::move(tensor)));
  }
}

// Folders of the runs, in order: the case's own, then run1, run2, ... as far as they go.
std::vector<fs::path> Runs(const fs::path& folder) {
  std::vector<fs::path> runs = {folder};
  for (int i = 1; fs::exists(folder / ("run" + std::to_string(i))); ++i)
    runs.push_back(folder / ("run" + std::to_string(i)));
  return runs;
}

// How a model is run: "interpret" (node by node, inferred types checked), "ref" and "cpu" (an engine), or
// "optimized" (an engine on cpu, after all passes).
Result<std::unique_ptr<conformance::Runner>> Start(const std::string& way, Graph& graph) {
  if (way == "optimized") {
    SLIPWAY_ASSIGN_OR_RETURN(const auto reports, Optimize(graph, PipelineOptions()));
  }
  return conformance::MakeRunner(way == "optimized" ? "cpu" : way, graph);
}

// Complex numbers as pairs of reals.
Tensor PartsOf(Tensor tensor) {
  Dims dims = tensor.dims();
  dims.push_back(2);
  void* data = tensor.data();
  return Tensor(DType::kF32, std::move(dims), data, std::make_shared<const Tensor>(std::move(tensor)));
}

// Where `got` first leaves `want`; empty when it doesn't.
std::string Difference(const Tensor& got, const Tensor& want, double relative) {
  if (got.dtype() != want.dtype() || got.dims() != want.dims())
    return Describe(got) + ", not " + Describe(want);
  if (want.dtype() == DType::kString) {
    const auto ours = got.values<std::string>();
    const auto theirs = want.values<std::string>();
    return std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end()) ? "" : "texts differ";
  }
  if (want.dtype() == DType::kC64) return Difference(PartsOf(got), PartsOf(want), relative);
  double magnitude = 1e-3;
  for (int64_t i = 0; i < want.count(); ++i) {
    const double value = std::abs(LoadReal(want.dtype(), want.data(), i));
    if (std::isfinite(value)) magnitude = std::max(magnitude, value);
  }
  const double tolerance = IsFloat(want.dtype()) ? relative * magnitude : 0;
  int64_t num_wrong = 0;
  int64_t first = 0;
  double worst = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    if (a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance) continue;
    if (num_wrong++ == 0) first = i;
    worst = std::max(worst, std::abs(a - b));
  }
  if (num_wrong == 0) return "";
  return std::to_string(num_wrong) + " of " + std::to_string(want.count()) + " elements differ, by up to " +
         std::to_string(worst) + " (largest magnitude " + std::to_string(magnitude) + "); element " +
         std::to_string(first) + " is " + std::to_string(LoadReal(got.dtype(), got.data(), first)) +
         ", not " + std::to_string(LoadReal(want.dtype(), want.data(), first));
}

struct Case {
  fs::path folder;
  std::string way;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.folder.filename() << " by " << each.way; }

std::vector<Case> CasesByWay() {
  std::vector<Case> cases;
  for (const fs::path& folder : Cases()) {
    for (const char* way : {"interpret", "ref", "cpu", "optimized"}) cases.push_back({folder, way});
  }
  return cases;
}

class TfliteModel : public testing::TestWithParam<Case> {};

TEST_P(TfliteModel, EqualsLiteRt) {
  const auto& [folder, way] = GetParam();
  if (folder.empty()) {
    ASSERT_EQ(std::getenv("SLIPWAY_TFLITE_ORACLE"), nullptr) << "the folder holds no cases";
    GTEST_SKIP() << "SLIPWAY_TFLITE_ORACLE is not set: see tests/oracles/tflite_models.py";
  }
  auto model = Import(folder);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const auto runner = Start(way, model->graph);
  ASSERT_TRUE(runner.ok()) << runner.status().ToString();
  const bool is_dynamic_range = folder.string().find("dynamic_range") != std::string::npos;
  for (const fs::path& run : Runs(folder)) {
    const auto inputs = Arrays(run, "input");
    const auto wanted = Arrays(run, "output");
    ASSERT_TRUE(inputs.ok() && wanted.ok());
    const auto outputs = (*runner)->Run(*inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
    ASSERT_EQ(outputs->size(), wanted->size());
    for (size_t i = 0; i < wanted->size(); ++i) {
      EXPECT_EQ(Difference((*outputs)[i].tensor, (*wanted)[i].tensor, is_dynamic_range ? 1e-2 : 1e-5), "")
          << run << " output " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Oracle, TfliteModel, testing::ValuesIn(CasesByWay()), [](const auto& info) {
  std::string name = info.param.folder.empty() ? "none" : info.param.folder.filename().string();
  name += "_" + info.param.way;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
});

fs::path Asset(const std::string& path) {
  const char* variable = std::getenv("SLIPWAY_ASSETS");
  return (variable ? fs::path(variable) : fs::path(SLIPWAY_SOURCE_DIR) / "../shared/assets") / path;
}

class TfliteBroken : public testing::TestWithParam<const char*> {};

TEST_P(TfliteBroken, TruncatedModelsAreRefused) {
  const fs::path path = Asset(GetParam());
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const auto whole = ReadFile(path.string());
  ASSERT_TRUE(whole.ok());
  for (const size_t percent : {0, 1, 10, 50, 90}) {
    const auto* data = reinterpret_cast<const uint8_t*>(whole->data());
    const auto model = ImportTflite({data, whole->size() * percent / 100}, nullptr, {});
    ASSERT_FALSE(model.ok()) << percent << " %";
    EXPECT_EQ(model.status().code(), Code::kInvalidModel) << model.status().ToString();
  }
}

INSTANTIATE_TEST_SUITE_P(Oracle, TfliteBroken,
                         testing::Values("tflite/yolov5n-fp16-320.tflite", "tflite/mlperf_vww_int8.tflite",
                                         "tflite/coco_ssd_mobilenet_v1_quant_metadata.tflite"),
                         [](const auto& info) { return "Model" + std::to_string(info.index); });

// Operators of an accelerator or of an application: refused, and all named.
TEST(TfliteUnsupported, CustomOperatorsAreNamed) {
  const std::pair<const char*, std::vector<const char*>> models[] = {
      {"coral_model_invoking_error", {"fake-op-double"}},
      {"coral_split_concat_edgetpu", {"edgetpu-custom-op"}},
      {"test_model_nl_classifier",
       {"CUSTOM_OP_STRING_TO_FLOATS", "CUSTOM_OP_GENERATE_LABELS", "CUSTOM_OP_STRING_TO_DOUBLES"}},
      {"test_model_nl_classifier_bool_output", {"CUSTOM_OP_STRING_TO_BOOLS"}},
      {"test_model_nl_classifier_with_associated_label", {"CUSTOM_OP_STRING_TO_FLOATS"}}};
  for (const auto& [name, ops] : models) {
    const fs::path path = Asset("tflite/" + std::string(name) + ".tflite");
    if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
    ModelFile file;
    file.path = path.string();
    auto mapped = MappedFile::Open(file.path);
    ASSERT_TRUE(mapped.ok());
    file.file = std::move(*mapped);
    const Status status = ImportTflite(file, {}).status();
    EXPECT_EQ(status.code(), Code::kUnsupported);
    for (const char* op : ops)
      EXPECT_NE(status.message().find(op), std::string::npos) << name << ": " << status.message();
  }
}

}  // namespace
}  // namespace slipway
