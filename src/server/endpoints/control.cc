// Triton's model repository extension: what there is, load, unload.
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

using Json = nlohmann::json;

// The body as JSON; an empty object where there is none.
Result<Json> ParseBody(Call& call) {
  SLIPWAY_ASSIGN_OR_RETURN(const Body body, call.TakeBody());
  if (body.size() == 0) return Json::object();
  Json json = Json::parse(body.text(), nullptr, false);
  if (json.is_object()) return json;
  return Status(Code::kUsage, json.is_discarded() ? "the body is no JSON" : "the body is no JSON object");
}

bool Refuses(const Call& call) {
  if (call.site.allows_control) return false;
  call.Answer(Status(
      Code::kUnsupported, "this server loads and unloads nothing by request",
      "start it with --model-control explicit, and without --workers, of whom only one would hear it"));
  return true;
}

// For whoever lists many models, and would ask for each of them.
void WriteWhatItIs(JsonWriter& json, const Site& site, const IndexEntry& entry) {
  if (entry.state != ModelState::kReady) return;
  const auto model = site.repository.Find(entry.name, entry.version);
  if (!model.ok()) return;  // it has gone meanwhile
  json.Member("task", NameOf((*model)->manifest().task));
  json.Member("platform", (*model)->platform());
}

}  // namespace

void RepositoryIndex(Call call) {
  const auto body = ParseBody(call);
  if (!body.ok()) return call.Answer(body.status());
  const auto ready = body->find("ready");
  if (ready != body->end() && !ready->is_boolean())
    return call.Answer(Status(Code::kUsage, "ready: must be true or false, is " + ready->dump()));
  const bool wants_ready = ready != body->end() && ready->get<bool>();
  std::string text;
  JsonWriter json(text);
  json.BeginArray();
  for (const IndexEntry& entry : call.site.Index()) {
    if (wants_ready && entry.state != ModelState::kReady) continue;
    json.BeginObject();
    json.Member("name", entry.name);
    if (!entry.version.empty()) {
      json.Member("version", entry.version);
    }
    json.Member("state", StateName(entry.state));
    json.Member("reason", entry.reason);
    WriteWhatItIs(json, call.site, entry);
    json.EndObject();
  }
  json.EndArray();
  call.AnswerJson(std::move(text));
}

// {"parameters": {"config": "<JSON>"}}; files in a request are not taken.
void LoadModelNow(Call call) {
  if (Refuses(call)) return;
  const auto body = ParseBody(call);
  if (!body.ok()) return call.Answer(body.status());
  std::optional<ModelConfig> config;
  const Json parameters = body->value("parameters", Json::object());
  if (!parameters.is_object()) return call.Answer(Status(Code::kUsage, "parameters: must be an object"));
  for (const auto& [key, value] : parameters.items()) {
    if (key != "config" || !value.is_string()) {
      return call.Answer(Status(Code::kUnsupported, "parameter " + Quoted(key) + " of a load is not taken",
                                "only 'config', a string of JSON, is"));
    }
    auto parsed = ParseModelConfigJson(value.get<std::string>(), "config");
    if (!parsed.ok()) return call.Answer(parsed.status());
    config = std::move(*parsed);
  }
  const Status status = call.site.repository.Load(call.model, config);
  if (!status.ok()) return call.Answer(call.site.Told(status));
  call.AnswerJson("{}");
}

void UnloadModelNow(Call call) {
  if (Refuses(call)) return;
  const Status status = call.site.repository.Unload(call.model);
  if (!status.ok()) return call.Answer(status);
  call.AnswerJson("{}");
}

}  // namespace slipway::server
