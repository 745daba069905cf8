#include "server/models/repository.h"

#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/file.h"

namespace slipway::server {
namespace {

ModelConfig Named(ModelConfig config, const std::string& name) {
  config.name = name;
  return config;
}

// Named by itself, not found in a repository.
bool IsSingle(const FoundModel& model) { return !model.versions.empty() && model.versions[0].folder.empty(); }

// Empty where the model has none beside it.
Result<std::string> ReadManifestOf(const FoundModel& model) {
  if (model.manifest_path.empty()) return std::string();
  // Clients read errors: they learn of no folder of the server's.
  const std::string shown = IsSingle(model) ? "the manifest given" : model.name + "/manifest.json";
  SLIPWAY_ASSIGN_OR_RETURN(std::string json, ReadFile(model.manifest_path));
  if (const auto checked = ParseManifest(json); !checked.ok()) return checked.status().WithContext(shown);
  return json;
}

// "'a', 'b' and 7 more"
std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i > 0 ? ", '" : "'") + names[i] + "'";
  if (names.size() > kMost) text += " and " + std::to_string(names.size() - kMost) + " more";
  return text;
}

// The program keeps freed memory for the requests to come (cli/serve.cc): that of a model, and what loading
// it took beside, goes back to the system.
void GiveMemoryBack() { malloc_trim(0); }

// Whoever lets go of it last gives its memory back, also long after it was replaced.
std::shared_ptr<ServedModel> GivingBack(std::shared_ptr<ServedModel> model) {
  ServedModel* const shown = model.get();
  return {shown, [model = std::move(model)](ServedModel*) mutable {
            model.reset();
            GiveMemoryBack();
          }};
}

}  // namespace

std::string_view StateName(ModelState state) {
  switch (state) {
    case ModelState::kUnavailable: return "UNAVAILABLE";
    case ModelState::kLoading: return "LOADING";
    case ModelState::kReady: return "READY";
    case ModelState::kUnloading: return "UNLOADING";
  }
  return "";
}

Result<std::vector<FoundModel>> Repository::Scan() const {
  std::vector<FoundModel> all;
  bool has_single = false;
  for (const std::string& path : options_.paths) {
    SLIPWAY_ASSIGN_OR_RETURN(std::vector<FoundModel> found, ScanPath(path));
    for (FoundModel& model : found) {
      if (IsSingle(model)) {
        has_single = true;
        model.manifest_path = options_.manifest_path;
      }
      const auto same = std::ranges::find(all, model.name, &FoundModel::name);
      if (same == all.end()) {
        all.push_back(std::move(model));
        continue;
      }
      return Status(Code::kUsage,
                    "two models are called '" + model.name + "': in '" + same->folder + "' and in '" +
                        model.folder + "'",
                    "rename one of them");
    }
  }
  if (options_.manifest_path.empty() || has_single) return all;
  return Status(
      Code::kUsage,
      "manifest '" + options_.manifest_path + "' is for model files, and only repositories are served",
      "put a manifest.json into the model's folder of the repository");
}

Result<std::shared_ptr<ServedModel>> Repository::LoadOne(const FoundModel& found, const FoundVersion& version,
                                                         const ModelConfig& config) const {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string manifest, ReadManifestOf(found));
  SLIPWAY_ASSIGN_OR_RETURN(OutputLabels labels, ReadLabels(config, IsSingle(found) ? "" : found.folder));
  SLIPWAY_ASSIGN_OR_RETURN(auto model, ServedModel::Load(version.path, version.version, config, manifest,
                                                         options_.engine, std::move(labels)));
  return GivingBack(std::move(model));
}

Status Repository::Refresh() {
  std::lock_guard loading(loading_);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<FoundModel> found, Scan());
  std::vector<std::pair<FoundModel, std::optional<ModelConfig>>> wanted;
  std::vector<Entry> gone;  // freed when the others may go on
  {
    std::lock_guard lock(mutex_);
    for (auto at = entries_.begin(); at != entries_.end();) {
      const bool is_found = std::ranges::find(found, at->first, &FoundModel::name) != found.end();
      if (!is_found) gone.push_back(std::move(at->second));
      at = is_found ? std::next(at) : entries_.erase(at);
    }
    for (const FoundModel& model : found) {
      const bool is_new = !entries_.contains(model.name);
      Entry& entry = entries_[model.name];
      entry.found = model;
      if (is_new && !options_.names.empty())
        entry.is_wanted = std::ranges::find(options_.names, model.name) != options_.names.end();
      if (entry.is_wanted) wanted.emplace_back(model, entry.given);
    }
  }
  for (const Entry& entry : gone)
    Tell({.kind = ModelEvent::Kind::kUnloaded, .model = entry.found.name, .reason = "its files are gone"});
  gone.clear();
  for (const auto& [model, given] : wanted) (void)LoadVersions(model, given, Reload::kChanged);
  for (const std::string& name : options_.names) {
    if (std::ranges::find(found, name, &FoundModel::name) == found.end())
      return Status(Code::kNotFound, "there is no model '" + name + "' to load");
  }
  return Status::Ok();
}

