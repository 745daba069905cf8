#include "server/endpoints/call.h"

#include <algorithm>
#include <utility>

#include "server/http/content_coding.h"

namespace slipway::server {

Result<std::shared_ptr<const ServedModel>> Site::Find(const std::string& name,
                                                      const std::string& version) const {
  auto found = repository.Find(name, version);
  return found.ok() ? std::move(found) : Told(found.status());
}

std::vector<std::shared_ptr<const ServedModel>> Site::Loaded() const {
  auto models = repository.Loaded();
  std::erase_if(models, [&](const auto& model) { return !gives_out(model->name()); });
  return models;
}

std::vector<IndexEntry> Site::Index() const {
  auto index = repository.Index();
  std::erase_if(index, [&](const IndexEntry& entry) { return !gives_out(entry.name); });
  return index;
}

int Site::SecondsOfWork() {
  return backlog.Seconds([&] {
    std::vector<ModelLoad> loads;
    for (const auto& model : repository.Loaded()) loads.push_back(LoadOf(model->statistics().Read()));
    return SecondsToClear(loads, workers);
  });
}

Status Site::Told(const Status& status) const {
  const bool gives_all =
      std::ranges::all_of(repository.Index(), [&](const IndexEntry& entry) { return gives_out(entry.name); });
  if (status.code() != Code::kNotFound || gives_all) return status;
  return Status(Code::kNotFound, "there is no such model");
}

void Stamp(const Request& request, const RequestLimits& limits, Work& work) {
  work.arrived = request.arrived;
  work.id = request.id;
  work.trace = request.trace;
  work.has_left = request.has_left;
  if (limits.default_timeout.count() > 0)
    work.deadline = std::min(work.deadline, request.arrived + limits.default_timeout);
}

Result<Body> Call::TakeBody() {
  const Body coded = std::exchange(request.body, Body());
  return Decode(request.headers.Get("Content-Encoding"), coded, site.limits.max_decoded_bytes);
}

void Call::Fail(int http_status, const Status& status) const {
  Response response = ErrorResponse(status);
  if (http_status != 0) response.status = http_status;
  Answer(std::move(response));
}

}  // namespace slipway::server
