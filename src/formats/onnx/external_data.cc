// External tensor data: a side file below the model's folder, mapped once.
#include <climits>
#include <cstdlib>

#include "formats/onnx/tensor_proto.h"

namespace slipway::onnx {
namespace {

// No absolute paths, no way up: a model must not read files outside its folder.
Status CheckLocation(const std::string& location) {
  bool is_bad = location.empty() || location.front() == '/' || location.find('\\') != std::string::npos ||
                location.find('\0') != std::string::npos;
  size_t start = 0;
  while (!is_bad && start <= location.size()) {
    const size_t slash = std::min(location.find('/', start), location.size());
    is_bad = location.compare(start, slash - start, "..") == 0;
    start = slash + 1;
  }
  if (!is_bad) return Status::Ok();
  return Status(Code::kInvalidModel, "external data '" + location + "' lies outside the model's folder",
                "keep external data beside the model, named by a relative path");
}

std::string RealPath(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) == nullptr ? std::string() : std::string(resolved);
}

Result<const MappedFile*> OpenExternal(TensorSource& source, const std::string& location) {
  if (const auto found = source.external_files.find(location); found != source.external_files.end())
    return &found->second;
  SLIPWAY_RETURN_IF_ERROR(CheckLocation(location));
  if (source.directory.empty()) {
    return Status(Code::kInvalidModel, "external data '" + location + "' cannot be read from here");
  }
  const std::string path = source.directory + "/" + location;
  const std::string root = RealPath(source.directory);
  const std::string real = RealPath(path);
  if (real.empty()) {
    return Status(Code::kNotFound, "external data file '" + path + "' is missing",
                  "copy it beside the model, under that name");
  }
  const std::string prefix = root == "/" ? root : root + "/";
  if (!real.starts_with(prefix)) {
    return Status(Code::kInvalidModel, "external data '" + location + "' links outside the model's folder",
                  "copy the file itself beside the model");
  }
  SLIPWAY_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(real));
  return &source.external_files.emplace(location, std::move(file)).first->second;
}

}  // namespace

Result<std::string_view> ReadExternal(TensorSource& source, const std::string& location, int64_t offset,
                                      int64_t length, std::shared_ptr<const void>* owner) {
  SLIPWAY_ASSIGN_OR_RETURN(const MappedFile* file, OpenExternal(source, location));
  const auto size = static_cast<int64_t>(file->bytes().size());
  if (length < 0) length = size - offset;
  if (offset < 0 || offset > size || length < 0 || length > size - offset) {
    return Status(Code::kInvalidModel,
                  "external data '" + location + "' has " + std::to_string(size) + " bytes; bytes " +
                      std::to_string(offset) + " to " + std::to_string(offset) + "+" +
                      std::to_string(length) + " are wanted",
                  "the file is cut off or belongs to another model");
  }
  *owner = file->owner();
  return std::string_view(reinterpret_cast<const char*>(file->bytes().data()) + offset,
                          static_cast<size_t>(length));
}

}  // namespace slipway::onnx
