#include "formats/registry/import_model.h"

#include <sys/stat.h>

namespace slipway {

#define SLIPWAY_FORMAT(folder, kind, function) \
  Result<ImportedModel> function(const ModelFile& file, const ImportOptions& options);
#include "formats/registry/formats.inc"
#undef SLIPWAY_FORMAT

namespace {

bool IsFolder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool IsFile(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// The model's file where `path` is a folder.
Result<std::string> FileWithin(const std::string& path) {
  if (!IsFolder(path)) return path;
  if (IsFile(path + "/model.json")) return path + "/model.json";
  if (IsFile(path + "/saved_model.pb")) return path + "/saved_model.pb";
  return Status(Code::kInvalidModel, "'" + path + "' is a folder without a model that Slipway knows",
                "name the model file itself");
}

}  // namespace

Result<FileKind> KindOfFile(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string file_path, FileWithin(path));
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(file_path));
  return Sniff(file.bytes(), file_path);
}

Result<ImportedModel> ImportModel(const std::string& path, const ImportOptions& options) {
  ModelFile file;
  SLIPWAY_ASSIGN_OR_RETURN(file.path, FileWithin(path));
  SLIPWAY_ASSIGN_OR_RETURN(file.file, MappedFile::Open(file.path));
  return ImportModel(file, options);
}

Result<ImportedModel> ImportModel(const ModelFile& file, const ImportOptions& options) {
  const FileKind kind = Sniff(file.file.bytes(), file.path);
  ImportFileFn import = nullptr;
#define SLIPWAY_FORMAT(folder, each, function) \
  if (kind == FileKind::each) import = function;
#include "formats/registry/formats.inc"
#undef SLIPWAY_FORMAT
  if (import == nullptr) return NotReadable(kind, file.file.bytes(), file.path);
  const bool is_caffe = kind == FileKind::kCaffeModel || kind == FileKind::kCaffePrototxt;
  if (!options.prototxt.empty() && !is_caffe)
    return Status(Code::kUsage, "--prototxt goes with a .caffemodel; '" + file.path + "' is " +
                                    std::string(DescribeKind(kind)));
  if (!options.signature.empty() && kind != FileKind::kSavedModel)
    return Status(Code::kUsage, "--signature goes with a TensorFlow SavedModel; '" + file.path + "' is " +
                                    std::string(DescribeKind(kind)));
  auto model = import(file, options);
  if (!model.ok()) return model.status().WithContext("'" + file.path + "'");
  return model;
}

}  // namespace slipway
