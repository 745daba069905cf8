#include "server/models/repository_scan.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <set>

#include "base/file.h"
#include "server/models/pbtxt.h"

namespace slipway::server {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxEntries = 100'000;  // of one folder: more is no part of a repository
constexpr size_t kMaxNameBytes = 255;
constexpr std::string_view kNameMarks = "-._~+=@,";
constexpr std::string_view kConfigName = "config.pbtxt";
constexpr std::string_view kManifestName = "manifest.json";
constexpr std::string_view kSavedModelFile = "saved_model.pb";
constexpr std::string_view kSavedModelFolder = "model.savedmodel";
constexpr std::string_view kExtensions[] = {".slip", ".onnx", ".tflite", ".pb"};
constexpr std::string_view kModelFiles[] = {"model.slip", "model.onnx", "model.tflite", "model.pb",
                                            "model.json"};

enum class EntryKind { kFile, kFolder, kOther };

// Links are followed; kOther: one that leads nowhere, a pipe ...
EntryKind KindOf(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return EntryKind::kFolder;
  return fs::is_regular_file(status) ? EntryKind::kFile : EntryKind::kOther;
}

struct Entry {
  std::string name;
  EntryKind kind;
};

// Sorted by name.
Result<std::vector<Entry>> List(const std::string& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    if (entries.size() == kMaxEntries) {
      return Status(Code::kIo,
                    "'" + folder + "': the folder has more than " + std::to_string(kMaxEntries) + " entries");
    }
    entries.push_back({at->path().filename().string(), KindOf(at->path())});
  }
  if (error) return Status(Code::kIo, "'" + folder + "': cannot be read: " + error.message());
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

bool Has(const std::vector<Entry>& entries, std::string_view name, EntryKind kind) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const Entry& entry) { return entry.name == name && entry.kind == kind; });
}

bool IsTemporary(std::string_view name) {
  return name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part");
}

// "12"; nullopt for 0, leading zeros and what is no number.
std::optional<int64_t> ParseVersion(std::string_view name) {
  if (name.empty() || name[0] < '1' || name[0] > '9') return std::nullopt;
  int64_t version = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), version);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return version;
}

std::string Listed(const std::vector<Entry>& entries) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(entries.size(), kMost); ++i) {
    text += (i > 0 ? ", '" : "'") + entries[i].name + "'";
  }
  return text + (entries.size() > kMost ? ", ..." : "");
}

// The model among the entries of a version's folder.
Result<std::string> ChooseModel(const std::string& folder, const std::vector<Entry>& entries,
                                const std::string& default_name) {
  if (!default_name.empty()) {
    const bool is_there =
        Has(entries, default_name, EntryKind::kFile) || Has(entries, default_name, EntryKind::kFolder);
    if (is_there) return folder + "/" + default_name;
    return Status(Code::kNotFound, "there is no '" + default_name +
                                       "', which default_model_filename names; there is " +
                                       (entries.empty() ? "nothing" : Listed(entries)));
  }
  for (std::string_view name : kModelFiles) {
    if (Has(entries, name, EntryKind::kFile)) return folder + "/" + std::string(name);
  }
  if (Has(entries, kSavedModelFolder, EntryKind::kFolder))
    return folder + "/" + std::string(kSavedModelFolder);
  if (Has(entries, kSavedModelFile, EntryKind::kFile)) return folder;
  if (entries.size() == 1 && entries[0].kind == EntryKind::kFile) return folder + "/" + entries[0].name;
  return Status(
      Code::kNotFound,
      entries.empty() ? "the folder is empty" : "none of the files is clearly the model: " + Listed(entries),
      "call the model model.onnx (.slip, .tflite, .pb, .json) or model.savedmodel, or set "
      "default_model_filename");
}

Result<FoundVersion> ScanVersion(const std::string& folder, int64_t version, const ModelConfig& config) {
  if (KindOf(folder) != EntryKind::kFolder) return Status(Code::kNotFound, "it is no folder");
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Entry> entries, List(folder));
  for (const Entry& entry : entries) {
    if (!IsTemporary(entry.name)) continue;
    return Status(Code::kNotFound, "it is not complete yet: there is '" + entry.name + "'",
                  "move whole folders into a repository, or remove the file");
  }
  SLIPWAY_ASSIGN_OR_RETURN(std::string path, ChooseModel(folder, entries, config.default_model_filename));
  return FoundVersion{.version = version, .path = std::move(path), .folder = folder};
}

