// Who calls, and what he is told: gRPC's context and statuses against HTTP's.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "server/http/message.h"
#include "slipway/status.h"

namespace slipway::server {

// Address, time, and the metadata that HTTP knows as headers (keys, ids of requests and traces).
Request CallerOf(const grpc::CallbackServerContext& context);
// INVALID_ARGUMENT for 400, NOT_FOUND for 404, UNAVAILABLE for 503 ...
grpc::Status GrpcStatusOf(int http_status, const std::string& text);
grpc::Status GrpcStatusOf(const Status& status);

}  // namespace slipway::server
