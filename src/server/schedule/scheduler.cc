#include "server/schedule/scheduler.h"

#include <algorithm>
#include <utility>

#include "server/schedule/join.h"

namespace slipway::server {
namespace {

// More requests of this model may not wait.
bool IsFull(const ServedModel& model) {
  const auto& batching = model.config().dynamic_batching;
  const int64_t most = batching ? batching->default_queue_policy.max_queue_size : 0;
  return most > 0 && model.statistics().waiting() >= most;
}

// In the order of FailureReason.
constexpr const char* kOutcomes[kFailureReasons] = {"rejected", "canceled", "failed", "invalid"};

// Of the scheduler that the thread belongs to; -1: none's.
thread_local int this_worker = -1;

constexpr int kUnavailable = 503;
constexpr int kClosedRequest = 499;  // nginx's: the client closed the connection; nobody reads it

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options)
    : options_(options), trace_(options.traced > 0 ? std::make_unique<Trace>(options.traced) : nullptr) {
  const int workers = options.workers > 0 ? options.workers : AvailableCores();
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this, i] { RunWorker(i); });
}

void Scheduler::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (is_stopping_) return;
    is_stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  const Status stopping(Code::kInternal, "the server is stopping");
  for (const auto& work : queue_.TakeAll()) {
    Fail(*work, FailureReason::kRejected, kUnavailable, stopping);
    Forget(*work);
  }
}

void Scheduler::Submit(std::unique_ptr<Work> work) {
  const bool is_model_full = IsFull(work->model());
  std::unique_lock lock(mutex_);
  const bool is_full = is_model_full || waiting_ >= options_.max_waiting ||
                       waiting_bytes_ + work->bytes() > options_.max_waiting_bytes;
  if (is_full || is_stopping_) {
    const std::string what =
        std::to_string(waiting_) + " requests of " + std::to_string(waiting_bytes_) + " bytes wait";
    lock.unlock();
    return Fail(
        *work, FailureReason::kRejected, kUnavailable,
        Status(Code::kInternal, "too much to do: " + what, "try again later, or give it more machines"));
  }
  ++waiting_;
  waiting_bytes_ += work->bytes();
  work->model().statistics().AddWaiting(1);
  work->queued_ = work->times_.queued = Clock::now();
  queue_.AddRaw(std::move(work));
  lock.unlock();
  wake_.notify_one();
}

void Scheduler::Refuse(Work& work, const Status& status) { Fail(work, FailureReason::kOther, 0, status); }

void Scheduler::Visit(std::function<void()> visitor) {
  {
    std::lock_guard lock(mutex_);
    visitors_.push_back(std::move(visitor));
  }
  wake_.notify_one();
}

// REQUIRES: the lock, and gives it back.
void Scheduler::RunVisitors(std::unique_lock<std::mutex>& lock) {
  const auto visitors = std::exchange(visitors_, {});
  lock.unlock();
  for (const auto& visitor : visitors) visitor();
  lock.lock();
}

size_t Scheduler::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_;
}

bool Scheduler::IsIdle() const {
  std::lock_guard lock(mutex_);
  return waiting_ == 0 && busy_ == 0;
}

// REQUIRES: the lock, and gives it back. Work of low priority may wait for long: its clients are told in time
// all the same, and what waits in vain makes room.
void Scheduler::FailOverdue(std::unique_lock<std::mutex>& lock) {
  const auto now = looked_ = Clock::now();
  const auto overdue = queue_.TakeOverdue(now);
  lock.unlock();
  for (const auto& work : overdue) {
    MayRun(*work, now);
    Forget(*work);
  }
  lock.lock();
}

void Scheduler::RunWorker(int worker) {
  constexpr auto kLookEvery = std::chrono::milliseconds(100);
  this_worker = worker;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return is_stopping_ || !visitors_.empty() || !queue_.empty(); });
    if (is_stopping_) return;
    if (!visitors_.empty()) {
      RunVisitors(lock);
      continue;
    }
    if (Clock::now() > looked_ + kLookEvery) {
      FailOverdue(lock);
      continue;
    }
    ++busy_;
    Waiting::Next next = queue_.Take();
    lock.unlock();
    if (next.raw != nullptr)
      Prepare(std::move(next.raw));
    else
      Run(std::move(next.batch));
    lock.lock();
    --busy_;
  }
}

bool Scheduler::MayRun(Work& work, Clock::time_point now) {
  if (work.HasLeft()) {
    Fail(work, FailureReason::kCanceled, kClosedRequest, Status(Code::kUsage, "the client has left"));
    return false;
  }
  if (now > work.deadline) {
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - work.arrived).count();
    Fail(
        work, FailureReason::kRejected, kUnavailable,
        Status(Code::kInternal, "the request's time is over: it waited for " + std::to_string(waited) + " ms",
               "give it more time, or the server less to do"));
    return false;
  }
  return true;
}

