#include "library/failures.h"

#include <string>

#include "slipway/runtime.h"

namespace slipway {
namespace {

thread_local std::string reason;
thread_local const char* shown = "";

}  // namespace

int32_t Report(const Status& status) noexcept {
  if (status.ok()) return 0;
  try {
    reason = status.ToString();
    shown = reason.c_str();
  } catch (const std::bad_alloc&) {
    return ReportNoMemory();
  }
  return static_cast<int32_t>(status.code());
}

int32_t ReportNoMemory() noexcept {
  shown = "not enough memory";
  return static_cast<int32_t>(Code::kInternal);
}

}  // namespace slipway

const char* slipway_runtime_error(void) { return slipway::shown; }
