// Files: read-only mappings, whole reads and atomic writes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "slipway/status.h"

namespace slipway {

// A read-only private mapping of a regular file; unmapped when the last copy goes. An empty file has an empty
// span. The mapping is safe against later renames and replacement, not against truncation by others in place.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);

  std::span<const uint8_t> bytes() const { return bytes_; }
  // Holds the mapping alive.
  std::shared_ptr<const void> owner() const { return owner_; }

 private:
  std::span<const uint8_t> bytes_;
  std::shared_ptr<const void> owner_;
};

// Tells the system that these bytes of a mapping will not be read again soon: their pages leave memory and
// come back from the file when touched. REQUIRES: the bytes belong to a MappedFile.
void DropMappedPages(std::string_view bytes);

Result<std::string> ReadFile(const std::string& path);
// Writes to a temporary beside `path`, then renames: readers see the old file or the whole new one.
Status WriteFile(const std::string& path, std::span<const uint8_t> bytes);
Status WriteFile(const std::string& path, std::string_view text);

}  // namespace slipway
