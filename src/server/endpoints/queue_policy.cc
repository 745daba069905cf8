#include "server/endpoints/queue_policy.h"

#include <algorithm>

namespace slipway::server {

void TakeQueueWish(const QueueWish& wish, Work& work) {
  const auto& batching = work.model().config().dynamic_batching;
  const QueuePolicy policy = batching ? batching->default_queue_policy : QueuePolicy();
  std::chrono::microseconds timeout(policy.default_timeout_microseconds);
  if (!batching || policy.allow_timeout_override) {
    if (wish.timeout.count() > 0 && (timeout.count() == 0 || wish.timeout < timeout)) timeout = wish.timeout;
  }
  if (timeout.count() > 0 && policy.timeout_action == TimeoutAction::kReject)
    work.deadline = std::min(work.deadline, work.arrived + timeout);
  if (!batching || batching->priority_levels == 0) return;
  const bool is_known =
      wish.priority > 0 && wish.priority <= static_cast<uint64_t>(batching->priority_levels);
  work.priority =
      static_cast<int>(is_known ? static_cast<int64_t>(wish.priority) : batching->default_priority_level);
}

}  // namespace slipway::server
