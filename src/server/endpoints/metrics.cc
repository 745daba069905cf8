// Prometheus' text exposition (format 0.0.4): a line per model and version, under names of our own and
// Triton's.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "server/endpoints/endpoints.h"

namespace slipway::server {
namespace {

struct Sample {
  std::shared_ptr<const ServedModel> model;
  StatisticsValues values;
  std::string worker;  // as a label (WorkerLabel)
};

// Backslash, quote and line end, as label values want them.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// With its comma before it; empty: there is one process.
std::string WorkerLabel(const Site& site) {
  return site.worker.empty() ? "" : fmt::format(",worker=\"{}\"", Escaped(site.worker));
}

std::string LabelsOf(const Sample& sample, const std::string& more = {}) {
  return fmt::format("{{model=\"{}\",version=\"{}\"{}{}}}", Escaped(sample.model->name()),
                     sample.model->version(), sample.worker, more);
}

void Head(std::string& text, const char* name, const char* type, const char* help) {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

// A metric of one number a model.
template <class Value>
void Each(std::string& text, const std::vector<Sample>& samples, const char* name, const char* type,
          const char* help, const Value& value) {
  Head(text, name, type, help);
  for (const Sample& sample : samples)
    text += fmt::format("{}{} {}\n", name, LabelsOf(sample), value(sample));
}

void Failures(std::string& text, const std::vector<Sample>& samples) {
  constexpr const char* kReasons[kFailureReasons] = {"REJECTED", "CANCELED", "BACKEND", "OTHER"};
  constexpr const char* kName = "nv_inference_request_failure";
  Head(text, kName, "counter", "Requests that got no answer of the model's, by reason");
  for (const Sample& sample : samples) {
    for (size_t i = 0; i < kFailureReasons; ++i) {
      text += fmt::format("{}{} {}\n", kName, LabelsOf(sample, fmt::format(",reason=\"{}\"", kReasons[i])),
                          sample.values.failures[i]);
    }
  }
}

void Latencies(std::string& text, const std::vector<Sample>& samples) {
  constexpr const char* kName = "slipway_request_duration_seconds";
  Head(text, kName, "histogram", "From a request's arrival to its answer");
  for (const Sample& sample : samples) {
    const StatisticsValues& values = sample.values;
    uint64_t sum = 0;
    for (size_t i = 0; i < values.latencies.size(); ++i) {
      sum += values.latencies[i];
      const std::string bound = i < kLatencyBounds.size() ? fmt::format("{}", kLatencyBounds[i]) : "+Inf";
      text += fmt::format("{}_bucket{} {}\n", kName, LabelsOf(sample, ",le=\"" + bound + "\""), sum);
    }
    text +=
        fmt::format("{}_sum{} {}\n", kName, LabelsOf(sample), static_cast<double>(values.success.ns) / 1e9);
    text += fmt::format("{}_count{} {}\n", kName, LabelsOf(sample), values.success.count);
  }
}

void Process(std::string& text, const Site& site) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  const std::string worker = WorkerLabel(site);
  const std::string labels = worker.empty() ? "" : "{" + worker.substr(1) + "}";
  Head(text, "process_cpu_seconds_total", "counter", "Processor time of this process");
  text += fmt::format("process_cpu_seconds_total{} {}\n", labels,
                      seconds(usage.ru_utime) + seconds(usage.ru_stime));
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  Head(text, "process_resident_memory_bytes", "gauge", "Memory of this process");
  text += fmt::format("process_resident_memory_bytes{} {}\n", labels, resident * sysconf(_SC_PAGESIZE));
  Head(text, "slipway_responses_total", "counter", "Answers by HTTP status, those of gRPC among them");
  for (int status = 0; status < StatusCounts::kEnd; ++status) {
    if (const uint64_t count = site.answers.Of(status); count > 0 || status == 200)
      text += fmt::format("slipway_responses_total{{code=\"{}\"{}}} {}\n", status, worker, count);
  }
  Head(text, "slipway_waiting_requests", "gauge", "Requests that wait for a worker");
  text += fmt::format("slipway_waiting_requests{} {}\n", labels, site.scheduler.waiting());
}

}  // namespace

void Metrics(Call call) {
  std::vector<Sample> samples;
  const std::string worker = WorkerLabel(call.site);
  for (const auto& model : call.site.Loaded()) samples.push_back({model, model->statistics().Read(), worker});
  std::string text;
  const auto us = [](const Tally& tally) { return tally.ns / 1000; };
  Each(text, samples, "nv_inference_request_success", "counter", "Requests answered",
       [](const Sample& s) { return s.values.success.count; });
  Failures(text, samples);
  Each(text, samples, "nv_inference_count", "counter", "Rows that went through the network",
       [](const Sample& s) { return s.values.inference_count; });
  Each(text, samples, "nv_inference_exec_count", "counter", "Runs of the network",
       [](const Sample& s) { return s.values.execution_count; });
  Each(text, samples, "nv_inference_pending_request_count", "gauge", "Requests that wait",
       [](const Sample& s) { return s.values.waiting; });
  Each(text, samples, "nv_inference_request_duration_us", "counter", "Time of requests answered, together",
       [&](const Sample& s) { return us(s.values.success); });
  Each(text, samples, "nv_inference_queue_duration_us", "counter", "Time that they waited",
       [&](const Sample& s) { return us(s.values.queue); });
  Each(text, samples, "nv_inference_compute_input_duration_us", "counter", "Time that making inputs took",
       [&](const Sample& s) { return us(s.values.compute_input); });
  Each(text, samples, "nv_inference_compute_infer_duration_us", "counter", "Time that networks took",
       [&](const Sample& s) { return us(s.values.compute_infer); });
  Each(text, samples, "nv_inference_compute_output_duration_us", "counter", "Time that reading answers took",
       [&](const Sample& s) { return us(s.values.compute_output); });
  Each(text, samples, "nv_model_load_duration_secs", "gauge", "Time that loading took",
       [](const Sample& s) { return s.model->load_seconds(); });
  Latencies(text, samples);
  Process(text, call.site);
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = std::move(text);
  call.Answer(std::move(response));
}

}  // namespace slipway::server
