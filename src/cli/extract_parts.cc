#include "cli/extract_parts.h"

#include <filesystem>

#include "base/file.h"
#include "base/npy.h"
#include "cli/array_inputs.h"
#include "cli/console.h"
#include "formats/onnx/cut.h"
#include "media/image_io.h"

namespace slipway::cli {
namespace {

using OptionalTensors = std::vector<std::optional<Tensor>>;

bool IsArray(const std::string& text) { return text.ends_with(".npy") || text.ends_with(".npz"); }

// The photo's tensor, put where the manifest says.
Status ReadPhoto(const std::string& photo, const LoadedModel& loaded,
                 const std::shared_ptr<const Engine>& engine, std::vector<Tensor>& tensors) {
  const tasks::Session session(engine, CompleteManifestOf(loaded));
  SLIPWAY_ASSIGN_OR_RETURN(const media::Image image, media::LoadImage(photo));
  SLIPWAY_ASSIGN_OR_RETURN(const tasks::ImageInput input, session.Prepare(image));
  for (const InputSpec& spec : session.manifest().inputs) {
    if (spec.kind != InputKind::kImage) continue;
    SLIPWAY_ASSIGN_OR_RETURN(const size_t index, tasks::FindInput(*engine, spec.tensor));
    tensors[index] = input.tensor;
    break;
  }
  return Status::Ok();
}

Result<OptionalTensors> Compute(const ExtractFlags& flags, const std::vector<std::string>& names) {
  SLIPWAY_ASSIGN_OR_RETURN(LoadOptions options, flags.model.ToLoadOptions());
  options.import.outputs = names;
  options.is_optimized = false;
  SLIPWAY_ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModel(flags.model.model, options));
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, flags.model.MakeEngine(loaded));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds, FeedsOf(flags, loaded, engine));
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto results, context->Run(feeds));
  OptionalTensors values;
  for (const Tensor& result : results) values.emplace_back(result.Clone());
  return values;
}

Status Write(const std::string& path, std::string_view bytes) {
  return WriteFile(path, bytes).WithHint("say with -o where to write");
}

// Strings and some element types have no .npy form: without them the rest is of use still.
void WriteArrays(const std::string& path, const std::vector<NamedTensor>& values) {
  std::vector<std::pair<std::string, Tensor>> arrays;
  for (const NamedTensor& value : values) {
    if (value.tensor) arrays.emplace_back(value.name, *value.tensor);
  }
  if (arrays.empty()) return;
  if (const Status status = WriteNpz(path, arrays); !status.ok()) PrintNote(path + ": " + status.message());
}

// What an earlier extract may have left where this one writes.
void RemoveOld(const std::string& folder) {
  std::error_code error;
  for (const char* name : {"model.onnx", "model.txt", "node.json", "inputs.npz", "outputs.npz"})
    std::filesystem::remove(folder + "/" + name, error);
  for (const char* kind : {"input", "output"}) {
    const std::string stem = folder + "/test_data_set_0/" + kind + "_";
    for (int i = 0; std::filesystem::remove(stem + std::to_string(i) + ".pb", error);) ++i;
  }
}

Status WriteTestData(const std::string& folder, const char* kind, const std::vector<NamedTensor>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].tensor) continue;
    const std::string path = folder + "/" + kind + "_" + std::to_string(i) + ".pb";
    SLIPWAY_RETURN_IF_ERROR(Write(path, onnx::FormatTensorProto(values[i].name, *values[i].tensor)));
  }
  return Status::Ok();
}

}  // namespace

Result<std::vector<Tensor>> FeedsOf(const ExtractFlags& flags, const LoadedModel& loaded,
                                    const std::shared_ptr<const Engine>& engine) {
  std::vector<Tensor> tensors(engine->inputs().size());
  std::vector<std::string> arrays;
  for (const std::string& text : flags.data) {
    if (IsArray(text)) {
      arrays.push_back(text);
    } else {
      SLIPWAY_RETURN_IF_ERROR(ReadPhoto(text, loaded, engine, tensors));
    }
  }
  SLIPWAY_RETURN_IF_ERROR(ReadInputs(*engine, arrays, tensors));
  FillInputs(*engine, loaded.model.ranges, flags.seed, tensors);
  return tensors;
}

Result<OptionalTensors> ValuesOf(const ExtractFlags& flags, const std::vector<std::string>& names) {
  if (names.empty()) return OptionalTensors();
  auto together = Compute(flags, names);
  const auto is_unknown = [](const Status& status) {
    return status.code() == Code::kUnsupported || status.code() == Code::kUsage;
  };
  if (together.ok() || !is_unknown(together.status())) return together;
  OptionalTensors values;
  for (const std::string& name : names) {
    auto alone = Compute(flags, {name});
    if (!alone.ok() && !is_unknown(alone.status())) return alone.status();
    values.push_back(alone.ok() ? (*alone)[0] : std::nullopt);
    if (!alone.ok())
      PrintNote("input '" + name + "' of the node is not known: " +
                alone.status().message().substr(0, alone.status().message().find('\n')));
  }
  return values;
}

Status WriteExtract(const std::string& folder, const Extract& extract) {
  const bool is_onnx = extract.file_name.ends_with(".onnx");
  const std::string data = is_onnx ? folder + "/test_data_set_0" : folder;
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (error)
    return Status(Code::kIo, "cannot make the folder '" + data + "': " + error.message(),
                  "say with -o where to write");
  RemoveOld(folder);
  SLIPWAY_RETURN_IF_ERROR(Write(folder + "/" + extract.file_name, extract.content));
  if (is_onnx) {
    SLIPWAY_RETURN_IF_ERROR(WriteTestData(data, "input", extract.inputs));
    return WriteTestData(data, "output", extract.outputs);
  }
  WriteArrays(folder + "/inputs.npz", extract.inputs);
  WriteArrays(folder + "/outputs.npz", extract.outputs);
  return Status::Ok();
}

}  // namespace slipway::cli
