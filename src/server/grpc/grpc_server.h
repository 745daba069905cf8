// gRPC's server: listens, limits, tells its health, drains.
#pragma once

#include <memory>

#include "server/grpc/transport.h"

namespace slipway::server {

// The handlers outlive the transport.
Result<std::unique_ptr<GrpcTransport>> StartGrpcServer(const GrpcOptions& options, Handler& http,
                                                       InferHandler& infer);

}  // namespace slipway::server
