#include "cli/model_flags.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "api/tuned.h"
#include "backends/api/backend.h"
#include "cli/choose_by_time.h"
#include "cli/console.h"
#include "cli/number_check.h"
#include "cli/try_bf16.h"
#include "slipway/plugin_library.h"
#include "tasks/core/guess.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<std::vector<std::string>> ReadLines(std::istream& in) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

Result<std::vector<std::string>> ReadLines(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  std::istringstream in(text);
  return ReadLines(in);
}

// A list of photos: a path a line; blank lines and blanks at the ends mean nothing.
std::vector<std::string> PathsOf(const std::vector<std::string>& lines) {
  constexpr const char* kBlanks = " \t";
  std::vector<std::string> paths;
  for (const std::string& line : lines) {
    const size_t begin = line.find_first_not_of(kBlanks);
    if (begin != std::string::npos)
      paths.push_back(line.substr(begin, line.find_last_not_of(kBlanks) + 1 - begin));
  }
  return paths;
}

bool IsImageName(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const char* known : {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm"}) {
    if (extension == known) return true;
  }
  return false;
}

// "NAME=4" or "NAME=1..8"; the first is a range of one.
Result<std::pair<std::string, DimRange>> ParseDim(const std::string& text) {
  const size_t equals = text.find('=');
  const char* end = text.data() + text.size();
  DimRange range{0, 0};
  bool is_right = equals != std::string::npos && equals > 0;
  if (is_right) {
    const char* at = std::from_chars(text.data() + equals + 1, end, range.low).ptr;
    range.high = range.low;
    if (std::string_view(at, end).starts_with("..")) at = std::from_chars(at + 2, end, range.high).ptr;
    is_right = at == end && range.low > 0 && range.low <= range.high;
  }
  if (!is_right) {
    return Status(Code::kUsage, "--dim '" + text + "': must be NAME=extent or NAME=lowest..highest",
                  "for example --dim batch=1, or --dim batch=1..8");
  }
  return std::pair(text.substr(0, equals), range);
}

// "ref, cpu"; null only shows how a backend is made.
std::string BackendNames() {
  std::string names;
  for (const Backend& each : AllBackends()) {
    if (each.name != "null") names += (names.empty() ? "" : ", ") + each.name;
  }
  return names;
}

}  // namespace

void ModelFlags::AddModel(CLI::App* command) {
  command
      ->add_option(
          "model", model,
          "model file: .onnx, .tflite, .pb, model.json, .caffemodel or .slip; or a SavedModel's folder")
      ->required();
  command->add_option("--input", inputs, "NAME[shape]: take this as an input, cutting the graph there")
      ->take_all();
  command->add_option("--output", outputs, "NAME: take this as an output")->take_all();
  command
      ->add_option("--dim", dims,
                   "NAME=extent of a symbolic dimension, or NAME=lowest..highest that it may have")
      ->take_all();
  command->add_option("--signature", signature, "a SavedModel's signature, where not serving_default");
  command->add_option("--prototxt", prototxt, "a .caffemodel's net, where it does not lie beside it");
  command->add_option("--wts", wts, "a .wts file whose arrays replace the model's weights, by name");
  command
      ->add_flag("--wts-partial", is_wts_partial, "leave out arrays of --wts that the model has no use for")
      ->needs("--wts");
  command->add_option("--plugin", plugins, "a library of operators of your own; may be given several times")
      ->allow_extra_args(false);
  command->add_flag("--allow-custom", allow_custom,
                    "keep operators that nobody knows, for a --plugin given later");
  command->add_flag("--check-plugins", has_plugin_checks, "check every run of a plugin, not only the first");
  command->add_flag("--no-optimize", is_unoptimized, "leave the graph as imported");
}

void ModelFlags::AddManifest(CLI::App* command) {
  command->add_option("--manifest", manifest_path, "JSON laid over the model's manifest (docs/manifest.md)");
  command->add_option("--labels", labels_path, "text file, one label a line");
  command->add_option("--color", color, "rgb, bgr or gray");
  command->add_option("--resize", resize, "stretch, letterbox, center_crop or none");
  command->add_option("--rotate", rotate, "turn the photo clockwise first: 0, 90, 180 or 270 degrees");
  command->add_flag("--mirror", is_mirrored, "then swap left and right");
  command->add_option("--mean", mean, "subtracted from levels 0..255: one, or one per channel")
      ->delimiter(',');
  command->add_option("--std", std, "then divided by: one, or one per channel")->delimiter(',');
  command->add_option(
      "--decoder", decoder,
      "how to read the outputs: yolov5, yolov8, yolox, fastestdet, ssd, ssd-postprocess, ...");
}

