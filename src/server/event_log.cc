#include "server/event_log.h"

#include <fmt/format.h>

#include "server/protocol/error.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

// A reason may quote what a client sent, which must not forge lines.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  }
  return text;
}

const char* NameOf(ModelEvent::Kind kind) {
  switch (kind) {
    case ModelEvent::Kind::kLoaded: return "loaded";
    case ModelEvent::Kind::kReplaced: return "replaced";
    case ModelEvent::Kind::kUnloaded: return "unloaded";
    case ModelEvent::Kind::kFailed: return "failed";
  }
  return "";
}

std::string TextOf(const ModelEvent& event) {
  std::string text = "model '" + event.model + "'";
  if (event.version > 0) text += " version " + std::to_string(event.version);
  text += std::string(" ") + NameOf(event.kind);
  if (event.seconds > 0) text += fmt::format(" in {:.2f} s", event.seconds);
  if (!event.reason.empty()) text += ": " + event.reason;
  if (event.still_serves) text += " (the one before goes on serving)";
  return text;
}

}  // namespace

template <class AddMembers>
void EventLog::Put(const std::string& text, const AddMembers& add_members) const {
  if (!write_) return;
  if (form_ != LogForm::kJson) {
    const std::string worker = worker_.empty() ? "" : " worker " + worker_ + ":";
    return write_(LogTime() + worker + " " + OneLine(text));
  }
  std::string line;
  JsonWriter json(line);
  json.BeginObject();
  json.Member("time", LogTime());
  if (!worker_.empty()) json.Member("worker", worker_);
  add_members(json);
  json.EndObject();
  write_(line);
}

void EventLog::Write(const ModelEvent& event) const {
  Put(TextOf(event), [&](JsonWriter& json) {
    json.Member("event", NameOf(event.kind));
    json.Member("model", event.model);
    if (event.version > 0) json.Member("version", std::to_string(event.version));
    if (event.seconds > 0) json.Member("seconds", event.seconds);
    if (!event.reason.empty()) json.Member("reason", event.reason);
    if (event.kind == ModelEvent::Kind::kFailed) json.Member("still_serves", event.still_serves);
  });
}

void EventLog::WriteFailure(const std::string& what, const Status& status) const {
  Put(what + " failed: " + ErrorText(status), [&](JsonWriter& json) {
    json.Member("event", "failed");
    json.Member("what", what);
    json.Member("reason", ErrorText(status));
  });
}

}  // namespace slipway::server
