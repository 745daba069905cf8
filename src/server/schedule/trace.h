// The last requests as a trace in the Trace Event Format, which Perfetto (ui.perfetto.dev) and
// chrome://tracing read: when each came, waited, ran, and on which worker.
//
// Tracks: one a worker, with what it did (a network that several requests share is one bar); one a request,
// with receive, queue, compute_input, compute_infer and compute_output within it. Left out: sending the
// answer, which the transport does, and the steps of a network, which `slipway profile` shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "server/http/message.h"

namespace slipway::server {

// The way of one request. Times that it did not get to are zero.
struct RequestTimes {
  using Time = std::chrono::steady_clock::time_point;

  std::string model;
  int64_t version = 0;
  std::string id;
  TraceContext trace;
  const char* outcome = "";  // "ok", or why there is no answer
  int64_t rows = 0;
  Time arrived, queued;  // headers read; body read
  Time prepare_begin, prepare_end;
  Time run_begin, joined, ran;  // shared by the requests of a batch
  Time finish_begin, end;
  int prepare_worker = -1, run_worker = -1;
  uint64_t run = 0;  // counts runs: requests of one batch have the same
  int64_t run_rows = 0;
};

// Keeps the newest requests, at most `capacity`. Every method may be called from any thread.
class Trace {
 public:
  // REQUIRES: capacity > 0.
  explicit Trace(size_t capacity) : capacity_(capacity) {}

  void Add(RequestTimes request);
  // One JSON object. Times count from the making of this.
  std::string ToJson() const;

 private:
  const size_t capacity_;
  const RequestTimes::Time start_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::vector<RequestTimes> requests_;  // a ring once it is full
  size_t next_ = 0;                     // of the ring: the oldest, which is replaced
  uint64_t count_ = 0;                  // of all requests so far
};

}  // namespace slipway::server
