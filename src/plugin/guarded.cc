#include "plugin/guarded.h"

#include <algorithm>
#include <cstring>

namespace slipway {
namespace {

constexpr int64_t kLeastGuard = 4 << 10;
constexpr int64_t kMostGuard = 1 << 20;

// Differs from byte to byte, so that what is written is unlikely to look like it.
uint8_t GuardByte(int64_t i) { return static_cast<uint8_t>(i * 167 + 41); }

}  // namespace

std::unique_ptr<GuardedBytes> GuardedBytes::Make(int64_t size_bytes, uint8_t fill) {
  const int64_t aligned = std::clamp(size_bytes, kLeastGuard, kMostGuard) / kAlignment * kAlignment;
  if (size_bytes > INT64_MAX / 2) return nullptr;
  void* memory = ::operator new(static_cast<size_t>(size_bytes + 2 * aligned), std::align_val_t(kAlignment),
                                std::nothrow);
  if (memory == nullptr) return nullptr;
  std::unique_ptr<GuardedBytes> guarded(new GuardedBytes);
  guarded->memory_.reset(static_cast<uint8_t*>(memory));
  guarded->guard_bytes_ = aligned;
  guarded->size_bytes_ = size_bytes;
  uint8_t* front = guarded->memory_.get();
  uint8_t* behind = guarded->data() + size_bytes;
  for (int64_t i = 0; i < aligned; ++i) {
    front[i] = GuardByte(i);
    behind[i] = GuardByte(i);
  }
  std::memset(guarded->data(), fill, static_cast<size_t>(size_bytes));
  return guarded;
}

std::string GuardedBytes::Damage() const {
  const uint8_t* front = memory_.get();
  const uint8_t* behind = front + guard_bytes_ + size_bytes_;
  for (int64_t i = guard_bytes_; i-- > 0;) {
    if (behind[i] != GuardByte(i)) return std::to_string(i + 1) + " bytes behind";
  }
  for (int64_t i = 0; i < guard_bytes_; ++i) {
    if (front[i] != GuardByte(i)) return std::to_string(guard_bytes_ - i) + " bytes in front of";
  }
  return "";
}

}  // namespace slipway
