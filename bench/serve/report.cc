#include "serve/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace slipway::serve {
namespace {

using Json = nlohmann::ordered_json;

struct Named {
  const char* name;
  double percent;
};
constexpr Named kPercentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};

double Milliseconds(double ns) { return ns / 1e6; }

// name -> ms, in the order in which they are shown.
std::vector<std::pair<std::string, double>> Latencies(const Histogram& latency_ns) {
  std::vector<std::pair<std::string, double>> all = {
      {"min", Milliseconds(static_cast<double>(latency_ns.min()))},
      {"mean", Milliseconds(latency_ns.Mean())}};
  for (const auto& [name, percent] : kPercentiles) {
    all.emplace_back(name, Milliseconds(static_cast<double>(latency_ns.Percentile(percent))));
  }
  all.emplace_back("max", Milliseconds(static_cast<double>(latency_ns.max())));
  return all;
}

}  // namespace

std::string ReportText(const LoadOptions& options, const LoadReport& report) {
  std::string text =
      fmt::format("{} http://{}{}, {} connection{}, ", options.method, options.url.authority,
                  options.url.target, options.connections, options.connections == 1 ? "" : "s");
  text += options.rate > 0 ? fmt::format("open loop at {:g} a second\n", options.rate) : "closed loop\n";
  text += fmt::format("  {:.2f} good answers a second in {:.2f} s, {} bytes received, {} connects\n",
                      report.per_second, report.seconds, report.received_bytes, report.connects);
  text += fmt::format("  {} sent, {} answered, {} failed\n", report.sent, report.answered, report.Failures());
  for (const auto& [status, count] : report.statuses) text += fmt::format("  status {}: {}\n", status, count);
  for (const auto& [error, count] : report.errors) text += fmt::format("  error {}: {}\n", error, count);
  if (report.wrong_bodies > 0) text += fmt::format("  bodies unlike the first: {}\n", report.wrong_bodies);
  if (report.unsent > 0) text += fmt::format("  unsent, no connection became free: {}\n", report.unsent);
  if (report.longest_queue > 0)
    text += fmt::format("  longest queue for a connection: {}\n", report.longest_queue);
  text += "  latency ms:";
  for (const auto& [name, ms] : Latencies(report.latency_ns)) text += fmt::format(" {} {:.3f}", name, ms);
  return text + "\n";
}

std::string ReportJson(const LoadOptions& options, const LoadReport& report) {
  Json statuses = Json::object(), errors = Json::object(), latency = Json::object();
  for (const auto& [status, count] : report.statuses) statuses[std::to_string(status)] = count;
  for (const auto& [error, count] : report.errors) errors[error] = count;
  for (const auto& [name, ms] : Latencies(report.latency_ns)) latency[name] = ms;
  const Json json = {{"method", options.method},
                     {"url", "http://" + options.url.authority + options.url.target},
                     {"connections", options.connections},
                     {"rate", options.rate},
                     {"seconds", report.seconds},
                     {"per_second", report.per_second},
                     {"sent", report.sent},
                     {"answered", report.answered},
                     {"unsent", report.unsent},
                     {"failures", report.Failures()},
                     {"wrong_bodies", report.wrong_bodies},
                     {"statuses", statuses},
                     {"errors", errors},
                     {"received_bytes", report.received_bytes},
                     {"connects", report.connects},
                     {"longest_queue", report.longest_queue},
                     {"latency_ms", latency}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace slipway::serve
