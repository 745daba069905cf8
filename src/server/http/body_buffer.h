// The bytes of a request's body while they come. Private to the transport.
#pragma once

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

#include "server/http/message.h"

namespace slipway::server {

// Memory follows what has come, not what was promised, and stays within a budget that all connections share:
// many clients that send much slowly would take it all otherwise.
class BodyBuffer {
 public:
  // taken: by all of them; outlives this.
  BodyBuffer(std::atomic<size_t>& taken, size_t budget) : taken_(taken), budget_(budget) {}
  ~BodyBuffer() { Clear(); }
  BodyBuffer(const BodyBuffer&) = delete;
  BodyBuffer& operator=(const BodyBuffer&) = delete;

  size_t size() const { return size_; }

  // Where the next bytes go. most: as long as the body may become. Empty: the budget is used up.
  std::span<uint8_t> Room(uint64_t most) {
    if (size_ == body_.size() && !Grow(most)) return {};
    return {body_.data() + size_, body_.size() - size_};
  }
  // So many have been put there.
  void Add(size_t bytes) { size_ += bytes; }

  // All that has come; is empty then.
  Body Take() {
    body_.Shorten(size_);
    Body body = body_;
    Clear();
    return body;
  }

  void Clear() {
    taken_ -= std::exchange(reserved_, 0);
    body_ = Body();
    size_ = 0;
  }

 private:
  bool Grow(uint64_t most) {
    const auto capacity =
        static_cast<size_t>(std::min<uint64_t>(std::max<uint64_t>(4 * body_.size(), kFirst), most));
    if (taken_.fetch_add(capacity) + capacity > budget_) {
      taken_ -= capacity;
      return false;
    }
    Body grown(capacity);
    if (size_ > 0) std::memcpy(grown.data(), body_.data(), size_);
    body_ = std::move(grown);
    taken_ -= std::exchange(reserved_, capacity);
    return true;
  }

  static constexpr uint64_t kFirst = 1 << 20;

  std::atomic<size_t>& taken_;
  const size_t budget_;
  Body body_;
  size_t size_ = 0, reserved_ = 0;
};

}  // namespace slipway::server
