// Inference requests that are messages (gRPC's), into the same scheduler as those of HTTP.
#pragma once

#include "server/endpoints/call.h"
#include "server/protocol/infer_call.h"

namespace slipway::server {

void AnswerInferCall(Site& site, InferCall call, InferDone done);

}  // namespace slipway::server
