// The last requests, as a file for Perfetto.
#include "server/schedule/trace.h"

#include "server/endpoints/endpoints.h"

namespace slipway::server {

void DebugTrace(Call call) {
  const Trace* trace = call.site.scheduler.trace();
  if (trace == nullptr)
    return call.Answer(Status(Code::kNotFound, "this server keeps no trace", "start it with --trace"));
  Response response;
  response.headers.Add("Content-Disposition", "attachment; filename=\"slipway_trace.json\"");
  response.body = trace->ToJson();
  call.Answer(std::move(response));
}

}  // namespace slipway::server