void KeepLatest(int64_t count, FoundModel& model) {
  std::vector<FoundVersion>& ready = model.versions;
  const auto most = static_cast<uint64_t>(count);
  if (ready.size() < most) return;
  ready.erase(ready.begin(), ready.end() - static_cast<std::ptrdiff_t>(most));
  // Those that would not be served if they were whole are nobody's business.
  const int64_t oldest = ready.front().version;
  std::erase_if(model.broken, [&](const BrokenVersion& each) { return each.version < oldest; });
}

void KeepSpecific(const std::vector<int64_t>& versions, FoundModel& model) {
  std::set<int64_t> missing(versions.begin(), versions.end());
  const std::set<int64_t> wanted = missing;
  std::erase_if(model.versions, [&](const FoundVersion& each) { return !wanted.contains(each.version); });
  std::erase_if(model.broken, [&](const BrokenVersion& each) { return !wanted.contains(each.version); });
  for (const FoundVersion& each : model.versions) missing.erase(each.version);
  for (const BrokenVersion& each : model.broken) missing.erase(each.version);
  for (const int64_t version : missing) {
    model.broken.push_back(
        {version, Status(Code::kNotFound, "model '" + model.name + "' version " + std::to_string(version) +
                                              ": version_policy names it, the folder has "
                                              "none of that number")});
  }
}

void ApplyPolicy(FoundModel& model) {
  const VersionPolicy& policy = model.config.version_policy;
  if (policy.kind == VersionPolicy::Kind::kLatest) KeepLatest(policy.num_versions, model);
  if (policy.kind == VersionPolicy::Kind::kSpecific) KeepSpecific(policy.versions, model);
  std::sort(model.broken.begin(), model.broken.end(),
            [](const BrokenVersion& a, const BrokenVersion& b) { return a.version < b.version; });
}

void ScanVersions(const std::vector<Entry>& entries, FoundModel& model) {
  for (const Entry& entry : entries) {
    const std::optional<int64_t> version = ParseVersion(entry.name);
    if (!version) continue;
    auto found = ScanVersion(model.folder + "/" + entry.name, *version, model.config);
    if (found.ok()) {
      model.versions.push_back(std::move(*found));
    } else {
      const std::string which = "model '" + model.name + "' version " + entry.name;
      model.broken.push_back({*version, found.status().WithContext(which)});
    }
  }
  std::sort(model.versions.begin(), model.versions.end(),
            [](const FoundVersion& a, const FoundVersion& b) { return a.version < b.version; });
}

// Errors name the file from the model's folder on: clients of the server read them.
Result<ModelConfig> ReadConfig(const FoundModel& model) {
  const std::string path = model.folder + "/" + std::string(kConfigName);
  const std::string shown = model.name + "/" + std::string(kConfigName);
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  if (error) return Status(Code::kIo, shown + ": cannot be read: " + error.message());
  if (size > pbtxt::kMaxBytes) {
    return Status(Code::kInvalidModel, shown + ": the file has " + std::to_string(size) +
                                           " bytes, the limit is " + std::to_string(pbtxt::kMaxBytes));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SLIPWAY_ASSIGN_OR_RETURN(ModelConfig config, ParseModelConfig(text, shown));
  if (config.name.empty() || config.name == model.name) return config;
  return Status(Code::kInvalidModel,
                shown + ": the name is '" + config.name + "', the folder's is '" + model.name + "'",
                "make them the same, or leave the name out");
}

Status ScanModel(FoundModel& model) {
  SLIPWAY_RETURN_IF_ERROR(CheckModelName(model.name));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Entry> entries, List(model.folder));
  const bool has_config = std::any_of(entries.begin(), entries.end(),
                                      [](const Entry& entry) { return entry.name == kConfigName; });
  if (has_config) {
    SLIPWAY_ASSIGN_OR_RETURN(model.config, ReadConfig(model));
  }
  model.config.name = model.name;
  if (Has(entries, kManifestName, EntryKind::kFile))
    model.manifest_path = model.folder + "/" + std::string(kManifestName);
  ScanVersions(entries, model);
  ApplyPolicy(model);
  if (!model.versions.empty()) return Status::Ok();
  if (!model.broken.empty()) return model.broken.back().error;
  return Status(Code::kNotFound,
                "model '" + model.name + "' has no version: there is " +
                    (entries.empty() ? "nothing" : Listed(entries)) + " in its folder",
                "put the model's file into a folder that is called 1");
}

