// What the program finds in slipway_grpc.so; see kGrpcEntry.
#include "server/grpc/grpc_server.h"

extern "C" __attribute__((visibility("default"))) void slipway_grpc_start_2(
    const slipway::server::GrpcOptions& options, slipway::server::Handler& http,
    slipway::server::InferHandler& infer,
    slipway::Result<std::unique_ptr<slipway::server::GrpcTransport>>& started) {
  started = slipway::server::StartGrpcServer(options, http, infer);
}
