// Files opened for reading.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <string>
#include <utility>

#include "slipway/status.h"

namespace slipway {

// Closes a descriptor on scope exit.
struct Descriptor {
  explicit Descriptor(int number) : fd(number) {}
  Descriptor(Descriptor&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

struct RegularFile {
  Descriptor descriptor;
  size_t size;  // bytes
};

// Errors name the file: it is not there, cannot be read, or is no regular file.
Result<RegularFile> OpenRegularFile(const std::string& path);

}  // namespace slipway
