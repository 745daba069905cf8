// Asks a server again and again, and counts what comes back.
//
// Closed loop: every connection asks anew as soon as it has its answer. Open loop (`rate`): requests are due
// at the times of a Poisson process, whatever the server does, and latency counts from when a request was
// due, not from when a connection was free to send it: a server that stalls is not asked less (no
// "coordinated omission").
//
// Everything that is counted is of requests due between the end of the warm-up and the end of the run; each
// of them is exactly one of: answered, an error, unsent.
//
// Left out on purpose: several threads (one keeps up with servers that run networks), several different
// requests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "serve/histogram.h"
#include "serve/url.h"
#include "slipway/status.h"

namespace slipway::serve {

enum class BodyCheck { kNone, kSameAsFirst };

struct LoadOptions {
  Url url;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int connections = 1;
  double rate = 0;  // requests a second, of an open loop; 0: closed loop
  double warmup_seconds = 0;
  double seconds = 10;
  uint64_t requests = 0;        // ends earlier, after so many; 0: no limit
  double timeout_seconds = 60;  // of one request, and for requests that are still due at the end
  BodyCheck body_check = BodyCheck::kNone;
  uint64_t seed = 1;  // of the arrivals
};

struct LoadReport {
  uint64_t sent = 0;      // answered + errors
  uint64_t answered = 0;  // whatever the status
  uint64_t unsent = 0;    // due, but no connection became free in time
  uint64_t wrong_bodies = 0;
  std::map<int, uint64_t> statuses;
  std::map<std::string, uint64_t> errors;
  Histogram latency_ns;  // of all that were answered

  double seconds = 0;     // measured
  double per_second = 0;  // good answers that arrived within them
  uint64_t received_bytes = 0;
  uint64_t connects = 0;     // warm-up included
  size_t longest_queue = 0;  // requests that were due and waited for a connection

  // Requests without a good answer: no 2xx, another body, an error, unsent.
  uint64_t Failures() const;
};

// Errors: options out of range, a host that is not known, a server that never takes a connection. Requests
// that fail are counted instead.
Result<LoadReport> RunLoad(const LoadOptions& options);

// The request as it is sent. Errors: a method or header that would break the message.
Result<std::string> RequestText(const LoadOptions& options);

}  // namespace slipway::serve
