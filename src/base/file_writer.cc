#include "base/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/system_error.h"

namespace slipway {

Result<FileWriter> FileWriter::Open(const std::string& path) {
  FileWriter writer;
  writer.path_ = path;
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  writer.fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (writer.fd_ < 0) return SystemError(path, "write");
  writer.temporary_ = temporary;
  return writer;
}

FileWriter::FileWriter(FileWriter&& other) noexcept { *this = std::move(other); }

FileWriter& FileWriter::operator=(FileWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(fd_, other.fd_);
  return *this;
}

FileWriter::~FileWriter() {
  Close();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void FileWriter::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
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
  Close();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return SystemError(path_, "rename to");
  temporary_.clear();
  return Status::Ok();
}

}  // namespace slipway