void Scheduler::Fail(Work& work, FailureReason reason, int http_status, const Status& status) {
  work.model().statistics().AddFailure(reason, Clock::now() - work.arrived);
  work.Fail(http_status, status);
  Record(work, kOutcomes[static_cast<size_t>(reason)]);
}

// The request is over.
void Scheduler::Record(Work& work, const char* outcome) {
  if (trace_ == nullptr) return;
  RequestTimes& times = work.times_;
  times.model = work.model().name();
  times.version = work.model().version();
  times.id = std::move(work.id);
  times.trace = std::move(work.trace);
  times.outcome = outcome;
  times.arrived = work.arrived;
  if (times.end == Clock::time_point()) times.end = Clock::now();
  trace_->Add(std::move(times));
}

// It waits no more.
void Scheduler::Forget(const Work& work) {
  work.model().statistics().AddWaiting(-1);
  std::lock_guard lock(mutex_);
  --waiting_;
  waiting_bytes_ -= work.bytes();
}

void Scheduler::Prepare(std::unique_ptr<Work> work) {
  const auto start = Clock::now();
  work->timing_.queue = start - work->queued_;
  if (!MayRun(*work, start)) return Forget(*work);
  const Status status = work->Prepare();
  const auto end = Clock::now();
  work->timing_.compute_input = end - start;
  work->times_.prepare_begin = start;
  work->times_.prepare_end = end;
  work->times_.prepare_worker = this_worker;
  if (!status.ok()) {
    Fail(*work, FailureReason::kOther, 0, status);
    return Forget(*work);
  }
  const ServedModel& model = work->model();
  if (model.max_batch() == 1) {
    Waiting::Batch batch;
    batch.limit = BatchLimit::kFixed;
    work->queued_ = end;
    batch.works.push_back(std::move(work));
    return Run(std::move(batch));
  }
  if (const int64_t rows = RowsOf(work->inputs()); rows > model.max_batch()) {
    Fail(*work, FailureReason::kOther, 400,
         Status(Code::kUsage,
                "the batch is " + std::to_string(rows) + ", model '" + model.name() + "' takes " +
                    std::to_string(model.max_batch()) + " at most",
                "send less at once, or raise max_batch_size in its config.pbtxt"));
    return Forget(*work);
  }
  work->queued_ = end;
  std::lock_guard lock(mutex_);
  queue_.AddPrepared(std::move(work));
}

// Threads that share a network's work beside others that have their own only get into their way.
bool Scheduler::HasCoresToSpare() const {
  std::lock_guard lock(mutex_);
  return busy_ == 1 && waiting_ == 0;
}

void Scheduler::Run(Waiting::Batch batch) {
  const auto start = Clock::now();
  std::vector<const std::vector<Tensor>*> requests;
  std::vector<std::unique_ptr<Work>> works;
  int64_t rows = 0;
  for (auto& work : batch.works) {
    Forget(*work);
    work->timing_.queue += start - work->queued_;
    if (!MayRun(*work, start)) continue;
    rows += RowsOf(work->inputs());
    requests.push_back(&work->inputs());
    works.push_back(std::move(work));
  }
  if (works.empty()) return;
  const ServedModel& model = works[0]->model();
  const std::vector<Tensor> inputs = Join(requests);
  const auto joined = Clock::now();
  ServedModel::Lease lease(model);
  if (HasCoresToSpare())
    lease->UseAllThreads();
  else
    lease->UseOneThread();
  lease->ResetStates();
  const auto outputs = lease->Run(inputs);
  const auto ran = Clock::now();
  const uint64_t run = ++runs_;
  int64_t row = 0;
  for (auto& work : works) {
    const int64_t own = RowsOf(work->inputs());
    const auto part = !outputs.ok()       ? Result<std::vector<Tensor>>(outputs.status())
                      : works.size() == 1 ? std::vector<Tensor>(outputs->begin(), outputs->end())
                                          : Rows(*outputs, row, own, rows);
    row += own;
    RequestTimes& times = work->times_;
    times.run_begin = start;
    times.joined = joined;
    times.ran = ran;
    times.run_worker = this_worker;
    times.run = run;
    times.rows = own;
    times.run_rows = rows;
    if (!part.ok()) {
      Fail(*work, FailureReason::kBackend, 0, part.status());
      continue;
    }
    const auto begin = Clock::now();
    const auto arrived = work->arrived;
    Timing timing = work->timing_;
    timing.compute_input += joined - start;
    timing.compute_infer = ran - joined;
    work->Finish(*part);
    const auto end = Clock::now();
    times.finish_begin = begin;
    times.end = end;
    Record(*work, "ok");
    timing.compute_output = end - begin;
    model.statistics().AddSuccess(own, timing, end - arrived);
  }
  if (outputs.ok()) {
    Timing timing;
    timing.compute_input = joined - start;
    timing.compute_infer = ran - joined;
    timing.compute_output = Clock::now() - ran;
    model.statistics().AddRun(rows, batch.limit, timing);
  }
}

}  // namespace slipway::server
