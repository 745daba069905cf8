// How metadata maps to the manifest:
//   image input        -> colour order, (x - mean) / std; u8 inputs take levels as they are, as TFLite's own
//   task
//                         library feeds them (their quantisation stands for the normalisation)
//   bounding boxes     -> ssd-postprocess, box order and coordinates
//   [1,h,w,c] + labels -> mask;  [1,n] + labels -> classification
// Left out: score calibration (noted), tokenizers, audio.
#include "formats/tflite/metadata.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/zip.h"
#include "tflite/metadata_generated.h"

namespace slipway::tflite {
namespace {

constexpr char kBufferName[] = "TFLITE_METADATA";
constexpr uint64_t kMaxFileBytes = uint64_t{16} << 20;
constexpr size_t kMaxLabels = size_t{1} << 20;

std::string TextOf(const flatbuffers::String* text) { return text ? text->str() : std::string(); }

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size() && lines.size() < kMaxLabels;) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    if (!lines.back().empty() && lines.back().back() == '\r') lines.back().pop_back();
    begin = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

using Files = flatbuffers::Vector<flatbuffers::Offset<meta::AssociatedFile>>;

bool IsLabelFile(const meta::AssociatedFile& file) {
  return file.type() == meta::AssociatedFileType::TENSOR_AXIS_LABELS ||
         file.type() == meta::AssociatedFileType::TENSOR_VALUE_LABELS;
}

// The label file to show: without a locale, else English, else the first.
const meta::AssociatedFile* LabelFile(const Files* files) {
  const meta::AssociatedFile* best = nullptr;
  int best_rank = 0;
  if (files == nullptr) return nullptr;
  for (const meta::AssociatedFile* file : *files) {
    if (!IsLabelFile(*file) || file->name() == nullptr) continue;
    const std::string locale = TextOf(file->locale());
    const int rank = locale.empty() ? 3 : locale.rfind("en", 0) == 0 ? 2 : 1;
    if (rank <= best_rank) continue;
    best = file;
    best_rank = rank;
  }
  return best;
}

// Where one coordinate order is as the manifest names it: index[k] is the place of the k-th of (x, y, x or w,
// y or h).
std::optional<BoxOrder> OrderOf(const meta::BoundingBoxProperties& box) {
  std::array<uint32_t, 4> index = {0, 1, 2, 3};
  if (const auto* given = box.index(); given != nullptr && given->size() == 4) {
    std::copy(given->begin(), given->end(), index.begin());
  }
  const bool is_x_first = index == std::array<uint32_t, 4>{0, 1, 2, 3};
  if (!is_x_first && index != std::array<uint32_t, 4>{1, 0, 3, 2}) return std::nullopt;
  switch (box.type()) {
    case meta::BoundingBoxType::BOUNDARIES: return is_x_first ? BoxOrder::kXyxy : BoxOrder::kYxyx;
    case meta::BoundingBoxType::UPPER_LEFT: return is_x_first ? BoxOrder::kXywh : BoxOrder::kYxhw;
    case meta::BoundingBoxType::CENTER: return is_x_first ? BoxOrder::kCxcywh : BoxOrder::kCycxhw;
    default: return std::nullopt;
  }
}

class MetadataReader {
 public:
  MetadataReader(const TfliteFile& file, const Graph& graph, std::vector<std::string>& notes)
      : file_(file), graph_(graph), notes_(notes) {}

  Manifest Read(const meta::ModelMetadata& metadata);

 private:
  const Value& OutputValue(size_t i) const { return graph_.value(graph_.CallerOutputs()[i]); }
  void Note(std::string text) { notes_.push_back("metadata: " + std::move(text)); }

  InputSpec ReadInput(const meta::TensorMetadata& tensor, const Value& value);
  void ReadNormalization(const meta::TensorMetadata& tensor, const Value& value, InputSpec& input);
  void ReadOutputs(const meta::SubGraphMetadata& graph);
  void ReadDetection(const meta::SubGraphMetadata& graph, const meta::BoundingBoxProperties& box);
  void ReadClasses(const meta::TensorMetadata& tensor, size_t index);
  void ReadScoreUnits(const meta::TensorMetadata& tensor);
  void ReadLabels(const Files* files);
  std::optional<std::string> ReadPacked(const std::string& name);

