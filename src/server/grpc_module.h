// Loads the gRPC module (server/grpc), which the program goes without where nobody asks for gRPC.
#pragma once

#include <memory>

#include "server/grpc/transport.h"

namespace slipway::server {

// An error: there is no module beside the program, or it is none of this version, or it cannot be loaded.
Result<GrpcEntry> LoadGrpcModule();

}  // namespace slipway::server
