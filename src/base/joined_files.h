// Several files as one run of bytes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "slipway/status.h"

namespace slipway {

struct HeldBytes {
  std::span<const uint8_t> bytes;
  std::shared_ptr<const void> owner;  // keeps them alive
};

// The files' bytes one behind another, read-only. They are mapped where every file but the last fills whole
// pages, else read into memory. Errors name the file.
Result<HeldBytes> JoinFiles(const std::vector<std::string>& paths);
// Text as bytes that hold themselves.
HeldBytes Hold(std::string text);

}  // namespace slipway
