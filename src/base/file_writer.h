// A file written piece by piece, that readers see whole or not at all. Devices and pipes are written as they
// stand.
#pragma once

#include <string>
#include <string_view>

#include "slipway/status.h"

namespace slipway {

// Pieces go to a temporary beside the file (behind a link: beside what it points to); Commit renames it. What
// was not committed is removed.
class FileWriter {
 public:
  static Result<FileWriter> Open(const std::string& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&& other) noexcept;
  ~FileWriter();

  Status Append(std::string_view bytes);
  // Ends the file; nothing may be appended behind it.
  Status Commit();

 private:
  FileWriter() = default;

  std::string path_;
  std::string target_;     // what the temporary becomes
  std::string temporary_;  // empty: committed, moved from, or not used
  int fd_ = -1;
};

}  // namespace slipway
