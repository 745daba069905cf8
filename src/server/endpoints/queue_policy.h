// How long a request may wait, and before which others it goes.
#pragma once

#include <chrono>
#include <cstdint>

#include "server/schedule/scheduler.h"

namespace slipway::server {

// As the request wants it; 0: it says nothing.
struct QueueWish {
  std::chrono::microseconds timeout{0};
  uint64_t priority = 0;  // 1 first
};

// Gives the work its deadline and priority: the wish, as far as the model's config.pbtxt (dynamic_batching)
// lets it, or what that says of requests without one. A deadline that is there already holds where it is
// earlier.
void TakeQueueWish(const QueueWish& wish, Work& work);

}  // namespace slipway::server
