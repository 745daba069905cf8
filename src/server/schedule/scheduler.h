// Runs requests on models: a bounded queue, as many workers as there are cores, and batches that form by
// themselves.
//
// A worker that is free takes what is there and never waits for more: batches grow where requests arrive
// faster than workers get free, and are of one request where they do not. What makes an input (decoding and
// resizing a photo) is done before the batch is joined, on the same workers. A network that runs while
// nothing else is to do uses all cores; while several requests are worked on, each uses its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "server/models/served_model.h"
#include "server/schedule/trace.h"

namespace slipway::server {

using Clock = std::chrono::steady_clock;

// What one request asks of a model. Its methods are called by one worker at a time, and after one of Finish
// and Fail by none.
class Work {
 public:
  // bytes: what the request holds in memory while it waits.
  Work(std::shared_ptr<const ServedModel> model, size_t bytes) : model_(std::move(model)), bytes_(bytes) {}
  virtual ~Work() = default;

  const ServedModel& model() const { return *model_; }
  size_t bytes() const { return bytes_; }

  // Makes the inputs, of as many as the engine has; an error is the request's answer.
  virtual Status Prepare() = 0;
  virtual const std::vector<Tensor>& inputs() const = 0;
  // The network's answer, which is gone after the call. Says how long reading it took by returning.
  virtual void Finish(std::span<const Tensor> outputs) = 0;
  // http_status: what a client is told; 503 means that it may try again, 0 what the status' code says.
  virtual void Fail(int http_status, const Status& status) = 0;

  int priority = 0;  // lower ones first
  Clock::time_point arrived = Clock::now();
  Clock::time_point deadline = Clock::time_point::max();
  std::shared_ptr<const std::atomic<bool>> has_left;  // null: it stays
  std::string id;                                     // of the request, for traces

 private:
  friend class Scheduler;
  std::shared_ptr<const ServedModel> model_;
  size_t bytes_;
  Timing timing_;
  Clock::time_point queued_;
  RequestTimes times_;
};

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
  using Queue = std::map<int, std::deque<std::unique_ptr<Work>>>;  // by priority
  struct Batch {
    std::vector<std::unique_ptr<Work>> works;
    BatchLimit limit = BatchLimit::kAlone;
  };

  void RunWorker(int worker);
  void RunVisitors(std::unique_lock<std::mutex>& lock);
  std::unique_ptr<Work> TakeFirst(Queue& queue);
  bool TakeBatch(Batch& batch);
  void Prepare(std::unique_ptr<Work> work);
  void Run(Batch batch);
  bool HasCoresToSpare() const;
  bool MayRun(Work& work, Clock::time_point now);
  void Fail(Work& work, FailureReason reason, int http_status, const Status& status);
  void Forget(const Work& work);
  void Record(Work& work, const char* outcome);

  const SchedulerOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> visitors_;
  Queue raw_;                                     // inputs not made yet
  std::map<const ServedModel*, Queue> prepared_;  // of models that batch
  size_t waiting_ = 0, waiting_bytes_ = 0, busy_ = 0;
  std::atomic<uint64_t> runs_{0};
  const std::unique_ptr<Trace> trace_;
  bool is_stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace slipway::server
