#include "cli/serve_flags.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/file.h"
#include "build/choose.h"
#include "cli/number_check.h"
#include "cli/option_sources.h"
#include "manifest/manifest.h"
#include "server/http/listener.h"
#include "server/supervisor/supervisor.h"

namespace slipway::cli {
namespace {

const std::string kVariables = "SLIPWAY_SERVE_";  // of the environment; the names of flags follow
// Far beyond use, and far from where arithmetic on them would overflow.
constexpr double kMostSeconds = 1e7;
// No client could be served within less.
constexpr double kLeastSeconds = 0.1, kLeastMegapixels = 0.001;
constexpr int kMostPort = 65535;
constexpr int kMostMegabytes = 1 << 20;
constexpr uint64_t kMostRequests = 1'000'000'000'000;
constexpr size_t kTracedRequests = 1000;

// A manifest that is wrong for every model is an error of the command line, not of one model.
Status CheckManifest(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  const auto manifest = ParseManifest(json);
  return manifest.ok() ? Status::Ok() : manifest.status().WithContext("'" + path + "'");
}

bool IsLoopback(const std::string& address) {
  return address.starts_with("127.") || address == "localhost" || address == "::1" || address == "[::1]";
}

// An empty one would open the server to everybody: a variable that is not set, perhaps.
Status CheckKeys(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (key.empty()) return Status(Code::kUsage, "--api-key is empty", "leave it out where no key is wanted");
    const auto is_strange = [](unsigned char c) { return c <= ' ' || c >= 0x7F; };
    if (std::ranges::any_of(key, is_strange))
      return Status(Code::kUsage,
                    "--api-key has a character that no header carries, such as a space or a line's end",
                    "keys are printable ASCII without spaces");
  }
  return Status::Ok();
}

Status CheckHosts(const std::vector<std::string>& hosts) {
  const auto is_of_name = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; };
  for (const std::string& host : hosts) {
    if (host != "*" && (host.empty() || !std::ranges::all_of(host, is_of_name)))
      return Status(Code::kUsage, "--host '" + host + "' is no name of a host",
                    "give the name alone, without scheme and port: models.example; or *");
  }
  return Status::Ok();
}

// What would fail each model for the same reason is an error of the command line as well.
Status CheckEngine(const EngineOptions& engine) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto backends, BackendsNamed(engine.backend, engine.is_backend_required));
  std::string reason;
  for (const Backend* backend : backends) {
    const auto why_no = backend->WhyNo(engine.precision);
    if (!why_no) return Status::Ok();
    reason += (reason.empty() ? "" : "; ") + backend->name + ": " + *why_no;
  }
  return Status(Code::kUnsupported, "--precision cannot be had here: " + reason,
                "leave it out, or run the server on a machine that has it");
}

// Ports that are given, and not the same twice.
Status CheckPorts(const ServeFlags& flags) {
  const int metrics = flags.metrics_port.value_or(0), grpc = flags.grpc_port.value_or(0);
  const int last = metrics + std::max(flags.workers, 1) - 1;  // each worker has one for metrics
  const auto same = [](const std::string& one, const std::string& other, int port) {
    return Status(Code::kUsage, one + " and " + other + " are both to have port " + std::to_string(port),
                  "give each its own");
  };
  if (grpc > 0 && grpc == flags.port) return same("--grpc-port", "--port", grpc);
  if (metrics == 0) return Status::Ok();
  if (last > kMostPort) {
    return Status(Code::kUsage, "--metrics-port " + std::to_string(metrics) + " and one more for each of " +
                                    std::to_string(flags.workers) + " workers: there is no port " +
                                    std::to_string(last));
  }
  if (metrics <= flags.port && flags.port <= last) return same("--metrics-port", "--port", flags.port);
  if (metrics <= grpc && grpc <= last) return same("--metrics-port", "--grpc-port", grpc);
  return Status::Ok();
}

// As browsers send it: "https://example.org:8443", or "null".
Status CheckOrigin(const std::string& origin) {
  const size_t end = origin.find("://");
  const bool has_host = end != std::string::npos && end > 0 && end + 3 < origin.size();
  const std::string_view host = has_host ? std::string_view(origin).substr(end + 3) : std::string_view();
  const bool is_origin = has_host && host.find_first_of("/?# ,*\t@") == std::string_view::npos;
  if (origin.empty() || origin == "*" || origin == "null" || is_origin) return Status::Ok();
  return Status(Code::kUsage, "--cors '" + origin + "' is no origin",
                "a scheme, a host and perhaps a port: https://example.org:8443; or * for any");
}

}  // namespace

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(std::ceil(seconds * 1000)));
}

