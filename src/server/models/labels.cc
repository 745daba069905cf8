#include "server/models/labels.h"

#include <filesystem>

#include "base/file.h"

namespace slipway::server {
namespace {

namespace fs = std::filesystem;

// 21,000 classes of ImageNet are 0.5 MB.
constexpr uintmax_t kMaxBytes = 4 << 20;

Status Bad(std::string what, std::string hint = {}) {
  return Status(Code::kInvalidModel, std::move(what), std::move(hint));
}

// The path is not said: clients read errors.
Result<std::string> ReadSmallFile(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return Bad("there is no such file", "paths count from the model's folder, where config.pbtxt is");
  if (error) return Bad("cannot be read: " + error.message());
  // Reading a pipe would wait for whoever writes to it.
  if (!fs::is_regular_file(status)) return Bad("is no file");
  const uintmax_t size = fs::file_size(path, error);
  if (!error && size > kMaxBytes)
    return Bad("the file has " + std::to_string(size) + " bytes, the limit is " + std::to_string(kMaxBytes));
  auto text = ReadFile(path.string());
  if (error || !text.ok()) return Bad("cannot be read");
  return text;
}

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

Result<OutputLabels> ReadLabels(const ModelConfig& config, const std::string& folder) {
  OutputLabels labels;
  for (const TensorConfig& output : config.output) {
    const std::string& name = output.label_filename;
    if (name.empty()) continue;
    const auto text = folder.empty()
                          ? Result<std::string>(Bad("a model file that is served by itself has no folder",
                                                    "put it into a repository"))
                          : ReadSmallFile(fs::path(folder) / name);
    if (!text.ok()) {
      return text.status().WithContext("model '" + config.name + "': label_filename '" + name +
                                       "' of output '" + output.name + "'");
    }
    labels.emplace(output.name, LinesOf(*text));
  }
  return labels;
}

}  // namespace slipway::server