  const TfliteFile& file_;
  const Graph& graph_;
  std::vector<std::string>& notes_;
  Manifest manifest_;
  bool has_image_ = false;
};

std::optional<std::string> MetadataReader::ReadPacked(const std::string& name) {
  if (!HasZip(file_.bytes())) {
    Note("the file '" + name + "' is not packed into the model");
    return std::nullopt;
  }
  const auto directory = ReadZipDirectory(file_.bytes());
  if (!directory.ok()) {
    Note(directory.status().message());
    return std::nullopt;
  }
  for (const ZipEntry& entry : *directory) {
    if (entry.name != name) continue;
    auto content = ReadZipEntry(file_.bytes(), entry, kMaxFileBytes);
    if (content.ok()) return std::move(*content);
    Note("'" + name + "': " + content.status().message());
    return std::nullopt;
  }
  Note("the file '" + name + "' is not packed into the model");
  return std::nullopt;
}

void MetadataReader::ReadLabels(const Files* files) {
  const meta::AssociatedFile* file = LabelFile(files);
  if (file == nullptr || !manifest_.labels.empty()) return;
  if (const auto text = ReadPacked(TextOf(file->name()))) manifest_.labels = Lines(*text);
}

void MetadataReader::ReadNormalization(const meta::TensorMetadata& tensor, const Value& value,
                                       InputSpec& input) {
  if (value.type.dtype == DType::kU8) {
    input.quant = QuantSpec{};  // levels as they are
    return;
  }
  if (tensor.process_units() == nullptr) return;
  for (const meta::ProcessUnit* unit : *tensor.process_units()) {
    const auto* options = unit->options_as_NormalizationOptions();
    if (options == nullptr) continue;
    if (options->mean()) input.mean.assign(options->mean()->begin(), options->mean()->end());
    if (options->std()) input.std.assign(options->std()->begin(), options->std()->end());
  }
  const auto is_bad = [](double value) { return !std::isfinite(value); };
  const auto is_bad_std = [](double value) { return !std::isfinite(value) || value == 0; };
  const bool is_broken = std::any_of(input.mean.begin(), input.mean.end(), is_bad) ||
                         std::any_of(input.std.begin(), input.std.end(), is_bad_std) ||
                         input.mean.size() > 16 || input.std.size() > 16;
  if (!is_broken) return;
  Note("the normalisation of '" + value.name + "' makes no sense and is left out");
  input.mean.clear();
  input.std.clear();
}

InputSpec MetadataReader::ReadInput(const meta::TensorMetadata& tensor, const Value& value) {
  InputSpec input;
  input.tensor = value.name;
  input.kind = InputKind::kTensor;
  const meta::ImageProperties* image =
      tensor.content() ? tensor.content()->content_properties_as_ImageProperties() : nullptr;
  if (image == nullptr) return input;
  has_image_ = true;
  input.kind = InputKind::kImage;
  input.color =
      image->color_space() == meta::ColorSpaceType::GRAYSCALE ? ColorOrder::kGray : ColorOrder::kRgb;
  ReadNormalization(tensor, value, input);
  return input;
}

void MetadataReader::ReadScoreUnits(const meta::TensorMetadata& tensor) {
  if (tensor.process_units() == nullptr) return;
  for (const meta::ProcessUnit* unit : *tensor.process_units()) {
    if (const auto* threshold = unit->options_as_ScoreThresholdingOptions()) {
      const float score = threshold->global_score_threshold();
      if (score >= 0 && score <= 1) manifest_.thresholds.score = score;
    }
    if (unit->options_as_ScoreCalibrationOptions() != nullptr) {
      Note("the score calibration of '" + TextOf(tensor.name()) + "' is left out");
    }
  }
}

void MetadataReader::ReadDetection(const meta::SubGraphMetadata& graph,
                                   const meta::BoundingBoxProperties& box) {
  OutputSpec& output = manifest_.outputs.emplace_back();
  output.decoder = DecoderKind::kSsdPostprocess;
  const std::optional<BoxOrder> order = OrderOf(box);
  if (!order) Note("the order of the box coordinates is not known; taken as top, left, bottom, right");
  output.box_order = order.value_or(BoxOrder::kYxyx);
  output.coordinates =
      box.coordinate_type() == meta::CoordinateType::PIXEL ? CoordinateKind::kPixel : CoordinateKind::kRatio;
  // By name where the names say it, else in the order of TFLite_Detection_PostProcess.
  static constexpr std::array<std::pair<const char*, const char*>, 6> kWords = {{{"location", "boxes"},
                                                                                 {"box", "boxes"},
                                                                                 {"category", "classes"},
                                                                                 {"class", "classes"},
                                                                                 {"score", "scores"},
                                                                                 {"number", "count"}}};
  static constexpr std::array<const char*, 4> kByPlace = {"boxes", "classes", "scores", "count"};
  const auto& tensors = *graph.output_tensor_metadata();
  std::map<std::string, std::vector<std::string>> by_name;
  std::map<std::string, std::vector<std::string>> by_place;
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    if (i < kByPlace.size()) by_place[kByPlace[i]] = {OutputValue(i).name};
    const std::string name = TextOf(tensors.Get(i)->name());
    for (const auto& [word, role] : kWords) {
      if (name.find(word) == std::string::npos) continue;
      by_name[role] = {OutputValue(i).name};
      break;
    }
    ReadLabels(tensors.Get(i)->associated_files());
  }
  output.tensors = by_name.size() == kByPlace.size() ? by_name : by_place;
  manifest_.task = TaskKind::kDetection;
}