Result<server::ServerOptions> ToOptions(const ServeFlags& flags) {
  server::ServerOptions options;
  options.repository.paths = flags.models;
  options.repository.names = flags.load;
  options.repository.manifest_path = flags.manifest;
  if (!flags.manifest.empty()) SLIPWAY_RETURN_IF_ERROR(CheckManifest(flags.manifest));
  EngineOptions& engine = options.repository.engine;
  engine.backend = flags.backend;
  engine.num_threads = flags.threads;
  SLIPWAY_ASSIGN_OR_RETURN(engine.precision, PrecisionNamed(flags.precision));
  SLIPWAY_RETURN_IF_ERROR(CheckEngine(engine));
  SLIPWAY_RETURN_IF_ERROR(CheckPorts(flags));
  SLIPWAY_RETURN_IF_ERROR(CheckOrigin(flags.cors));
  if (flags.accuracy == "strict") engine.accuracy = Accuracy::kStrict;
  options.http.address = flags.address;
  options.http.port = flags.port;
  options.http.threads = flags.io_threads;
  options.http.limits.max_connections = flags.max_connections;
  options.http.limits.header_timeout = Milliseconds(flags.header_timeout);
  options.http.limits.body_timeout = Milliseconds(flags.body_timeout);
  options.http.limits.idle_timeout = Milliseconds(flags.idle_timeout);
  options.http.limits.write_timeout = Milliseconds(flags.write_timeout);
  if (flags.certificate.empty() != flags.key.empty())
    return Status(Code::kUsage, "TLS takes both --tls-cert and --tls-key");
  if (!flags.key.empty()) options.http.tls = {flags.certificate, flags.key};
  options.metrics_port = flags.metrics_port;
  options.grpc_port = flags.grpc_port;
  if (flags.checks_only) {  // while another serves, perhaps
    options.http.port = 0;
    options.metrics_port.reset();
    options.grpc_port.reset();
  }
  options.scheduler.workers = flags.threads;
  options.scheduler.max_waiting = flags.max_waiting;
  options.scheduler.max_waiting_bytes = flags.max_waiting_mb << 20;
  if (flags.keeps_trace) options.scheduler.traced = kTracedRequests;
  options.http.limits.max_reading_bytes = flags.max_waiting_mb << 20;
  options.limits.max_body_bytes = flags.max_body_mb << 20;
  options.limits.max_decoded_bytes = flags.max_decoded_mb << 20;
  options.limits.max_image_pixels = static_cast<int64_t>(flags.max_megapixels * 1e6);
  options.limits.default_timeout = Milliseconds(flags.request_timeout);
  SLIPWAY_RETURN_IF_ERROR(CheckKeys(flags.keys));
  SLIPWAY_RETURN_IF_ERROR(CheckHosts(flags.hosts));
  const bool takes_any_host = std::ranges::find(flags.hosts, "*") != flags.hosts.end();
  if (!takes_any_host && (IsLoopback(flags.address) || !flags.hosts.empty()))
    options.access.hosts = flags.hosts;
  options.access.keys = flags.keys;
  options.access.models = flags.allowed_models;
  options.access.cors_origin = flags.cors;
  options.log.path = flags.log_path;
  options.log.form = flags.log == "text"   ? server::LogForm::kText
                     : flags.log == "json" ? server::LogForm::kJson
                                           : server::LogForm::kNone;
  options.on_event = [](const std::string& line) {
    const std::string text = line + "\n";  // in one piece: workers write to the same place
    std::fwrite(text.data(), 1, text.size(), stderr);
  };
  options.allows_control = flags.control == "explicit";
  options.watch_every = Milliseconds(flags.watch_seconds);
  return options;
}

Status CompleteFlags(CLI::App& command, ServeFlags& flags) {
  SLIPWAY_RETURN_IF_ERROR(CheckEnvironment(kVariables, command));
  if (!flags.config.empty()) SLIPWAY_RETURN_IF_ERROR(ReadOptionsFrom(flags.config, command));
  SLIPWAY_ASSIGN_OR_RETURN(flags.address, server::ToAddress(flags.address));
  if (!flags.models.empty()) return Status::Ok();
  return Status(Code::kUsage, "models is required: nothing is given to serve",
                "name model files, or a folder of models: slipway serve model.onnx");
}

