// Fingerprint: names, sizes and times of a version's files, as text that two scans compare.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "server/models/repository_scan.h"

namespace slipway::server {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 8;  // also ends links that lead in circles
constexpr size_t kMaxFiles = 10'000;

class Walk {
 public:
  void Add(const fs::path& path, const std::string& name) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return AddFile(path, name);
    if (depth_ == kMaxDepth) return;
    ++depth_;
    fs::directory_iterator at(path, error);
    std::vector<fs::path> children;  // in no order: sorted below
    for (; !error && at != fs::directory_iterator() && num_files_ < kMaxFiles; at.increment(error)) {
      children.push_back(at->path());
      ++num_files_;
    }
    std::sort(children.begin(), children.end());
    for (const fs::path& child : children) Add(child, name + "/" + child.filename().string());
    --depth_;
  }

  std::string Take() { return std::move(text_); }

 private:
  // A file that is not there, or goes meanwhile, counts as one without size and time.
  void AddFile(const fs::path& path, const std::string& name) {
    std::error_code error;
    const uintmax_t size = fs::file_size(path, error);
    const auto time = error ? fs::file_time_type() : fs::last_write_time(path, error);
    text_ += name + "\n";
    if (!error) text_ += std::to_string(size) + " " + std::to_string(time.time_since_epoch().count()) + "\n";
  }

  std::string text_;
  int depth_ = 0;
  size_t num_files_ = 0;
};

}  // namespace

std::string Fingerprint(const FoundVersion& version) {
  Walk walk;
  walk.Add(version.folder.empty() ? version.path : version.folder, version.path);
  return walk.Take();
}

std::string FingerprintOfSettings(const FoundModel& model, const ModelConfig& config) {
  Walk walk;
  const fs::path folder(model.folder);
  walk.Add(folder / "config.pbtxt", "config.pbtxt");
  for (const TensorConfig& output : config.output) {
    if (!output.label_filename.empty()) walk.Add(folder / output.label_filename, output.label_filename);
  }
  if (!model.manifest_path.empty()) walk.Add(model.manifest_path, "manifest.json");
  return walk.Take();
}

}  // namespace slipway::server
