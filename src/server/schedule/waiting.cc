#include "server/schedule/waiting.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "server/schedule/join.h"

namespace slipway::server {

void Waiting::AddRaw(std::unique_ptr<Work> work) {
  work->order_ = ++submitted_;
  models_[&work->model()].raw[work->priority].push_back(std::move(work));
}

void Waiting::AddPrepared(std::unique_ptr<Work> work) {
  models_[&work->model()].prepared[work->priority].push_back(std::move(work));
}

std::unique_ptr<Work> Waiting::TakeFirst(Queue& queue) {
  const auto first = queue.begin();
  std::unique_ptr<Work> work = std::move(first->second.front());
  first->second.pop_front();
  if (first->second.empty()) queue.erase(first);
  return work;
}

bool Waiting::FillsBatch(const ServedModel& model, const Queue& queue) {
  int64_t rows = 0;
  for (const auto& [priority, works] : queue) {
    for (const auto& work : works) {
      rows += RowsOf(work->inputs());
      if (rows >= model.max_batch()) return true;
    }
  }
  return false;
}

Waiting::Batch Waiting::TakeBatch(const ServedModel& model, Queue& queue) {
  Batch batch;
  batch.works.push_back(TakeFirst(queue));
  int64_t batch_rows = RowsOf(batch.works[0]->inputs());
  while (!queue.empty()) {
    const Work& next = *queue.begin()->second.front();
    const int64_t rows = RowsOf(next.inputs());
    if (batch_rows + rows > model.max_batch()) {
      batch.limit = BatchLimit::kFull;
      break;
    }
    if (!CanJoin(batch.works[0]->inputs(), next.inputs())) {
      batch.limit = BatchLimit::kOtherShape;
      break;
    }
    batch.works.push_back(TakeFirst(queue));
    batch_rows += rows;
  }
  if (batch_rows == model.max_batch()) batch.limit = BatchLimit::kFull;
  return batch;
}

// The model of the work that is first in order.
Waiting::Models::iterator Waiting::FindNext() {
  const auto place = [](const Models::value_type& entry) {
    auto best = std::pair(INT32_MAX, UINT64_MAX);
    for (const Queue* queue : {&entry.second.raw, &entry.second.prepared}) {
      if (queue->empty()) continue;
      const auto& [priority, works] = *queue->begin();
      best = std::min(best, std::pair(priority, works.front()->order_));
    }
    return best;
  };
  return std::ranges::min_element(models_, {}, place);
}

Waiting::Next Waiting::Take() {
  const auto found = FindNext();
  auto& [model, queues] = *found;
  Next next;
  const auto& [raw, prepared] = queues;
  const bool may_join = !raw.empty() && (prepared.empty() || raw.begin()->first <= prepared.begin()->first);
  if (may_join && !FillsBatch(*model, prepared)) {
    next.raw = TakeFirst(queues.raw);
  } else {
    next.batch = TakeBatch(*model, queues.prepared);
  }
  if (queues.raw.empty() && queues.prepared.empty()) models_.erase(found);
  return next;
}

template <class Wanted>
std::vector<std::unique_ptr<Work>> Waiting::TakeIf(const Wanted& is_wanted) {
  std::vector<std::unique_ptr<Work>> taken;
  for (auto& [model, queues] : models_) {
    for (Queue* queue : {&queues.raw, &queues.prepared}) {
      for (auto& [priority, works] : *queue) {
        for (auto& work : works)
          if (is_wanted(*work)) taken.push_back(std::move(work));
        std::erase(works, nullptr);
      }
      std::erase_if(*queue, [](const auto& level) { return level.second.empty(); });
    }
  }
  std::erase_if(models_,
                [](const auto& entry) { return entry.second.raw.empty() && entry.second.prepared.empty(); });
  return taken;
}

std::vector<std::unique_ptr<Work>> Waiting::TakeOverdue(Clock::time_point now) {
  return TakeIf([&](const Work& work) { return now > work.deadline || work.HasLeft(); });
}

std::vector<std::unique_ptr<Work>> Waiting::TakeAll() {
  return TakeIf([](const Work&) { return true; });
}

}  // namespace slipway::server