void AddServeFlags(CLI::App& command, ServeFlags& flags) {
  command
      .add_option("models", flags.models, "model files, and folders of models (a Triton model repository)")
      ->envname(kVariables + "MODELS");
  const auto option = [&](const std::string& name, auto& value, const std::string& text) {
    std::string variable = kVariables + name;
    std::ranges::transform(variable, variable.begin(),
                           [](unsigned char c) { return c == '-' ? '_' : std::toupper(c); });
    return command.add_option("--" + name, value, text)->envname(variable);
  };
  option("address", flags.address, "to listen on; 0.0.0.0: all")->capture_default_str();
  option("port", flags.port, "0: any that is free")->capture_default_str()->check(CLI::Range(0, kMostPort));
  option("metrics-port", flags.metrics_port, "a port beside for /metrics, such as 8002")
      ->check(CLI::Range(0, kMostPort));
  option("manifest", flags.manifest, "JSON laid over the manifests of the model files (docs/manifest.md)");
  option("grpc-port", flags.grpc_port, "a port for gRPC, such as 8001")->check(CLI::Range(0, kMostPort));
  option("backend", flags.backend, "as of 'slipway run'")->capture_default_str();
  option("precision", flags.precision, "f32, bf16 or f16")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16", "f16"}));
  option("accuracy", flags.accuracy, "strict: no kernel that rounds more than plain sums")
      ->capture_default_str()
      ->check(CLI::IsMember({"default", "strict"}));
  option("threads", flags.threads, "that compute; 0: all cores")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  option("workers", flags.workers,
         "processes that serve beside each other, watched and replaced by another; 0: this one serves alone")
      ->capture_default_str()
      ->check(CLI::Range(0, server::kMaxWorkers));
  option("timeout", flags.timeout, "seconds of silence after which a worker is killed and replaced")
      ->capture_default_str()
      ->check(NumberWithin(kLeastSeconds, kMostSeconds));
  option("max-requests", flags.max_requests, "after which a worker is replaced; 0: never")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kMostRequests));
  option("max-requests-jitter", flags.max_requests_jitter, "up to so many more, chosen by each worker")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kMostRequests));
  option("io-threads", flags.io_threads, "that read and write")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  option("load", flags.load, "names to load at the start, in place of all");
  option("model-control", flags.control,
         "explicit: models are loaded and unloaded by request; none: they are not")
      ->capture_default_str()
      ->check(CLI::IsMember({"explicit", "none"}));
  option("watch", flags.watch_seconds, "look every so many seconds for new and changed models; 0: never")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("max-body-mb", flags.max_body_mb, "largest request")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostMegabytes));
  option("max-decoded-mb", flags.max_decoded_mb, "the same, once decompressed")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostMegabytes));
  option("max-megapixels", flags.max_megapixels, "largest photo")
      ->capture_default_str()
      ->check(NumberWithin(kLeastMegapixels, 1e6));
  option("max-connections", flags.max_connections, "that are open at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  option("max-waiting", flags.max_waiting, "requests that wait; more get 503")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  option("max-waiting-mb", flags.max_waiting_mb, "what they hold, and again those that are still being read")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostMegabytes));
  option("request-timeout", flags.request_timeout, "seconds that a request may wait; 0: any time")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("header-timeout", flags.header_timeout, "seconds for a request's headers")
      ->capture_default_str()
      ->check(NumberWithin(kLeastSeconds, kMostSeconds));
  option("body-timeout", flags.body_timeout, "seconds for its body")
      ->capture_default_str()
      ->check(NumberWithin(kLeastSeconds, kMostSeconds));
  option("idle-timeout", flags.idle_timeout, "seconds that a connection may be idle")
      ->capture_default_str()
      ->check(NumberWithin(kLeastSeconds, kMostSeconds));
  option("write-timeout", flags.write_timeout, "seconds for a client to take its answer")
      ->capture_default_str()
      ->check(NumberWithin(kLeastSeconds, kMostSeconds));
  option("notice", flags.notice_seconds,
         "after SIGTERM, seconds of being not ready and yet there, for balancers to see it")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("drain", flags.drain_seconds, "seconds for what has been asked, after SIGTERM")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("api-key", flags.keys, "a request must bring it; may be given several times")
      ->allow_extra_args(false);
  option("allow-model", flags.allowed_models, "give out this model alone; may be given several times")
      ->allow_extra_args(false);
  option("host", flags.hosts,
         "a name by which the server is asked, beside localhost and addresses; *: any; may be given several "
         "times")
      ->allow_extra_args(false);
  option("cors", flags.cors, "an origin whose pages may ask; *: any");
  option("tls-cert", flags.certificate, "PEM file of the certificate, with its chain");
  option("tls-key", flags.key, "PEM file of its key");
  option("log", flags.log, "a line a request: none, text or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "text", "json"}));
  option("log-file", flags.log_path, "where to; standard output");
  command
      .add_flag("--trace", flags.keeps_trace,
                "keep the last 1000 requests' times: GET /debug/trace, for Perfetto")
      ->envname("SLIPWAY_SERVE_TRACE");
  command.add_flag("--check-config", flags.checks_only, "load everything, say whether it works, and stop");
  option("config", flags.config, "TOML file of these options; flags and the environment come first");
}

}  // namespace slipway::cli
