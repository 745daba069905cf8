// The models that a server has: what it was told to serve, what of it is loaded, and what went wrong.
//
// A version is loaded and warmed beside the one that serves, then takes its place in one step; whoever still
// works with the old one keeps it until he is done, and its memory goes back to the system then. A load that
// fails changes nothing but the reason shown.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/models/repository_scan.h"
#include "server/models/served_model.h"

namespace slipway::server {

enum class ModelState { kUnavailable, kLoading, kReady, kUnloading };
// "READY"
std::string_view StateName(ModelState state);

struct IndexEntry {
  std::string name;
  std::string version;  // empty: of a model of which no version is known
  ModelState state = ModelState::kUnavailable;
  std::string reason;
  bool is_wanted = true;  // false: left out at the start, or unloaded by request
};

// What became of a model.
struct ModelEvent {
  enum class Kind { kLoaded, kReplaced, kUnloaded, kFailed };

  Kind kind = Kind::kFailed;
  std::string model;
  int64_t version = 0;        // 0: of the model as a whole
  double seconds = 0;         // that loading took
  std::string reason;         // why it failed, or went
  bool still_serves = false;  // what serves is still the one before
};

struct RepositoryOptions {
  std::vector<std::string> paths;  // of model files and of repository folders
  // Of JSON laid over the manifests of the model files; empty: of none. Models of repositories have a
  // manifest.json of their own.
  std::string manifest_path;
  EngineOptions engine;
  // Models to load at the start; empty: all.
  std::vector<std::string> names;
  // Told of each event, one at a time, by whoever loads; must not call back. May be empty.
  std::function<void(const ModelEvent&)> on_event;
};

// Every method may be called from any thread. Loading and unloading take their time, one after the other.
class Repository {
 public:
  explicit Repository(RepositoryOptions options) : options_(std::move(options)) {}

  // Reads the folders, loads what is new or has changed, and unloads what is gone. What fails is in the
  // index; an error: a path cannot be read at all, or two of them have a model of the same name.
  Status Refresh();
  // Loads a model again, or for the first time. config: in place of its config.pbtxt, from here on where a
  // version can be loaded with it.
  Status Load(const std::string& name, const std::optional<ModelConfig>& config = std::nullopt);
  Status Unload(const std::string& name);

  // version: empty for the newest. An error (kNotFound) names what there is.
  Result<std::shared_ptr<const ServedModel>> Find(const std::string& name, const std::string& version) const;
  // All that are loaded, by name and version.
  std::vector<std::shared_ptr<const ServedModel>> Loaded() const;
  // Of the loaded versions of a model; empty: none.
  std::vector<std::string> VersionsOf(const std::string& name) const;
  std::vector<IndexEntry> Index() const;
  // Whether all that is to be served is.
  bool IsReady() const;

 private:
  struct Version {
    std::shared_ptr<ServedModel> model;  // null: not loaded
    ModelState state = ModelState::kUnavailable;
    std::string reason;
    std::string fingerprint;  // of what was loaded
  };
  struct Entry {
    FoundModel found;
    std::map<int64_t, Version> versions;
    bool is_wanted = true;             // false: unloaded by request
    std::optional<ModelConfig> given;  // with a load request that succeeded, in place of config.pbtxt
  };

  Result<std::vector<FoundModel>> Scan() const;
  Result<std::shared_ptr<ServedModel>> LoadOne(const FoundModel& found, const FoundVersion& version,
                                               const ModelConfig& config) const;
  enum class Reload { kChanged, kAll };
  // What all versions of a model are loaded with.
  struct Settings {
    std::optional<ModelConfig> given;  // in place of the configuration found
    ModelConfig config;                // that one or the other
    std::string fingerprint;
  };
  // given: in place of the configuration found.
  Status LoadVersions(const FoundModel& found, const std::optional<ModelConfig>& given, Reload reload);
  Status LoadVersion(const FoundModel& found, const FoundVersion& version, const Settings& settings,
                     Reload reload);
  void DropVersions(const FoundModel& found);
  void Tell(const ModelEvent& event) const {
    if (options_.on_event) options_.on_event(event);
  }
  void Mark(const std::string& name, int64_t version, ModelState state, const std::string& reason);

  const RepositoryOptions options_;
  std::mutex loading_;  // held while models are loaded
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace slipway::server