Status Repository::Load(const std::string& name, const std::optional<ModelConfig>& config) {
  std::lock_guard loading(loading_);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<FoundModel> found, Scan());
  const auto model = std::ranges::find(found, name, &FoundModel::name);
  if (model == found.end()) {
    std::vector<std::string> names;
    for (const FoundModel& each : found) names.push_back(each.name);
    return Status(Code::kNotFound, "there is no model '" + name + "' to load; there is " + Listed(names));
  }
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    entry.found = *model;
    entry.is_wanted = true;
  }
  return LoadVersions(*model, config, Reload::kAll);
}

Status Repository::LoadVersions(const FoundModel& found, const std::optional<ModelConfig>& given,
                                Reload reload) {
  Status first_error = found.error;
  for (const BrokenVersion& broken : found.broken) {
    if (first_error.ok()) first_error = broken.error;
    Mark(found.name, broken.version, ModelState::kUnavailable, broken.error.message());
  }
  if (!found.error.ok() && found.versions.empty())
    Mark(found.name, 0, ModelState::kUnavailable, found.error.message());
  Settings settings{given, Named(given.value_or(found.config), found.name), {}};
  settings.fingerprint = FingerprintOfSettings(found, settings.config);
  for (const FoundVersion& version : found.versions) {
    const Status status = LoadVersion(found, version, settings, reload);
    if (first_error.ok()) first_error = status;
  }
  DropVersions(found);
  return first_error;
}

Status Repository::LoadVersion(const FoundModel& found, const FoundVersion& version, const Settings& settings,
                               Reload reload) {
  const std::string fingerprint = Fingerprint(version) + settings.fingerprint;
  {
    std::lock_guard lock(mutex_);
    Version& now = entries_[found.name].versions[version.version];
    if (reload == Reload::kChanged && now.fingerprint == fingerprint) return Status::Ok();
    // One that fails is not tried again until it changes; what a request asks for may fail for its
    // configuration, and says nothing of the files.
    if (reload == Reload::kChanged) now.fingerprint = fingerprint;
    if (now.model == nullptr) now.state = ModelState::kLoading;
    now.reason.clear();  // of an earlier attempt
  }
  auto loaded = LoadOne(found, version, settings.config);
  std::shared_ptr<ServedModel> replaced;  // freed when the others may go on
  if (loaded.ok()) {
    ModelEvent event{.model = found.name, .version = version.version, .seconds = (*loaded)->load_seconds()};
    std::unique_lock lock(mutex_);
    Entry& entry = entries_[found.name];
    entry.given = settings.given;
    Version& now = entry.versions[version.version];
    replaced = std::exchange(now.model, std::move(*loaded));
    now.state = ModelState::kReady;
    now.reason.clear();
    now.fingerprint = fingerprint;
    lock.unlock();
    event.kind = replaced == nullptr ? ModelEvent::Kind::kLoaded : ModelEvent::Kind::kReplaced;
    Tell(event);
  } else {
    Mark(found.name, version.version, ModelState::kUnavailable, loaded.status().message());
  }
  GiveMemoryBack();
  return loaded.status();
}

// Versions that the folder has no more, or the policy leaves out, go when those that replace them serve.
void Repository::DropVersions(const FoundModel& found) {
  std::vector<std::pair<int64_t, Version>> dropped;  // freed when the others may go on
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[found.name];
  const bool has_ready = std::ranges::any_of(found.versions, [&](const FoundVersion& version) {
    return entry.versions[version.version].model != nullptr;
  });
  std::erase_if(entry.versions, [&](auto& each) {
    const bool is_found =
        std::ranges::find(found.versions, each.first, &FoundVersion::version) != found.versions.end() ||
        std::ranges::find(found.broken, each.first, &BrokenVersion::version) != found.broken.end();
    const bool is_over = !is_found && (has_ready || each.second.model == nullptr) && each.first != 0;
    if (is_over) dropped.emplace_back(each.first, std::move(each.second));
    return is_over;
  });
  lock.unlock();
  for (const auto& [number, version] : dropped) {
    Tell({.kind = ModelEvent::Kind::kUnloaded,
          .model = found.name,
          .version = number,
          .reason = "others take its place"});
  }
}

