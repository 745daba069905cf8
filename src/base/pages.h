// Memory as the machine has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace slipway {

// Asks the system to take the whole pages of these bytes back early, and large pages that begin before them:
// content stays, whoever owns the memory.
// A hint, without effect where the system knows none.
void OfferPages(const void* bytes, size_t size_bytes);

// Zeroed pages of their own, at least `size_bytes`; they go back to the system with the last owner, at once.
// Throws std::bad_alloc as operator new does.
std::shared_ptr<void> AllocatePages(size_t size_bytes);

// The same for memory that is read from end to end again and again (packed weights, activations): aligned to
// 64, and in large pages where it is large and the system has them, which spares look-ups of addresses.
std::shared_ptr<void> AllocateLargePages(size_t size_bytes);

// Bytes of memory that this machine has, whoever uses them; INT64_MAX where the system does not say.
int64_t MachineMemoryBytes();

}  // namespace slipway
