#include "cli/out_path.h"

#include <filesystem>

namespace slipway::cli {

Status CheckFolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  std::error_code error;
  if (folder.empty() || std::filesystem::is_directory(folder, error)) return Status::Ok();
  const bool is_there = std::filesystem::exists(folder, error);
  return Status(Code::kIo,
                "cannot write '" + path + "': " +
                    (is_there ? "'" + folder + "' is no folder" : "there is no folder '" + folder + "'"),
                is_there ? "" : "make it first: mkdir -p '" + folder + "'");
}

}  // namespace slipway::cli
