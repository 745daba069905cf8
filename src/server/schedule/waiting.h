// What waits for a worker, and what a free one takes.
//
// The order is that of priorities and, within one, of arrival, across all models: none waits for ever beside
// another. Where the next in order has its inputs made and others of its model have not, theirs are made
// first, as long as they fit into its batch: so batches grow.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "server/schedule/work.h"

namespace slipway::server {

class Waiting {
 public:
  struct Batch {
    std::vector<std::unique_ptr<Work>> works;
    BatchLimit limit = BatchLimit::kAlone;
  };
  // One of both.
  struct Next {
    std::unique_ptr<Work> raw;  // its inputs are to be made
    Batch batch;                // to be run
  };

  void AddRaw(std::unique_ptr<Work> work);
  // Of a model that batches, with no more rows than it takes.
  void AddPrepared(std::unique_ptr<Work> work);
  bool empty() const { return models_.empty(); }

  // REQUIRES: not empty.
  Next Take();
  // Those whose time is over, or whose clients have left.
  std::vector<std::unique_ptr<Work>> TakeOverdue(Clock::time_point now);
  std::vector<std::unique_ptr<Work>> TakeAll();

 private:
  using Queue = std::map<int, std::deque<std::unique_ptr<Work>>>;  // by priority; none of them is empty
  struct OfModel {
    Queue raw, prepared;
  };
  using Models = std::map<const ServedModel*, OfModel>;  // those that have some

  static std::unique_ptr<Work> TakeFirst(Queue& queue);
  static bool FillsBatch(const ServedModel& model, const Queue& queue);
  static Batch TakeBatch(const ServedModel& model, Queue& queue);
  Models::iterator FindNext();
  template <class Wanted>
  std::vector<std::unique_ptr<Work>> TakeIf(const Wanted& is_wanted);

  Models models_;
  uint64_t submitted_ = 0;
};

}  // namespace slipway::server
