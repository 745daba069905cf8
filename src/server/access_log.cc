#include "server/access_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <memory>

#include "base/system_error.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

Result<std::FILE*> OpenFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return SystemError(path, "open");
  return file;
}

// Control characters and quotes would let a client forge lines.
std::string Plain(const std::string& text) {
  std::string plain;
  for (char c : text) plain += c > ' ' && c < 0x7F && c != '"' ? c : '?';
  return plain.empty() ? "-" : plain;
}

}  // namespace

std::string LogTime() {
  const auto now = std::chrono::system_clock::now();
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     ms);
}

Result<std::unique_ptr<AccessLog>> AccessLog::Open(const LogOptions& options) {
  std::FILE* file = options.form == LogForm::kNone ? nullptr : stdout;
  if (file != nullptr && !options.path.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(file, OpenFile(options.path));
  }
  return std::unique_ptr<AccessLog>(new AccessLog(options, file));
}

Status AccessLog::Reopen() {
  if (options_.form == LogForm::kNone || options_.path.empty()) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(std::FILE * file, OpenFile(options_.path));
  {
    std::lock_guard lock(mutex_);
    std::swap(file, file_);
  }
  std::fclose(file);
  return Status::Ok();
}

AccessLog::~AccessLog() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
}

void AccessLog::Write(const Request& request, int status, size_t bytes) {
  if (options_.form == LogForm::kNone) return;
  const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - request.arrived;
  const std::string target = request.query.empty() ? request.path : request.path + "?" + request.query;
  std::string line;
  if (options_.form == LogForm::kText) {
    line = fmt::format("{} {} \"{} {}\" {} {} {:.2f}ms {}\n", LogTime(), request.peer, Plain(request.method),
                       Plain(target), status, bytes, ms.count(), Plain(request.id));
  } else {
    JsonWriter json(line);
    json.BeginObject();
    json.Member("time", LogTime());
    json.Member("peer", request.peer);
    json.Member("method", request.method);
    json.Member("target", target);
    json.Member("status", status);
    json.Member("bytes", bytes);
    json.Member("ms", ms.count());
    json.Member("request_id", request.id);
    if (!request.trace.trace_id.empty()) {
      json.Member("trace_id", request.trace.trace_id);
      json.Member("span_id", request.trace.span_id);
      json.Member("parent_id", request.trace.parent_id);
    }
    json.EndObject();
    line += '\n';
  }
  std::lock_guard lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fflush(file_);
}

}  // namespace slipway::server