// A version that serves goes on serving, and the reason says what failed.
void Repository::Mark(const std::string& name, int64_t version, ModelState state, const std::string& reason) {
  ModelEvent event{.model = name, .version = version, .reason = reason};
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    Version& now = entry.versions[version];
    now.state = now.model != nullptr ? ModelState::kReady : state;
    if (std::exchange(now.reason, reason) == reason) return;
    event.still_serves = std::ranges::any_of(entry.versions, [&](const auto& each) {
      return each.second.model != nullptr && (version == 0 || each.first == version);
    });
  }
  Tell(event);
}

Status Repository::Unload(const std::string& name) {
  std::lock_guard loading(loading_);
  std::vector<std::shared_ptr<ServedModel>> unloaded;  // freed when the others may go on
  std::unique_lock lock(mutex_);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return Status(Code::kNotFound, "there is no model '" + name + "'");
  entry->second.is_wanted = false;
  for (auto& [number, version] : entry->second.versions) {
    unloaded.push_back(std::move(version.model));
    version.fingerprint.clear();
    version.state = ModelState::kUnavailable;
    version.reason = "unloaded";
  }
  lock.unlock();
  Tell({.kind = ModelEvent::Kind::kUnloaded, .model = name, .reason = "by request"});
  return Status::Ok();
}

Result<std::shared_ptr<const ServedModel>> Repository::Find(const std::string& name,
                                                            const std::string& version) const {
  std::lock_guard lock(mutex_);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) {
    std::vector<std::string> names;
    for (const auto& [each, unused] : entries_) names.push_back(each);
    return Status(Code::kNotFound, "unknown model '" + name + "'",
                  names.empty() ? "there is none" : "there is " + Listed(names));
  }
  std::string reason;
  for (auto at = entry->second.versions.rbegin(); at != entry->second.versions.rend(); ++at) {
    if (!version.empty() && std::to_string(at->first) != version) continue;
    if (at->second.model != nullptr) return std::shared_ptr<const ServedModel>(at->second.model);
    if (reason.empty()) reason = at->second.reason;
  }
  const std::string what = version.empty() ? "'" + name + "'" : "'" + name + "' version " + version;
  return Status(Code::kNotFound, "model " + what + " is not loaded" + (reason.empty() ? "" : ": " + reason));
}

std::vector<std::shared_ptr<const ServedModel>> Repository::Loaded() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> models;
  for (const auto& [name, entry] : entries_) {
    for (const auto& [number, version] : entry.versions) {
      if (version.model != nullptr) models.push_back(version.model);
    }
  }
  return models;
}

std::vector<std::string> Repository::VersionsOf(const std::string& name) const {
  std::vector<std::string> versions;
  std::lock_guard lock(mutex_);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return versions;
  for (const auto& [number, version] : entry->second.versions) {
    if (version.model != nullptr) versions.push_back(std::to_string(number));
  }
  return versions;
}

std::vector<IndexEntry> Repository::Index() const {
  std::lock_guard lock(mutex_);
  std::vector<IndexEntry> index;
  for (const auto& [name, entry] : entries_) {
    if (entry.versions.empty())
      index.push_back(
          {name, "", ModelState::kUnavailable, entry.is_wanted ? "" : "not loaded", entry.is_wanted});
    for (const auto& [number, version] : entry.versions) {
      index.push_back(
          {name, number == 0 ? "" : std::to_string(number), version.state, version.reason, entry.is_wanted});
    }
  }
  return index;
}

bool Repository::IsReady() const {
  std::lock_guard lock(mutex_);
  return std::ranges::all_of(entries_, [](const auto& each) {
    const Entry& entry = each.second;
    if (!entry.is_wanted) return true;
    return !entry.versions.empty() && std::ranges::any_of(entry.versions, [](const auto& version) {
      return version.second.model != nullptr;
    });
  });
}

}  // namespace slipway::server
