#include "server/schedule/trace.h"

#include <algorithm>
#include <set>

#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

using Time = RequestTimes::Time;

constexpr int kProcess = 1;
constexpr std::string_view kRequests = "request";  // what their tracks belong to

bool IsSet(Time time) { return time != Time(); }

// Writes events; every one is an object of the same keys, and of those that its kind needs.
class Events {
 public:
  Events(JsonWriter& json, Time start) : json_(json), start_(start) {}

  void Name(std::string_view what, int track, const std::string& name) {
    Begin(what, "M");
    Track(track);
    json_.Key("args");
    json_.BeginObject();
    json_.Member("name", name);
    json_.EndObject();
    json_.EndObject();
  }

  // What a worker did. `from` and `to` do not overlap its other bars.
  void Bar(std::string_view name, int worker, Time from, Time to, const RequestTimes& request) {
    Begin(name, "X");
    Track(worker + 1);
    At(from);
    json_.Member("dur", Microseconds(to - from));
    json_.Key("args");
    json_.BeginObject();
    json_.Member("model", request.model);
    if (name == "compute_infer") {
      json_.Member("rows", request.run_rows);
    } else {
      json_.Member("id", request.id);
    }
    json_.EndObject();
    json_.EndObject();
  }

  void OpenRequest(uint64_t track, const RequestTimes& request) {
    BeginAsync(request.model, "b", track, request.arrived);
    json_.Key("args");
    json_.BeginObject();
    json_.Member("id", request.id);
    if (!request.trace.trace_id.empty()) {
      json_.Member("trace_id", request.trace.trace_id);
      json_.Member("span_id", request.trace.span_id);
      json_.Member("parent_id", request.trace.parent_id);
    }
    json_.Member("version", request.version);
    json_.Member("outcome", request.outcome);
    json_.Member("rows", request.rows);
    json_.Member("run_rows", request.run_rows);
    json_.EndObject();
    json_.EndObject();
  }

  void CloseRequest(uint64_t track, const RequestTimes& request) {
    BeginAsync(request.model, "e", track, request.end);
    json_.EndObject();
  }

  // A part of a request's time; nothing where it did not get there.
  void Part(std::string_view name, uint64_t track, Time from, Time to) {
    if (!IsSet(from) || !IsSet(to) || to <= from) return;
    BeginAsync(name, "b", track, from);
    json_.EndObject();
    BeginAsync(name, "e", track, to);
    json_.EndObject();
  }

 private:
  static double Microseconds(Time::duration time) {
    return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count()) / 1000;
  }

  void Begin(std::string_view name, std::string_view kind) {
    json_.BeginObject();
    json_.Member("name", name);
    json_.Member("ph", kind);
    json_.Member("pid", kProcess);
  }

  void Track(int track) { json_.Member("tid", track); }

  void At(Time time) { json_.Member("ts", Microseconds(time - start_)); }

  void BeginAsync(std::string_view name, std::string_view kind, uint64_t track, Time time) {
    Begin(name, kind);
    json_.Member("cat", kRequests);
    json_.Member("id", track);
    At(time);
  }

  JsonWriter& json_;
  const Time start_;
};

void WriteRequest(Events& events, uint64_t track, const RequestTimes& request) {
  events.OpenRequest(track, request);
  // One that was refused before it was queued has nothing behind its receiving.
  events.Part("receive", track, request.arrived, IsSet(request.queued) ? request.queued : request.end);
  const bool is_prepared = IsSet(request.prepare_begin);
  events.Part("queue", track, request.queued, is_prepared ? request.prepare_begin : request.end);
  events.Part("compute_input", track, request.prepare_begin, request.prepare_end);
  events.Part("queue", track, request.prepare_end, request.run_begin);
  events.Part("compute_input", track, request.run_begin, request.joined);
  events.Part("compute_infer", track, request.joined, request.ran);
  events.Part("compute_output", track, request.finish_begin, request.end);
  events.CloseRequest(track, request);
}

// runs: those whose bars are written already.
void WriteBars(Events& events, const RequestTimes& request, std::set<uint64_t>& runs) {
  if (IsSet(request.prepare_end))
    events.Bar("compute_input", request.prepare_worker, request.prepare_begin, request.prepare_end, request);
  if (!IsSet(request.ran)) return;
  if (runs.insert(request.run).second)
    events.Bar("compute_infer", request.run_worker, request.joined, request.ran, request);
  if (IsSet(request.finish_begin))
    events.Bar("compute_output", request.run_worker, request.finish_begin, request.end, request);
}

}  // namespace

void Trace::Add(RequestTimes request) {
  std::lock_guard lock(mutex_);
  ++count_;
  if (requests_.size() < capacity_) return requests_.push_back(std::move(request));
  requests_[next_] = std::move(request);
  next_ = (next_ + 1) % capacity_;
}

std::string Trace::ToJson() const {
  std::vector<RequestTimes> requests;
  uint64_t count = 0;
  {
    std::lock_guard lock(mutex_);
    requests = requests_;
    std::ranges::rotate(requests, requests.begin() + static_cast<std::ptrdiff_t>(next_));
    count = count_;
  }
  std::string text;
  JsonWriter json(text);
  Events events(json, start_);
  json.BeginObject();
  json.Member("displayTimeUnit", "ms");
  json.Key("traceEvents");
  json.BeginArray();
  events.Name("process_name", 0, "slipway serve");
  int workers = 0;
  for (const RequestTimes& request : requests)
    workers = std::max({workers, request.prepare_worker + 1, request.run_worker + 1});
  for (int i = 0; i < workers; ++i) events.Name("thread_name", i + 1, "worker " + std::to_string(i));
  std::set<uint64_t> runs;
  uint64_t track = count - requests.size();  // so that a request keeps its number from trace to trace
  for (const RequestTimes& request : requests) {
    WriteRequest(events, ++track, request);
    WriteBars(events, request, runs);
  }
  json.EndArray();
  json.EndObject();
  return text;
}

}  // namespace slipway::server
