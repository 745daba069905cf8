#include "server/endpoints/call.h"

#include <algorithm>

#include "server/http/content_coding.h"

namespace slipway::server {

void Stamp(const Request& request, const RequestLimits& limits, Work& work) {
  work.arrived = request.arrived;
  work.id = request.id;
  work.has_left = request.has_left;
  if (limits.default_timeout.count() > 0)
    work.deadline = std::min(work.deadline, request.arrived + limits.default_timeout);
}

Result<Body> Call::DecodedBody() const {
  return Decode(request.headers.Get("Content-Encoding"), request.body, site.limits.max_decoded_bytes);
}

void Call::Fail(int http_status, const Status& status) const {
  Response response = ErrorResponse(status);
  if (http_status != 0) response.status = http_status;
  if (http_status == 503) response.headers.Add("Retry-After", "1");
  Answer(std::move(response));
}

}  // namespace slipway::server