void ModelFlags::AddEngine(CLI::App* command) {
  command->add_option("--backend", backend, BackendNames())->capture_default_str();
  command->add_option("--threads", threads, "0: all cores")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_option("--accuracy", accuracy, "strict: no kernel that rounds more than plain sums (Winograd)")
      ->capture_default_str()
      ->check(CLI::IsMember({"default", "strict"}));
  command
      ->add_option(
          "--precision", precision,
          "bf16, f16: multiply in it where that is faster, on processors that can; auto: bf16, only if the "
          "model's outputs stay within --bf16-budget")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16", "f16", "auto"}));
  command
      ->add_option("--bf16-budget", bf16_budget,
                   "what --precision auto may change an output by, relative to its largest value")
      ->capture_default_str()
      ->check(NumberFrom(0));
  command
      ->add_option("--tune-seconds", tune_seconds, "time kernels for so long at most, and take the fastest")
      ->capture_default_str()
      ->check(NumberWithin(0, 3600));
  command
      ->add_option("--timing-cache", timing_caches,
                   "file of times: read, and written after tuning; of several, all are read, the first is "
                   "written")
      ->allow_extra_args(false);
}

Result<LoadOptions> ModelFlags::ToLoadOptions() const {
  LoadOptions options;
  options.is_optimized = !is_unoptimized;
  for (const std::string& text : inputs) {
    SLIPWAY_ASSIGN_OR_RETURN(InputCut cut, ParseInputCut(text));
    options.import.inputs.push_back(std::move(cut));
  }
  options.import.outputs = outputs;
  options.import.signature = signature;
  options.import.prototxt = prototxt;
  options.import.allow_custom = allow_custom;
  options.wts_path = wts;
  options.leaves_unknown_wts = is_wts_partial;
  for (const std::string& text : dims) {
    SLIPWAY_ASSIGN_OR_RETURN(auto dim, ParseDim(text));
    const auto& [name, range] = dim;
    if (range.low == range.high) {
      options.import.dims.emplace(name, range.low);
    } else {
      options.ranges.emplace(name, range);
    }
  }
  if (!manifest_path.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(std::string json, ReadFile(manifest_path));
    options.manifest_overrides.push_back(std::move(json));
  }
  Json flags = Json::object();
  if (!labels_path.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(flags["labels"], ReadLines(labels_path));
  }
  if (!color.empty()) flags["inputs"][0]["color"] = color;
  if (!resize.empty()) flags["inputs"][0]["resize"]["mode"] = resize;
  if (rotate) flags["inputs"][0]["rotate"] = *rotate;
  if (is_mirrored) flags["inputs"][0]["mirror"] = true;
  if (!mean.empty()) flags["inputs"][0]["mean"] = mean;
  if (!std.empty()) flags["inputs"][0]["std"] = std;
  if (!decoder.empty()) flags["outputs"][0]["decoder"] = decoder;
  if (score) flags["thresholds"]["score"] = *score;
  if (iou) flags["thresholds"]["iou"] = *iou;
  if (cross_iou) flags["thresholds"]["cross_class_iou"] = *cross_iou;
  if (max_detections) flags["thresholds"]["max_detections"] = *max_detections;
  if (top_k) flags["thresholds"]["top_k"] = *top_k;
  if (flags.empty()) return options;
  if (const auto checked = ParseManifest(flags.dump()); !checked.ok())
    return Status(Code::kUsage, checked.status().message(), checked.status().hint());
  options.manifest_overrides.push_back(flags.dump());
  return options;
}

Status ModelFlags::LoadPlugins() const {
  for (const std::string& path : plugins) SLIPWAY_RETURN_IF_ERROR(LoadPluginLibrary(path));
  if (has_plugin_checks) SetPluginChecks(PluginChecks::kEveryRun);
  return Status::Ok();
}

Result<LoadedModel> ModelFlags::Load() const {
  SLIPWAY_RETURN_IF_ERROR(LoadPlugins());
  SLIPWAY_ASSIGN_OR_RETURN(const LoadOptions options, ToLoadOptions());
  return LoadModel(model, options);
}

Result<LoadedModel> ModelFlags::LoadToRun() const {
  SLIPWAY_RETURN_IF_ERROR(LoadPlugins());
  SLIPWAY_ASSIGN_OR_RETURN(LoadOptions options, ToLoadOptions());
  // Otherwise its constants and golden vectors are used before, or in place of, a tuned section.
  if (!IsTimed() && !IsPrecisionAuto()) {
    SLIPWAY_ASSIGN_OR_RETURN(options.engine, ToEngineOptions());
  }
  return LoadModel(model, options);
}

