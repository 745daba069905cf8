// What every endpoint gets: the request, taken apart, and what the server has.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/endpoints/backlog.h"
#include "server/endpoints/status_counts.h"
#include "server/http/transport.h"
#include "server/http/url.h"
#include "server/models/repository.h"
#include "server/protocol/error.h"
#include "server/schedule/scheduler.h"

namespace slipway::server {

// How much clients may ask for.
struct RequestLimits {
  size_t max_body_bytes = size_t{64} << 20;      // as it comes
  size_t max_decoded_bytes = size_t{256} << 20;  // its Content-Encoding undone
  int64_t max_image_pixels = 50'000'000;
  std::chrono::milliseconds default_timeout{0};  // of a request without one; 0: none
};

struct Site {
  Repository& repository;
  Scheduler& scheduler;
  RequestLimits limits;
  std::string version;  // of Slipway
  std::atomic<bool> is_draining{false};
  int processes = 0;  // of this server at its start; 0: it is one
  // Whether models may be loaded and unloaded by request.
  bool allows_control = true;
  std::string worker;  // its number among the processes of this server; empty: there is one
  StatusCounts answers;
  int workers = 1;  // that compute
  Backlog backlog;
  // Whether a model may be asked for; of others nothing is told.
  std::function<bool(const std::string& name)> gives_out = [](const std::string&) { return true; };

  // As of the repository, of models that are given out.
  Result<std::shared_ptr<const ServedModel>> Find(const std::string& name, const std::string& version) const;
  std::vector<std::shared_ptr<const ServedModel>> Loaded() const;
  std::vector<IndexEntry> Index() const;
  // That what waits will take, as far as the past tells.
  int SecondsOfWork();
  // Errors of the repository tell which models there are: what is left where some are not given out.
  Status Told(const Status& status) const;
};

// Work for a request: when it came, its id, whether anybody still waits for it, and until when it may wait,
// unless the work's own deadline is earlier.
void Stamp(const Request& request, const RequestLimits& limits, Work& work);

struct Call {
  Site& site;
  Request request;
  Query query;
  std::string model;    // of paths that name one
  std::string version;  // likewise; empty: the newest
  Reply reply;

  void Answer(Response response) const { reply(std::move(response)); }
  void Answer(const Status& status) const { reply(ErrorResponse(status)); }
  // As the scheduler fails work (Work::Fail).
  void Fail(int http_status, const Status& status) const;
  void AnswerJson(std::string json) const {
    Response response;
    response.body = std::move(json);
    reply(std::move(response));
  }
  // The model that the path names; answers where there is none.
  std::shared_ptr<const ServedModel> FindModel() const {
    auto found = site.Find(model, version);
    if (found.ok()) return *found;
    Answer(found.status());
    return nullptr;
  }
  void Stamp(Work& work) const { server::Stamp(request, site.limits, work); }
  // The body without its Content-Encoding; the request has it no more.
  Result<Body> TakeBody();
};

using Endpoint = void (*)(Call call);

}  // namespace slipway::server
