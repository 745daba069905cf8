#include "cli/find_models.h"

#include <algorithm>
#include <filesystem>

#include "formats/registry/import_model.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

bool IsModel(FileKind kind) {
  switch (kind) {
    case FileKind::kOnnx:
    case FileKind::kTflite:
    case FileKind::kGraphDef:
    case FileKind::kTfjs:
    case FileKind::kCaffeModel:
    case FileKind::kCaffePrototxt:
    case FileKind::kSlip:
    case FileKind::kTfjsLayers:
    case FileKind::kSavedModel:
    case FileKind::kKerasHdf5:
    case FileKind::kKerasZip:
    case FileKind::kGraphDefText:
    case FileKind::kPytorchZip:
    case FileKind::kGguf:
    case FileKind::kExecutorch:
    case FileKind::kNcnn: return true;
    default: return false;  // pickles and weights alone are rather data
  }
}

struct Found {
  std::string path;
  FileKind kind;
};

// Models among the files of one folder; its sub-folders go to `folders`.
Status LookThrough(const fs::path& folder, std::vector<Found>& models, std::vector<fs::path>& folders) {
  std::error_code error;
  std::vector<Found> found;
  std::vector<fs::path> below;
  bool has_caffe_weights = false;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unreadable;
    if (entry->is_directory(unreadable) && !entry->is_symlink(unreadable)) below.push_back(entry->path());
    if (!entry->is_regular_file(unreadable)) continue;
    const auto kind = KindOfFile(entry->path().string());
    if (!kind.ok() || !IsModel(*kind)) continue;
    if (*kind == FileKind::kSavedModel && entry->path().filename() == "saved_model.pb") {
      models.push_back({folder.string(), *kind});
      return Status::Ok();  // the rest belongs to it
    }
    has_caffe_weights |= *kind == FileKind::kCaffeModel;
    found.push_back({entry->path().string(), *kind});
  }
  if (error) return Status(Code::kIo, "folder '" + folder.string() + "': " + error.message());
  if (has_caffe_weights)
    std::erase_if(found, [](const Found& each) { return each.kind == FileKind::kCaffePrototxt; });
  models.insert(models.end(), found.begin(), found.end());
  folders.insert(folders.end(), below.begin(), below.end());
  return Status::Ok();
}

Result<std::vector<std::string>> ModelsBelow(const std::string& path) {
  std::vector<Found> models;
  std::vector<fs::path> folders = {path};
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    SLIPWAY_RETURN_IF_ERROR(LookThrough(folder, models, folders));
  }
  if (models.empty()) return Status(Code::kNotFound, "folder '" + path + "' holds no models");
  std::vector<std::string> paths;
  for (Found& model : models) paths.push_back(std::move(model.path));
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Result<std::vector<std::string>> FindModels(const std::vector<std::string>& paths) {
  std::vector<std::string> models;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      models.push_back(path);
      continue;
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<std::string> below, ModelsBelow(path));
    models.insert(models.end(), below.begin(), below.end());
  }
  return models;
}

}  // namespace slipway::cli
