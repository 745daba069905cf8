#include "formats/caffe/preprocess.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/file.h"

namespace slipway::caffe {
namespace {

namespace fs = std::filesystem;

// The first layer that feeds this value, or null.
const Layer* FeederOf(const Net& net, const std::string& name) {
  for (const Layer& layer : net.layers) {
    const bool feeds = IsDataLayer(layer.type) && !layer.tops.empty() && layer.tops[0] == name;
    if (feeds) return &layer;
  }
  return nullptr;
}

// Channels of an input [N,C,H,W] that may hold photos; 0: it may not.
int64_t ChannelsOf(const Type& type) {
  if (!type.HasRank() || type.rank() != 4) return 0;
  const Dim& channels = (*type.shape)[1];
  return channels.IsKnown() && (channels.value() == 1 || channels.value() == 3) ? channels.value() : 0;
}

// The mean of every channel of a mean image [1,C,H,W] or [C,H,W].
Result<std::vector<float>> MeansOf(const std::string& path, int64_t channels) {
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  auto image = ReadBlob(file.bytes());
  if (!image.ok()) return image.status().WithContext("mean file '" + path + "'");
  if (image->count() == 0 || image->count() % channels != 0)
    return Status(Code::kInvalidModel, "mean file '" + path + "' is " + ToString(image->dims()) +
                                           "; the input has " + std::to_string(channels) + " channels");
  const int64_t area = image->count() / channels;
  std::vector<float> means;
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (int64_t i = 0; i < area; ++i) sum += static_cast<double>(image->as<float>()[c * area + i]);
    means.push_back(static_cast<float>(sum / static_cast<double>(area)));
  }
  return means;
}

// Reads the mean file where it lies beside the description.
Status AddMeanFile(const std::string& description, int64_t channels, PhotoTransform& transform,
                   std::vector<std::string>& notes) {
  const fs::path path = fs::path(description).parent_path() / fs::path(transform.mean_file).filename();
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    notes.push_back("the mean file '" + transform.mean_file +
                    "' does not lie beside the description: no mean is " +
                    "subtracted; put it there, or give --mean");
    return Status::Ok();
  }
  SLIPWAY_ASSIGN_OR_RETURN(transform.mean, MeansOf(path.string(), channels));
  notes.push_back("of the mean file '" + path.filename().string() +
                  "' each channel's mean is subtracted; Caffe subtracts it pixel by pixel");
  return Status::Ok();
}

InputSpec MakeInput(const std::string& name, const PhotoTransform& transform, int64_t channels) {
  InputSpec input;
  input.tensor = name;
  input.color = channels == 1 ? ColorOrder::kGray : ColorOrder::kBgr;
  input.layout = TensorLayout::kNchw;
  input.mean.assign(transform.mean.begin(), transform.mean.end());
  if (transform.scale != 1) input.std = {1 / static_cast<double>(transform.scale)};
  input.resize.style = ResizeStyle::kOpencv;
  const int64_t shorter = std::min(transform.height, transform.width);
  if (transform.crop > 0 && shorter > transform.crop) {
    input.resize.mode = ResizeMode::kCenterCrop;
    input.resize.crop_fraction = static_cast<double>(transform.crop) / static_cast<double>(shorter);
  }
  return input;
}

}  // namespace

bool IsDataLayer(const std::string& type) {
  constexpr std::array kTypes = {"Data",      "ImageData", "HDF5Data",      "MemoryData", "WindowData",
                                 "DummyData", "Input",     "AnnotatedData", "VideoData"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

PhotoTransform TransformOf(const Layer& layer, Status& error) {
  PhotoTransform transform;
  // Newest last: it wins.
  for (const char* name : {"window_data_param", "image_data_param", "data_param", "transform_param"}) {
    const Message* message = layer.message.Child(name);
    const Params params(message, error);
    const bool is_stated = params.Has("scale") || params.Has("mean_file") || params.Has("mean_value") ||
                           params.Has("crop_size") || params.Has("force_gray") || params.Has("force_color");
    transform.is_stated |= is_stated;
    transform.scale = params.Float("scale", transform.scale);
    transform.crop = params.Int("crop_size", transform.crop);
    transform.height = params.Int("new_height", transform.height);
    transform.width = params.Int("new_width", transform.width);
    transform.is_gray |= params.Bool("force_gray", false) || !params.Bool("is_color", true);
    if (params.Has("mean_file")) transform.mean_file = message->Text("mean_file");
    if (params.Has("mean_value")) transform.mean = params.Floats("mean_value");
    const Params resize = params.Child("resize_param");
    transform.height = resize.Int("height", transform.height);
    transform.width = resize.Int("width", transform.width);
  }
  if (!(transform.scale > 0)) transform.scale = 1;
  return transform;
}

Dims ShapeOf(const PhotoTransform& transform) {
  const int64_t channels = transform.is_gray ? 1 : 3;
  if (transform.crop > 0) return {1, channels, transform.crop, transform.crop};
  if (transform.height > 0 && transform.width > 0) return {1, channels, transform.height, transform.width};
  return {};
}

Result<std::optional<Manifest>> ReadPreprocessing(const Net& net, const Graph& graph,
                                                  const std::string& description,
                                                  std::vector<std::string>& notes) {
  if (graph.inputs.empty()) return std::optional<Manifest>();
  const Value& input = graph.value(graph.inputs[0]);
  const int64_t channels = ChannelsOf(input.type);
  if (channels == 0) return std::optional<Manifest>();
  Status error;
  const Layer* feeder = FeederOf(net, input.name);
  PhotoTransform transform;
  if (feeder != nullptr) transform = TransformOf(*feeder, error);
  SLIPWAY_RETURN_IF_ERROR(error);
  if (!transform.is_stated) {
    notes.push_back("the description has no transform_param for '" + input.name +
                    "': how photos are prepared is not known; nets trained with Caffe mostly want " +
                    (channels == 1 ? "gray levels, scaled (--std)"
                                   : "BGR levels less a mean (--color bgr --mean B,G,R)"));
    return std::optional<Manifest>();
  }
  if (!transform.mean_file.empty())
    SLIPWAY_RETURN_IF_ERROR(AddMeanFile(description, channels, transform, notes));
  const auto means = static_cast<int64_t>(transform.mean.size());
  if (means > 1 && means != channels)
    return Status(Code::kInvalidModel, feeder->type + " '" + feeder->name + "' (line " +
                                           std::to_string(feeder->line) + "): has " + std::to_string(means) +
                                           " times mean_value, its photos have " + std::to_string(channels) +
                                           " channels");
  Manifest manifest;
  manifest.inputs.push_back(MakeInput(input.name, transform, channels));
  if (manifest.inputs[0].resize.mode == ResizeMode::kCenterCrop) {
    notes.push_back("photos are cropped around the middle; Caffe brings them to " +
                    std::to_string(transform.width) + "x" + std::to_string(transform.height) +
                    " first, whatever their shape");
  } else if (transform.crop > 0) {
    notes.push_back(
        "photos are brought whole to the input's size; Caffe crops it out of the middle of what it is given, "
        "whose size the description does not say");
  }
  return std::optional<Manifest>(std::move(manifest));
}

}  // namespace slipway::caffe
