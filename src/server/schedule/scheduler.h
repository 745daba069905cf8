// Runs requests on models: a bounded queue, as many workers as there are cores, and batches that form by
// themselves.
//
// A worker that is free takes what is there and never waits for more: batches grow where requests arrive
// faster than workers get free, and are of one request where they do not. What makes an input (decoding and
// resizing a photo) is done before the batch is joined, on the same workers. A network that runs while
// nothing else is to do uses all cores; while several requests are worked on, each uses its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/schedule/waiting.h"

namespace slipway::server {

struct SchedulerOptions {
  int workers = 0;  // 0: as many as cores
  size_t max_waiting = 1024;
  size_t max_waiting_bytes = size_t{1} << 30;
  size_t traced = 0;  // how many requests' times are kept; 0: no trace
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);
  ~Scheduler() { Stop(); }

  // Lets what runs end, and answers all that wait and all that still comes: they fail. Does nothing the
  // second time.
  void Stop();

  // Queues the work, or fails it at once where the queue is full.
  void Submit(std::unique_ptr<Work> work);
  // Answers work that is wrong before it is queued, and counts it.
  void Refuse(Work& work, const Status& status);

  // Calls `visitor`, which must be short, on the next worker that is free, before all work: that it is called
  // shows that work goes on. After Stop() it may not be.
  void Visit(std::function<void()> visitor);

  size_t waiting() const;
  // Whether nothing waits or runs.
  bool IsIdle() const;
  // Null: none is kept.
  const Trace* trace() const { return trace_.get(); }

 private:
  void RunWorker(int worker);
  void RunVisitors(std::unique_lock<std::mutex>& lock);
  void FailOverdue(std::unique_lock<std::mutex>& lock);
  void Prepare(std::unique_ptr<Work> work);
  void Run(Waiting::Batch batch);
  bool HasCoresToSpare() const;
  bool MayRun(Work& work, Clock::time_point now);
  void Fail(Work& work, FailureReason reason, int http_status, const Status& status);
  void Forget(const Work& work);
  void Record(Work& work, const char* outcome);

  const SchedulerOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> visitors_;
  Waiting queue_;
  Clock::time_point looked_;  // for those whose time is over
  size_t waiting_ = 0, waiting_bytes_ = 0, busy_ = 0;
  std::atomic<uint64_t> runs_{0};
  const std::unique_ptr<Trace> trace_;
  bool is_stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace slipway::server
