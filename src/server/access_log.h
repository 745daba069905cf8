// A line a request, as text or JSON.
#pragma once

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/message.h"
#include "slipway/status.h"

namespace slipway::server {

enum class LogForm { kNone, kText, kJson };

struct LogOptions {
  LogForm form = LogForm::kNone;
  std::string path;  // empty: standard output
};

// "2026-01-31T12:00:00.123Z": now, as lines of logs begin.
std::string LogTime();

// Lines are whole, whatever threads write them. What cannot be written is lost: no request waits for a disk
// that is full.
// Is reopened where another program has moved its file away.
class AccessLog {
 public:
  static Result<std::unique_ptr<AccessLog>> Open(const LogOptions& options);
  ~AccessLog();

  // The file of that name anew, made where it is gone; an error: it goes on in the one that it has.
  Status Reopen();
  // bytes: of the answer's body.
  void Write(const Request& request, int status, size_t bytes);

 private:
  AccessLog(const LogOptions& options, std::FILE* file) : options_(options), file_(file) {}

  const LogOptions options_;
  std::FILE* file_;  // null: no log
  std::mutex mutex_;
};

}  // namespace slipway::server
