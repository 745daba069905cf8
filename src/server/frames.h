// Camera frames over a WebSocket: each message is an image, each answer the JSON that a POST would give. Of
// frames that come while one is being looked at, the newest is kept.
//
// A stream holds no model: each frame asks for the one that serves when its turn comes. Where there is none
// any more, the answer is an error, and the stream ends.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/endpoints/call.h"

namespace slipway::server {

struct StreamPath {
  std::string model;
  std::string version;  // empty: the newest
};
// Of /v2/models/MODEL[/versions/N]/stream; nullopt: the path is another.
std::optional<StreamPath> StreamPathOf(const Request& request);

// An error: there is no such model, or its task or the query is wrong.
Result<std::unique_ptr<WebSocketListener>> OpenFrames(Site& site, const StreamPath& path,
                                                      const Request& request,
                                                      std::shared_ptr<WebSocketSink> sink);

}  // namespace slipway::server