void MetadataReader::ReadClasses(const meta::TensorMetadata& tensor, size_t index) {
  if (LabelFile(tensor.associated_files()) == nullptr) return;
  ReadLabels(tensor.associated_files());
  const Value& value = OutputValue(index);
  if (!has_image_ || !value.type.HasRank() || value.type.rank() < 2) return;
  const Dim& classes = value.type.shape->back();
  const bool is_mask = value.type.rank() == 4 && !(*value.type.shape)[1].SurelyEquals(Dim(1));
  OutputSpec& output = manifest_.outputs.emplace_back();
  output.decoder = is_mask ? DecoderKind::kMask : DecoderKind::kClassification;
  output.tensors[is_mask ? "mask" : "scores"] = {value.name};
  manifest_.task = is_mask ? TaskKind::kSegmentation : TaskKind::kClassification;
  const auto num_labels = static_cast<int64_t>(manifest_.labels.size());
  if (num_labels > 0 && classes.IsKnown() && classes.value() == num_labels + 1) {
    output.background = 0;
    output.class_offset = -1;
    Note("one class more than labels: class 0 is taken as the background");
  }
}

void MetadataReader::ReadOutputs(const meta::SubGraphMetadata& graph) {
  const auto* tensors = graph.output_tensor_metadata();
  if (tensors == nullptr) return;
  if (tensors->size() != graph_.CallerOutputs().size()) {
    return Note("it describes " + std::to_string(tensors->size()) + " outputs, the model has " +
                std::to_string(graph_.CallerOutputs().size()));
  }
  for (const meta::TensorMetadata* tensor : *tensors) {
    ReadScoreUnits(*tensor);
    const auto* box =
        tensor->content() ? tensor->content()->content_properties_as_BoundingBoxProperties() : nullptr;
    if (box != nullptr && manifest_.outputs.empty()) ReadDetection(graph, *box);
  }
  if (!manifest_.outputs.empty()) return;
  for (uint32_t i = 0; i < tensors->size(); ++i) ReadClasses(*tensors->Get(i), i);
}

Manifest MetadataReader::Read(const meta::ModelMetadata& metadata) {
  manifest_.name = TextOf(metadata.name());
  manifest_.description = TextOf(metadata.description());
  manifest_.version = TextOf(metadata.version());
  manifest_.author = TextOf(metadata.author());
  manifest_.license = TextOf(metadata.license());
  if (metadata.subgraph_metadata() == nullptr || metadata.subgraph_metadata()->size() == 0)
    return std::move(manifest_);
  const meta::SubGraphMetadata& graph = *metadata.subgraph_metadata()->Get(0);
  const auto* inputs = graph.input_tensor_metadata();
  if (inputs != nullptr && inputs->size() == graph_.CallerInputs().size()) {
    for (uint32_t i = 0; i < inputs->size(); ++i) {
      manifest_.inputs.push_back(ReadInput(*inputs->Get(i), graph_.value(graph_.CallerInputs()[i])));
    }
  } else if (inputs != nullptr) {
    Note("it describes " + std::to_string(inputs->size()) + " inputs, the model has " +
         std::to_string(graph_.CallerInputs().size()));
  }
  ReadOutputs(graph);
  return std::move(manifest_);
}

// Index of the metadata buffer; none when the model has none.
std::optional<uint32_t> MetadataBuffer(const fb::Model& model) {
  if (model.metadata() == nullptr) return std::nullopt;
  for (const fb::Metadata* entry : *model.metadata()) {
    if (entry->name() != nullptr && entry->name()->str() == kBufferName) return entry->buffer();
  }
  return std::nullopt;
}

}  // namespace

std::optional<Manifest> ReadMetadata(const TfliteFile& file, const Graph& graph,
                                     std::vector<std::string>& notes) {
  const std::optional<uint32_t> index = MetadataBuffer(file.model());
  if (!index) {
    notes.push_back("the file says nothing about its inputs, outputs and labels (no TFLite metadata)");
    return std::nullopt;
  }
  const auto bytes = file.Buffer(*index);
  if (!bytes.ok() || bytes->size() < 16) {
    notes.push_back("the metadata is damaged and left out");
    return std::nullopt;
  }
  // A FlatBuffer of its own: verified at an aligned place.
  std::vector<uint64_t> aligned((bytes->size() + 7) / 8);
  std::memcpy(aligned.data(), bytes->data(), bytes->size());
  const auto* data = reinterpret_cast<const uint8_t*>(aligned.data());
  flatbuffers::Verifier verifier(data, bytes->size(), 64, 100000);
  if (!meta::ModelMetadataBufferHasIdentifier(data) || !meta::VerifyModelMetadataBuffer(verifier)) {
    notes.push_back("the metadata is damaged and left out");
    return std::nullopt;
  }
  return MetadataReader(file, graph, notes).Read(*meta::GetModelMetadata(data));
}

}  // namespace slipway::tflite
