#include "base/joined_files.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "base/file.h"
#include "base/regular_file.h"
#include "base/system_error.h"

namespace slipway {
namespace {

Result<std::vector<RegularFile>> OpenAll(const std::vector<std::string>& paths) {
  std::vector<RegularFile> files;
  for (const std::string& path : paths) {
    SLIPWAY_ASSIGN_OR_RETURN(RegularFile file, OpenRegularFile(path));
    files.push_back(std::move(file));
  }
  return files;
}

bool FillPages(const std::vector<RegularFile>& files) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  size_t total = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].size == 0 || files[i].size > std::numeric_limits<size_t>::max() / 2 - total) return false;
    if (i + 1 < files.size() && files[i].size % page != 0) return false;
    total += files[i].size;
  }
  return total > 0;
}

Result<HeldBytes> Map(const std::vector<std::string>& paths, const std::vector<RegularFile>& files) {
  size_t total = 0;
  for (const RegularFile& file : files) total += file.size;
  // Room for all of them first, then each over its part of it.
  void* memory = ::mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return SystemError(paths[0], "map");
  HeldBytes held{{static_cast<const uint8_t*>(memory), total},
                 std::shared_ptr<const void>(memory, [total](void* p) { ::munmap(p, total); })};
  size_t at = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    void* part = static_cast<uint8_t*>(memory) + at;
    const int fd = files[i].descriptor.fd;
    if (::mmap(part, files[i].size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
      return SystemError(paths[i], "map");
    at += files[i].size;
  }
  return held;
}

}  // namespace

HeldBytes Hold(std::string text) {
  const auto owner = std::make_shared<const std::string>(std::move(text));
  return {{reinterpret_cast<const uint8_t*>(owner->data()), owner->size()}, owner};
}

Result<HeldBytes> JoinFiles(const std::vector<std::string>& paths) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<RegularFile> files, OpenAll(paths));
  if (FillPages(files)) return Map(paths, files);
  std::string text;
  for (const std::string& path : paths) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::string part, ReadFile(path));
    text += part;
  }
  return Hold(std::move(text));
}

}  // namespace slipway