Result<EngineOptions> ModelFlags::ToEngineOptions() const {
  EngineOptions options;
  options.backend = backend;
  options.num_threads = threads;
  if (accuracy == "strict") options.accuracy = Accuracy::kStrict;
  if (!IsPrecisionAuto()) {
    SLIPWAY_ASSIGN_OR_RETURN(options.precision, PrecisionNamed(precision));
  }
  if (accuracy == "strict" && precision != "f32") {
    return Status(Code::kUsage,
                  "--accuracy strict leaves out bf16 and f16, --precision " + precision + " asks for them",
                  "leave out one of them");
  }
  return options;
}

Result<std::shared_ptr<const Engine>> ModelFlags::MakeEngine(const LoadedModel& loaded) const {
  return MakeEngine(LoadedModel(loaded));
}

Result<std::shared_ptr<const Engine>> ModelFlags::MakeEngine(LoadedModel&& loaded, HowChosen* how) const {
  HowChosen unasked;
  if (how == nullptr) how = &unasked;
  SLIPWAY_ASSIGN_OR_RETURN(EngineOptions options, ToEngineOptions());
  options.ranges = loaded.model.ranges;
  if (IsPrecisionAuto()) {
    SLIPWAY_ASSIGN_OR_RETURN(options.precision, ChoosePrecision(loaded.model, options, bf16_budget));
  }
  if (IsTimed()) {
    SLIPWAY_ASSIGN_OR_RETURN(how->choices,
                             ChooseByTime(loaded.model.graph, {timing_caches, tune_seconds}, options));
    options.tactics = TacticNames(how->choices);
    how->source = HowChosen::Source::kTimes;
  } else {
    std::string note;
    SLIPWAY_RETURN_IF_ERROR(UseTunedSection(loaded.model, model, options, note));
    if (!note.empty()) PrintNote(note);
    if (!options.tactics.empty()) how->source = HowChosen::Source::kSection;
    if (how->wants_choices) {
      SLIPWAY_ASSIGN_OR_RETURN(const auto backends, BackendsFor(loaded.model.graph, options));
      const ChooseOptions choose{
          .accuracy = options.accuracy, .precision = options.precision, .names = options.tactics};
      SLIPWAY_ASSIGN_OR_RETURN(how->choices, ChooseTactics(loaded.model.graph, backends, choose));
    }
  }
  auto engine = Engine::Create(std::move(loaded.model.graph), options);
  if (engine.ok()) PrintNotes((*engine)->notes());
  return engine;
}

Manifest CompleteManifestOf(const LoadedModel& loaded) {
  const Graph& graph = loaded.model.graph;
  const Manifest base = loaded.model.manifest.value_or(Manifest());
  Manifest manifest = tasks::CompleteManifest(base, PortsOf(graph, graph.CallerInputs()),
                                              PortsOf(graph, graph.CallerOutputs()));
  PrintNotes(loaded.notes);
  for (size_t i = base.notes.size(); i < manifest.notes.size(); ++i) PrintNote(manifest.notes[i]);
  return manifest;
}

Result<tasks::Session> ModelFlags::MakeSession() const {
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, LoadToRun());
  Manifest manifest = CompleteManifestOf(loaded);
  SLIPWAY_ASSIGN_OR_RETURN(auto engine, MakeEngine(std::move(loaded)));
  return tasks::Session(std::move(engine), std::move(manifest));
}

Result<std::vector<std::string>> ExpandPhotos(const std::vector<std::string>& arguments) {
  namespace fs = std::filesystem;
  std::vector<std::string> photos;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument == "-") {
      SLIPWAY_ASSIGN_OR_RETURN(auto lines, ReadLines(std::cin));
      const auto paths = PathsOf(lines);
      photos.insert(photos.end(), paths.begin(), paths.end());
    } else if (argument.size() > 1 && argument[0] == '@') {
      SLIPWAY_ASSIGN_OR_RETURN(auto lines, ReadLines(argument.substr(1)));
      const auto paths = PathsOf(lines);
      photos.insert(photos.end(), paths.begin(), paths.end());
    } else if (fs::is_directory(argument, error)) {
      std::vector<std::string> found;
      for (const auto& entry : fs::directory_iterator(argument, error)) {
        if (entry.is_regular_file(error) && IsImageName(entry.path())) found.push_back(entry.path().string());
      }
      std::sort(found.begin(), found.end());
      if (found.empty()) return Status(Code::kNotFound, "folder '" + argument + "' holds no images");
      photos.insert(photos.end(), found.begin(), found.end());
    } else {
      photos.push_back(argument);
    }
  }
  if (photos.empty())
    return Status(Code::kUsage, "no photos given: the list is empty", "write one path a line");
  return photos;
}

}  // namespace slipway::cli
