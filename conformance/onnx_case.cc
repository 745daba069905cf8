#include "onnx_case.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/scalar.h"
#include "formats/onnx/tensor_proto.h"

namespace slipway::conformance {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> DataSetsOf(const fs::path& folder) {
  std::vector<std::string> sets;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("test_data_set_")) sets.push_back(entry.path().string());
  }
  std::sort(sets.begin(), sets.end());
  return sets;
}

void AddSuite(const fs::path& suite, std::vector<OnnxCase>& cases) {
  if (!fs::is_directory(suite)) return;
  for (const auto& entry : fs::directory_iterator(suite)) {
    const fs::path model = entry.path() / "model.onnx";
    if (!fs::is_regular_file(model)) continue;
    const std::string name = suite.filename().string() + "/" + entry.path().filename().string();
    cases.push_back({name, model.string(), DataSetsOf(entry.path()), {}});
  }
}

void AddLight(const fs::path& suite, std::vector<OnnxCase>& cases) {
  if (!fs::is_directory(suite)) return;
  for (const auto& entry : fs::directory_iterator(suite)) {
    if (entry.path().extension() != ".onnx") continue;
    const std::string stem = entry.path().stem().string();
    cases.push_back({"light/" + stem, entry.path().string(), {}, (suite / (stem + "_output_0.pb")).string()});
  }
}

Result<Datum> ReadDatum(const std::string& path, TypeKind kind) {
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  onnx::TensorSource source;
  source.owner = file.owner();
  switch (kind) {
    case TypeKind::kTensor: {
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, onnx::ReadTensorProto(bytes, source));
      return Datum::Of(std::move(tensor));
    }
    case TypeKind::kSequence: return onnx::ReadSequenceProto(bytes, source);
    case TypeKind::kOptionalTensor:
    case TypeKind::kOptionalSequence: return onnx::ReadOptionalProto(bytes, source);
  }
  return Status(Code::kInternal, "a datum of no kind");
}

Result<std::vector<Datum>> ReadData(const std::string& folder, const std::string& stem, const Graph& graph,
                                    const std::vector<ValueId>& values) {
  std::vector<Datum> data;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string path = folder + "/" + stem + std::to_string(i) + ".pb";
    SLIPWAY_ASSIGN_OR_RETURN(Datum datum, ReadDatum(path, graph.value(values[i]).type.kind));
    data.push_back(std::move(datum));
  }
  return data;
}

Result<Tensor> Ramp(const Type& type) {
  if (!type.shape || type.dtype != DType::kF32)
    return Status(Code::kUnsupported, "a ramp for " + ToString(type));
  Dims dims;
  for (const Dim& dim : *type.shape) dims.push_back(dim.IsKnown() ? dim.value() : 1);
  Tensor tensor(DType::kF32, dims);
  const int64_t count = tensor.count();
  for (int64_t i = 0; i < count; ++i) {
    tensor.as<float>()[i] = static_cast<float>(static_cast<double>(i) / static_cast<double>(count));
  }
  return tensor;
}

bool IsClose(double got, double want, const Closeness& closeness) {
  if (std::isnan(got) || std::isnan(want)) return std::isnan(got) && std::isnan(want);
  if (std::isinf(got) || std::isinf(want)) return got == want;
  return std::fabs(got - want) <= closeness.atol + closeness.rtol * std::fabs(want);
}

// Complex numbers as twice as many reals.
Tensor AsReals(const Tensor& tensor) {
  if (!IsComplex(tensor.dtype())) return tensor;
  Dims dims = tensor.dims();
  dims.push_back(2);
  const DType part = tensor.dtype() == DType::kC64 ? DType::kF32 : DType::kF64;
  return Tensor(part, dims, const_cast<void*>(tensor.data()));
}

Status CompareTensors(const Tensor& got_raw, const Tensor& want_raw, const Closeness& closeness) {
  if (got_raw.dtype() != want_raw.dtype() || got_raw.dims() != want_raw.dims()) {
    return Status(Code::kMismatch, "got " + Describe(got_raw) + ", want " + Describe(want_raw));
  }
  const Tensor got = AsReals(got_raw);
  const Tensor want = AsReals(want_raw);
  int64_t wrong = 0;
  std::string first;
  for (int64_t i = 0; i < want.count(); ++i) {
    if (want.dtype() == DType::kString) {
      if (got.as<std::string>()[i] == want.as<std::string>()[i]) continue;
      if (wrong++ == 0)
        first = "'" + got.as<std::string>()[i] + "', want '" + want.as<std::string>()[i] + "'";
      continue;
    }
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    if (IsClose(a, b, closeness)) continue;
    if (wrong++ == 0) first = std::to_string(a) + ", want " + std::to_string(b) + " at " + std::to_string(i);
  }
  if (wrong == 0) return Status::Ok();
  return Status(Code::kMismatch,
                std::to_string(wrong) + " of " + std::to_string(want.count()) + " values differ: " + first);
}

}  // namespace

Result<std::vector<OnnxCase>> FindCases(const std::string& data) {
  std::vector<OnnxCase> cases;
  for (const char* suite : {"node", "simple", "pytorch-converted", "pytorch-operator"}) {
    AddSuite(fs::path(data) / suite, cases);
  }
  AddLight(fs::path(data) / "light", cases);
  if (cases.empty()) {
    return Status(Code::kNotFound, "no test cases below '" + data + "'",
                  "name the folder onnx/backend/test/data of the onnx wheel");
  }
  std::sort(cases.begin(), cases.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return cases;
}

Result<DataSet> ReadDataSet(const std::string& folder, const Graph& graph) {
  DataSet set;
  SLIPWAY_ASSIGN_OR_RETURN(set.inputs, ReadData(folder, "input_", graph, graph.inputs));
  SLIPWAY_ASSIGN_OR_RETURN(set.outputs, ReadData(folder, "output_", graph, graph.outputs));
  return set;
}

Result<DataSet> LightDataSet(const OnnxCase& light, const Graph& graph) {
  DataSet set;
  for (ValueId id : graph.inputs) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor ramp, Ramp(graph.value(id).type));
    set.inputs.push_back(Datum::Of(std::move(ramp)));
  }
  SLIPWAY_ASSIGN_OR_RETURN(Datum output, ReadDatum(light.light_output, TypeKind::kTensor));
  set.outputs.push_back(std::move(output));
  return set;
}

Status Compare(const Datum& got, const Datum& want, const Closeness& closeness) {
  const auto has_sequence = [](const Datum& datum) { return datum.sequence != nullptr; };
  if (!want.has_value || !got.has_value) {
    return want.has_value == got.has_value
               ? Status::Ok()
               : Status(Code::kMismatch, "one optional is empty, the other is not");
  }
  if (has_sequence(got) != has_sequence(want)) {
    return Status(Code::kMismatch, "a sequence against a tensor");
  }
  if (!has_sequence(want)) return CompareTensors(got.tensor, want.tensor, closeness);
  if (got.sequence->size() != want.sequence->size()) {
    return Status(Code::kMismatch, "a sequence of " + std::to_string(got.sequence->size()) + ", want " +
                                       std::to_string(want.sequence->size()));
  }
  for (size_t i = 0; i < want.sequence->size(); ++i) {
    if (Status status = CompareTensors((*got.sequence)[i], (*want.sequence)[i], closeness); !status.ok()) {
      return status.WithContext("element " + std::to_string(i));
    }
  }
  return Status::Ok();
}

}  // namespace slipway::conformance
