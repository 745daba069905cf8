#include "cli/serve_folders.h"

#include <algorithm>

#include "cli/console.h"
#include "server/models/repository_scan.h"

namespace slipway::cli {
namespace {

// "'a.onnx', 'b.onnx' and 3 more"
std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 4;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i > 0 ? ", '" : "'") + names[i] + "'";
  return names.size() > kMost ? text + " and " + std::to_string(names.size() - kMost) + " more" : text;
}

std::string Layout(const std::string& folder, const std::vector<std::string>& loose) {
  const std::string layout = "a repository has its models in " + folder + "/NAME/1/model.onnx";
  return loose.empty() ? layout : layout + "; name a file itself to serve it: " + folder + "/" + loose[0];
}

}  // namespace

Status CheckFolders(const ServeFlags& flags) {
  size_t models = 0;
  std::vector<Status> empty;
  for (const std::string& path : flags.models) {
    SLIPWAY_ASSIGN_OR_RETURN(const auto found, server::ScanPath(path));
    models += found.size();
    const std::vector<std::string> loose = server::LooseModelFiles(path);
    const std::string there = loose.empty() ? "" : "what lies loose in it is not served: " + Listed(loose);
    if (found.empty()) {
      empty.push_back(Status(Code::kNotFound,
                             "folder '" + path + "' has no model" + (loose.empty() ? "" : "; " + there),
                             Layout(path, loose)));
    } else if (!loose.empty()) {
      PrintNote("folder '" + path + "': " + there + "; " + Layout(path, loose));
    }
  }
  if (models == 0 && flags.watch_seconds == 0) return empty.front();
  for (const Status& each : empty) PrintNote(each.message() + "; " + each.hint());
  return Status::Ok();
}

}  // namespace slipway::cli
