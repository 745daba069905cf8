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

// Lines are whole, whatever threads write them. What cannot be written is lost: no request waits for a disk
// that is full.
class AccessLog {
 public:
  static Result<std::unique_ptr<AccessLog>> Open(const LogOptions& options);
  ~AccessLog();

  // bytes: of the answer's body.
  void Write(const Request& request, int status, size_t bytes);

 private:
  AccessLog(LogForm form, std::FILE* file) : form_(form), file_(file) {}

  const LogForm form_;
  std::FILE* file_;  // null: no log
  std::mutex mutex_;
};

}  // namespace slipway::server
