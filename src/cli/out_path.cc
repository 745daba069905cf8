#include "cli/out_path.h"

#include <unistd.h>

#include <filesystem>

namespace slipway::cli {

Status CheckOutPath(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty()) return Status::Ok();
  const auto error_of = [&](const std::string& what, const std::string& hint = "") {
    return Status(Code::kIo, "cannot write '" + path + "': " + what, hint);
  };
  std::error_code error;
  if (fs::is_directory(path, error)) return error_of("it is a folder", "give the name of a file in it");
  const bool is_there = fs::exists(path, error);
  if (is_there && !fs::is_regular_file(path, error)) return Status::Ok();  // a device, a pipe
  // A file is written beside what a link to it points to (FileWriter).
  const std::string parent = (is_there ? fs::canonical(path, error) : fs::path(path)).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  if (!fs::exists(folder, error))
    return error_of("there is no folder '" + folder + "'", "make it first: mkdir -p '" + folder + "'");
  if (!fs::is_directory(folder, error)) return error_of("'" + folder + "' is no folder");
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return error_of("folder '" + folder + "' may not be written to");
  return Status::Ok();
}

}  // namespace slipway::cli
