#include "base/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/system_error.h"

namespace slipway {

namespace {

// The file that a chain of links ends at; a link to nothing is the file itself.
std::string BehindLinks(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string target(real);
  std::free(real);
  return target;
}

}  // namespace

Result<FileWriter> FileWriter::Open(const std::string& path) {
  FileWriter writer;
  writer.path_ = path;
  struct stat info {};
  const bool is_there = ::stat(path.c_str(), &info) == 0;
  if (is_there && S_ISDIR(info.st_mode))
    return Status(Code::kIo, "'" + path + "': cannot write: it is a folder");
  if (is_there && !S_ISREG(info.st_mode)) {
    writer.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    return writer.fd_ < 0 ? Result<FileWriter>(SystemError(path, "write")) : std::move(writer);
  }
  writer.target_ = is_there ? BehindLinks(path) : path;
  const std::string temporary = writer.target_ + ".tmp" + std::to_string(::getpid());
  writer.fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (writer.fd_ < 0) return SystemError(path, "write");
  writer.temporary_ = temporary;
  if (is_there) (void)::fchmod(writer.fd_, info.st_mode & 0777);  // stays as open as it was
  return writer;
}

FileWriter::FileWriter(FileWriter&& other) noexcept { *this = std::move(other); }

FileWriter& FileWriter::operator=(FileWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(target_, other.target_);
  std::swap(temporary_, other.temporary_);
  std::swap(fd_, other.fd_);
  return *this;
}

FileWriter::~FileWriter() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status FileWriter::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return SystemError(path_, "write");
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return Status::Ok();
}

Status FileWriter::Commit() {
  // Some file systems find out here only that they are full.
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0 && errno != EINTR) return SystemError(path_, "write");
  if (temporary_.empty()) return Status::Ok();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) return SystemError(path_, "rename to");
  temporary_.clear();
  return Status::Ok();
}

}  // namespace slipway
