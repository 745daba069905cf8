// The files of a Caffe model: a description and its weights, found side by side.
#include <algorithm>
#include <filesystem>

#include "formats/caffe/import.h"
#include "formats/caffe/preprocess.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

// Files of that extension beside `path`, sorted.
std::vector<fs::path> Neighbours(const fs::path& path, std::string_view extension) {
  std::vector<fs::path> found;
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (Lower(it->path().extension().string()) == extension) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// The description of `weights`: of the same stem, or the only one that is called deploy.
Result<std::string> FindDescription(const std::string& weights) {
  const fs::path path(weights);
  std::vector<fs::path> deploys;
  for (const fs::path& each : Neighbours(path, ".prototxt")) {
    if (each.stem() == path.stem()) return each.string();
    if (each.stem().string().find("deploy") != std::string::npos) deploys.push_back(each);
  }
  if (deploys.size() == 1) return deploys[0].string();
  return Status(Code::kNotFound,
                "no description of the net beside the weights '" + weights + "': neither '" +
                    path.stem().string() + ".prototxt' nor a single *deploy*.prototxt",
                "name it with --prototxt FILE");
}

// The weights of `description`: of the same stem, or the only ones there; "" when there are none.
std::string FindWeights(const std::string& description) {
  const fs::path path(description);
  const std::vector<fs::path> found = Neighbours(path, ".caffemodel");
  for (const fs::path& each : found) {
    if (each.stem() == path.stem()) return each.string();
  }
  return found.size() == 1 ? found[0].string() : std::string();
}

std::string_view TextOf(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

Result<ImportedModel> ImportPair(const std::string& description, std::string_view prototxt,
                                 const std::string& weights, std::span<const uint8_t> caffemodel,
                                 const ImportOptions& options) {
  auto net = caffe::ReadNet(prototxt);
  if (!net.ok()) return net.status().WithContext("description '" + description + "'");
  auto blobs = caffe::ReadWeights(caffemodel);
  if (!blobs.ok()) return blobs.status().WithContext("weights '" + weights + "'");
  auto model = caffe::ImportNet(*net, *blobs, options);
  if (model.ok()) {
    auto manifest = caffe::ReadPreprocessing(*net, model->graph, description, model->notes);
    if (!manifest.ok()) return manifest.status().WithContext("description '" + description + "'");
    model->manifest = std::move(*manifest);
    return model;
  }
  return model.status().WithContext(
      "description '" + description + "', " +
      (weights.empty()
           ? "no .caffemodel of its name or alone beside it (name the weights and give --prototxt)"
           : "weights '" + weights + "'"));
}

}  // namespace

// The weights were named.
Result<ImportedModel> ImportCaffeModel(const ModelFile& file, const ImportOptions& options) {
  std::string description = options.prototxt;
  if (description.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(description, FindDescription(file.path));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile text, MappedFile::Open(description));
  return ImportPair(description, TextOf(text), file.path, file.file.bytes(), options);
}

// The description was named. Nets without weights need no other file.
Result<ImportedModel> ImportCaffePrototxt(const ModelFile& file, const ImportOptions& options) {
  if (!options.prototxt.empty())
    return Status(Code::kUsage, "--prototxt goes with a .caffemodel; the model given is a description itself",
                  "name the .caffemodel instead");
  const std::string weights = FindWeights(file.path);
  if (weights.empty()) return ImportPair(file.path, file.text(), weights, {}, options);
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile blobs, MappedFile::Open(weights));
  return ImportPair(file.path, file.text(), weights, blobs.bytes(), options);
}

}  // namespace slipway
