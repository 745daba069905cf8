// What one request asks of a model.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server/models/served_model.h"
#include "server/schedule/trace.h"

namespace slipway::server {

using Clock = std::chrono::steady_clock;

// Its methods are called by one worker at a time, and after one of Finish
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
  TraceContext trace;

  bool HasLeft() const { return has_left && *has_left; }

 private:
  friend class Scheduler;
  friend class Waiting;
  std::shared_ptr<const ServedModel> model_;
  size_t bytes_;
  Timing timing_;
  Clock::time_point queued_;
  uint64_t order_ = 0;  // of arrival
  RequestTimes times_;
};

}  // namespace slipway::server
