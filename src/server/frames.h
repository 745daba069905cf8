// Camera frames over a WebSocket: each message is an image, each answer the JSON that a POST would give. Of
// frames that come while one is being looked at, the newest is kept.
#pragma once

#include <memory>
#include <string>

#include "server/endpoints/call.h"

namespace slipway::server {

// Of /v2/models/MODEL/stream; empty: the path is another.
std::string StreamedModel(const Request& request);

// An error: there is no such model, or its task or the query is wrong.
Result<std::unique_ptr<WebSocketListener>> OpenFrames(Site& site, const std::string& model_name,
                                                      const Request& request,
                                                      std::shared_ptr<WebSocketSink> sink);

}  // namespace slipway::server
