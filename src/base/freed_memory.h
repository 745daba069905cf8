// What the heap does with memory that is freed.
#pragma once

namespace slipway {

// The heap keeps it for the next who asks, up to a gigabyte. Photos and tensors of megabytes come and go with
// every request: giving their pages back to the system each time, and faulting them in again, costs a fifth
// of a small network's answers. Without effect where the C library has no such setting.
void KeepFreedMemory();

}  // namespace slipway