bool IsSavedModel(const std::string& folder) {
  return KindOf(fs::path(folder) / kSavedModelFile) == EntryKind::kFile;
}

bool IsNameCharacter(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || kNameMarks.find(c) != std::string_view::npos;
}

std::string ToModelName(std::string name) {
  name.resize(std::min(name.size(), kMaxNameBytes));
  for (char& c : name) c = IsNameCharacter(c) ? c : '_';
  if (name.starts_with('.')) name[0] = '_';
  return name.empty() ? "model" : name;
}

// Of a file or a SavedModel's folder.
fs::path WholePath(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();  // "model/" ends in nothing
}

std::string OwnName(const fs::path& whole) {
  return (KindOf(whole) == EntryKind::kFile ? whole.stem() : whole.filename()).string();
}

std::string NameRule() {
  return "names are of letters, digits and '" + std::string(kNameMarks) +
         "', do not begin with a dot, and have at most " + std::to_string(kMaxNameBytes) + " bytes";
}

}  // namespace

Status CheckModelName(std::string_view name) {
  const std::string shown = "'" + std::string(name.substr(0, kMaxNameBytes)) + "'";
  const bool is_name = !name.empty() && name.size() <= kMaxNameBytes && name[0] != '.' &&
                       std::all_of(name.begin(), name.end(), IsNameCharacter);
  if (is_name) return Status::Ok();
  // The index shows the message alone: the rule is part of it.
  return Status(Code::kUsage, shown + " cannot be the name of a model: " + NameRule());
}

Result<std::vector<FoundModel>> ScanRepository(const std::string& path) {
  if (KindOf(path) != EntryKind::kFolder) {
    return Status(Code::kNotFound, "'" + path + "' is no folder, which a model repository is");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Entry> entries, List(path));
  std::vector<FoundModel> models;
  for (const Entry& entry : entries) {
    if (entry.kind != EntryKind::kFolder || entry.name.starts_with('.')) continue;
    FoundModel& model = models.emplace_back();
    model.name = entry.name;
    model.folder = (fs::path(path) / entry.name).string();
    model.error = ScanModel(model);
  }
  return models;
}

std::vector<std::string> LooseModelFiles(const std::string& repository) {
  std::vector<std::string> names;
  if (KindOf(repository) != EntryKind::kFolder || IsSavedModel(repository)) return names;
  const auto entries = List(repository);
  if (!entries.ok()) return names;
  for (const Entry& entry : *entries) {
    const bool is_model = std::ranges::any_of(
        kExtensions, [&](std::string_view extension) { return entry.name.ends_with(extension); });
    if (entry.kind == EntryKind::kFile && is_model) names.push_back(entry.name);
  }
  return names;
}

Result<FoundModel> ScanSingle(const std::string& path) {
  const EntryKind kind = KindOf(path);
  if (kind == EntryKind::kOther)
    return Status(Code::kNotFound, "'" + path + "': there is no such model file");
  if (kind == EntryKind::kFolder && !IsSavedModel(path)) {
    return Status(Code::kUsage, "'" + path + "' is a folder without a " + std::string(kSavedModelFile),
                  "name the model's file in it");
  }
  const fs::path whole = WholePath(path);
  FoundModel model;
  model.name = ToModelName(OwnName(whole));
  model.folder = whole.parent_path().string();
  model.config.name = model.name;
  model.versions.push_back({.version = 1, .path = path});
  return model;
}

std::string NoteOnName(const std::string& path) {
  if (KindOf(path) == EntryKind::kFolder && !IsSavedModel(path)) return {};
  const std::string own = OwnName(WholePath(path));
  const std::string name = ToModelName(own);
  if (name == own) return {};
  return "'" + own + "' is served as '" + name + "': " + NameRule();
}

Result<std::vector<FoundModel>> ScanPath(const std::string& path) {
  if (KindOf(path) == EntryKind::kFolder && !IsSavedModel(path)) return ScanRepository(path);
  SLIPWAY_ASSIGN_OR_RETURN(FoundModel model, ScanSingle(path));
  return std::vector<FoundModel>{std::move(model)};
}

}  // namespace slipway::server
