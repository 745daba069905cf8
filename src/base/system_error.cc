#include "base/system_error.h"

#include <cerrno>
#include <cstring>

namespace slipway {

Status SystemError(const std::string& path, std::string_view verb) {
  const int error = errno;
  const Code code = error == ENOENT || error == ENOTDIR ? Code::kNotFound : Code::kIo;
  return Status(code, "'" + path + "': cannot " + std::string(verb) + ": " + std::strerror(error));
}

}  // namespace slipway
