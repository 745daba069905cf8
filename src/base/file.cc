#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/file_writer.h"
#include "base/regular_file.h"
#include "base/system_error.h"

namespace slipway {
Result<RegularFile> OpenRegularFile(const std::string& path) {
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.fd < 0) return SystemError(path, "open");
  struct stat info {};
  if (::fstat(descriptor.fd, &info) != 0) return SystemError(path, "stat");
  if (!S_ISREG(info.st_mode)) return Status(Code::kIo, "'" + path + "': not a regular file");
  return RegularFile{std::move(descriptor), static_cast<size_t>(info.st_size)};
}

Result<MappedFile> MappedFile::Open(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const RegularFile file, OpenRegularFile(path));
  MappedFile mapped;
  const size_t size = file.size;
  if (size == 0) return mapped;
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor.fd, 0);
  if (memory == MAP_FAILED) return SystemError(path, "map");
  mapped.owner_ = std::shared_ptr<const void>(memory, [size](void* p) { ::munmap(p, size); });
  mapped.bytes_ = {static_cast<const uint8_t*>(memory), size};
  return mapped;
}

void DropMappedPages(std::string_view bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

Result<std::string> ReadFile(const std::string& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return SystemError(path, "open");
  std::string text;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(file.fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "read");
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
  }
}

Status WriteFile(const std::string& path, std::span<const uint8_t> bytes) {
  return WriteFile(path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Status WriteFile(const std::string& path, std::string_view text) {
  SLIPWAY_ASSIGN_OR_RETURN(FileWriter writer, FileWriter::Open(path));
  SLIPWAY_RETURN_IF_ERROR(writer.Append(text));
  return writer.Commit();
}

}  // namespace slipway
