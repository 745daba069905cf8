#include "report/trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/profile.h"

namespace slipway {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kProcess = 1;
constexpr int kStepsTrack = 0;  // threads follow

double Microseconds(Tracer::Time from, Tracer::Time to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

Json Named(const char* what, int track, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", kProcess}, {"tid", track}, {"args", {{"name", name}}}};
}

std::string TitleOf(const StepProfile& step) {
  return step.node.empty() ? step.op : step.op + " " + step.node;
}

Json Bar(const Profile& profile, const Tracer::Span& span, int track, Tracer::Time zero) {
  const StepProfile& step = profile.steps[span.step];
  return {{"name", TitleOf(step)},
          {"cat", step.op},
          {"ph", "X"},
          {"ts", Microseconds(zero, span.begin)},
          {"dur", Microseconds(span.begin, span.end)},
          {"pid", kProcess},
          {"tid", track},
          {"args", {{"step", span.step}, {"tactic", step.tactic}, {"result", step.shape}}}};
}

Json StepBar(const Profile& profile, const Tracer::Span& span, Tracer::Time zero) {
  Json bar = Bar(profile, span, kStepsTrack, zero);
  const StepProfile& step = profile.steps[span.step];
  Json& args = bar["args"];
  args["median_us"] = step.us;
  if (step.gflops()) args["gflops"] = *step.gflops();
  if (step.gbytes()) args["gbytes"] = *step.gbytes();
  if (step.roof) args["roof"] = step.roof->name;
  if (step.roof) args["percent_of_roof"] = 100 * step.roof->fraction;
  args["sources"] = step.sources;
  return bar;
}

}  // namespace

void Tracer::OnStep(size_t step, double us) {
  const Time end = std::chrono::steady_clock::now();
  const auto length =
      std::chrono::duration_cast<Time::duration>(std::chrono::duration<double, std::micro>(us));
  // Clocks are read one after the other: steps must not seem to overlap.
  const Time begin = steps_.empty() ? end - length : std::max(end - length, steps_.back().end);
  steps_.push_back({step, begin, end});
}

std::vector<std::vector<Tracer::Span>> Tracer::parts() const {
  std::vector<std::vector<Span>> parts = parts_;
  for (std::vector<Span>& thread : parts) {
    std::erase_if(thread, [&](Span& part) {
      const auto step = std::lower_bound(steps_.begin(), steps_.end(), part.end,
                                         [](const Span& each, Time time) { return each.end < time; });
      if (step == steps_.end()) return true;
      part.step = step->step;
      return false;
    });
  }
  return parts;
}

std::string ToTraceJson(const Profile& profile, const Tracer& tracer) {
  Json events = Json::array();
  events.push_back(Named("process_name", kStepsTrack, "slipway " + profile.model));
  events.push_back(Named("thread_name", kStepsTrack, "steps"));
  const auto parts = tracer.parts();
  for (size_t i = 0; i < parts.size(); ++i)
    events.push_back(Named("thread_name", static_cast<int>(i) + 1, "thread " + std::to_string(i)));
  const Tracer::Time zero = tracer.steps().empty() ? Tracer::Time() : tracer.steps().front().begin;
  for (const Tracer::Span& span : tracer.steps()) events.push_back(StepBar(profile, span, zero));
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const Tracer::Span& span : parts[i])
      events.push_back(Bar(profile, span, static_cast<int>(i) + 1, zero));
  }
  const Json trace = {{"traceEvents", std::move(events)},
                      {"displayTimeUnit", "ns"},
                      {"otherData", {{"model", profile.model}, {"cpu", profile.machine.cpu}}}};
  return trace.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace slipway
