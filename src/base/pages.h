// Memory that will not be read again soon.
#pragma once

#include <cstddef>

namespace slipway {

// Asks the system to take the whole pages of these bytes back early: content stays, whoever owns the memory.
// A hint, without effect where the system knows none.
void OfferPages(const void* bytes, size_t size_bytes);

}  // namespace slipway
