// Inference requests and answers between protobuf's messages and the server's InferCall.
#pragma once

#include <memory>

#include "server/grpc/inference.pb.h"
#include "server/protocol/infer_call.h"

namespace slipway::server {

// All but caller, deadline and size_bytes. Elements lie where the request has them, raw or not, and the call
// keeps it; those of INT8, INT16, UINT8, UINT16 and BYTES that are not raw are written out first. An error:
// raw elements of some inputs only, or elements in the wrong field.
Result<InferCall> CallOf(std::shared_ptr<const inference::ModelInferRequest> request);
// REQUIRES: the answer is no error.
void FillResponse(InferAnswer answer, inference::ModelInferResponse& response);

}  // namespace slipway::server
