// The header traceparent of W3C's Trace Context (level 1): which trace of other services a request belongs
// to.
//
// Left out on purpose: tracestate, which is for those who ask others in turn; and an answer's header, which
// the specification does not have.
#pragma once

#include <optional>
#include <string_view>

#include "server/http/message.h"

namespace slipway::server {

// Of one field's value; its views are of the text.
struct TraceParent {
  std::string_view trace_id;   // 32 hex digits, of the whole trace
  std::string_view parent_id;  // 16, of the span of whoever asks
};

// Nothing where the text is invalid: as the specification has it, the request then belongs to no trace. Later
// versions are read as far as this one goes.
std::optional<TraceParent> ParseTraceParent(std::string_view text);

// The request's place in its trace, as a span of its own below its caller's; empty where there is no valid
// header, or several. span_id: 16 hex digits, not all zero.
TraceContext TraceContextOf(const Headers& headers, std::string span_id);

}  // namespace slipway::server
