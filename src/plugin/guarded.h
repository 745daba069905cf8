// Memory between guards: who writes outside of it is found out.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>

namespace slipway {

// Guards are as long as the memory itself, from 4 KiB to 1 MiB on either side: a result twice as large as
// promised lands in them and not in the heap.
class GuardedBytes {
 public:
  // nullptr where there is not enough memory. The memory is aligned to 64 and filled with `fill`.
  static std::unique_ptr<GuardedBytes> Make(int64_t size_bytes, uint8_t fill);

  uint8_t* data() { return memory_.get() + guard_bytes_; }
  std::span<const uint8_t> bytes() const {
    return {memory_.get() + guard_bytes_, static_cast<size_t>(size_bytes_)};
  }
  // "12 bytes behind"; "" where both guards are whole. Counts up to the outermost byte that was written.
  std::string Damage() const;

 private:
  struct Free {
    void operator()(uint8_t* memory) const { ::operator delete(memory, std::align_val_t(kAlignment)); }
  };
  static constexpr int64_t kAlignment = 64;

  std::unique_ptr<uint8_t[], Free> memory_;
  int64_t guard_bytes_ = 0;
  int64_t size_bytes_ = 0;
};

}  // namespace slipway
