// A .slip file read without its manifest's JSON being parsed: all that running a network takes.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "plan/slip.h"

namespace slipway {

struct SlipParts {
  SlipModel model;       // without manifest
  std::string manifest;  // JSON, as the file has it: not looked at; "": none
};

// As ParseSlip (slip.h).
Result<SlipParts> ParseSlipParts(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                                 const SlipReadOptions& options = {});

}  // namespace slipway
