// slipway serve
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/number_check.h"
#include "cli/option_sources.h"
#include "manifest/manifest.h"
#include "server/notify.h"
#include "server/server.h"
#include "server/supervisor/heart.h"
#include "server/supervisor/supervisor.h"

namespace slipway::cli {
namespace {

using server::ServerOptions;

struct ServeFlags {
  std::vector<std::string> models;
  std::string config;  // where more of these are
  std::string address = "127.0.0.1";
  int port = 8000;
  std::optional<int> metrics_port, grpc_port;
  std::string manifest;
  std::string backend = "cpu", precision = "f32", accuracy = "default";
  int threads = 0, io_threads = 1;
  std::vector<std::string> load;
  std::string control = "explicit";
  double watch_seconds = 0;
  size_t max_body_mb = 64, max_decoded_mb = 256, max_connections = 20'000, max_waiting = 1024,
         max_waiting_mb = 1024;
  double max_megapixels = 50;
  double request_timeout = 0, header_timeout = 10, body_timeout = 60, idle_timeout = 600, write_timeout = 60;
  double notice_seconds = 0, drain_seconds = 30;
  std::vector<std::string> keys, allowed_models;
  std::string cors, certificate, key;
  std::string log = "none", log_path;
  int workers = 0;
  double timeout = 30;
  uint64_t max_requests = 0, max_requests_jitter = 0;
  bool checks_only = false, keeps_trace = false;
};

constexpr std::chrono::milliseconds kHeartbeat{1000};   // of a worker
constexpr std::chrono::milliseconds kPatience{10'000};  // beyond what draining may take

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

// A manifest that is wrong for every model is an error of the command line, not of one model.
Status CheckManifest(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  const auto manifest = ParseManifest(json);
  return manifest.ok() ? Status::Ok() : manifest.status().WithContext("'" + path + "'");
}

const std::string kVariables = "SLIPWAY_SERVE_";  // of the environment; the names of flags follow
// Far beyond use, and far from where arithmetic on them would overflow.
constexpr double kMostSeconds = 1e7;
constexpr int kMostMegabytes = 1 << 20;
constexpr uint64_t kMostRequests = 1'000'000'000'000;
constexpr size_t kTracedRequests = 1000;

Result<ServerOptions> ToOptions(const ServeFlags& flags) {
  ServerOptions options;
  options.repository.paths = flags.models;
  options.repository.names = flags.load;
  options.repository.manifest_path = flags.manifest;
  if (!flags.manifest.empty()) SLIPWAY_RETURN_IF_ERROR(CheckManifest(flags.manifest));
  EngineOptions& engine = options.repository.engine;
  engine.backend = flags.backend;
  engine.num_threads = flags.threads;
  SLIPWAY_ASSIGN_OR_RETURN(engine.precision, PrecisionNamed(flags.precision));
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
  options.access.keys = flags.keys;
  options.access.models = flags.allowed_models;
  options.access.cors_origin = flags.cors;
  options.log.path = flags.log_path;
  options.log.form = flags.log == "text"   ? server::LogForm::kText
                     : flags.log == "json" ? server::LogForm::kJson
                                           : server::LogForm::kNone;
  options.allows_control = flags.control == "explicit";
  options.watch_every = std::chrono::seconds(static_cast<int64_t>(std::ceil(flags.watch_seconds)));
  return options;
}

// What was loaded, what was not, and where to look.
void Announce(const server::Server& server, const ServeFlags& flags) {
  std::string first;
  for (const server::IndexEntry& entry : server.repository().Index()) {
    const bool is_ready = entry.state == server::ModelState::kReady;
    if (is_ready && first.empty()) first = entry.name;
    fmt::print("  {} {}  {}{}\n", entry.name, entry.version, server::StateName(entry.state),
               entry.reason.empty() ? "" : ": " + entry.reason);
  }
  const std::string host = flags.address == "0.0.0.0" ? "localhost" : flags.address;
  const std::string base = fmt::format("http{}://{}:{}", flags.key.empty() ? "" : "s", host, server.port());
  if (server.grpc_port()) fmt::print("gRPC     {}:{}\n", host, *server.grpc_port());
  fmt::print("page     {}/\n", base);
  if (!first.empty())
    fmt::print("photo    curl --data-binary @photo.jpg {}/v2/models/{}/upload\n", base, first);
  fmt::print("metrics  {}/metrics\n", base);
  std::fflush(stdout);
}

// Its word counts from here on.
void NotifyOfSuccessor(pid_t pid) { server::NotifyManager("MAINPID=" + std::to_string(pid)); }

// A new version of this program in its place, on its socket.
bool StartSuccessor(const server::Server& server, const server::Program& program) {
  const int sockets[] = {server.socket()};
  auto successor = server::Successor::Start(program, sockets);
  if (!successor.ok() || successor->Wait() != server::Successor::State::kReady) return false;
  NotifyOfSuccessor(successor->pid());
  return true;
}

// One of several workers, as its supervisor wants to hear of it.
std::unique_ptr<server::Heart> BeatFor(const server::Seat& seat, const ServeFlags& flags,
                                       server::Server& server) {
  // The workers do not all want others in their places at once.
  const uint64_t jitter = std::random_device()() % (flags.max_requests_jitter + 1);
  const uint64_t enough = flags.max_requests == 0 ? UINT64_MAX : flags.max_requests + jitter;
  const auto period = std::min(kHeartbeat, Milliseconds(flags.timeout / 4));
  return std::make_unique<server::Heart>(
      period, [&server](const server::Heart::Beat& beat) { server.Beat(beat); },
      [seat, enough, &server] {
        seat.Tell(server.answered() >= enough ? server::Word::kEnough : server::Word::kBeat);
      });
}

// seat: of a worker among several; null: this process serves alone.
Status ServeHere(const ServeFlags& flags, const ServerOptions& options, const server::Program& program,
                 const server::Seat* seat) {
  // Signals are waited for; threads started from here on leave them to this one.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGQUIT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  SLIPWAY_ASSIGN_OR_RETURN(auto server, server::Server::Start(options));
  const auto ready = server->repository().Loaded();
  if (flags.checks_only) {
    for (const server::IndexEntry& entry : server->repository().Index()) {
      if (entry.is_wanted && entry.state != server::ModelState::kReady)
        return Status(Code::kInvalidModel, "model '" + entry.name + "': " + entry.reason);
    }
    fmt::print("the configuration is right: {} model version{} loaded\n", ready.size(),
               ready.size() == 1 ? "" : "s");
    return Status::Ok();
  }
  if (seat == nullptr || seat->is_first) Announce(*server, flags);
  if (seat == nullptr) server::TellPredecessor();
  if (seat != nullptr) seat->Tell(server::Word::kReady);
  const auto heart = seat == nullptr ? nullptr : BeatFor(*seat, flags, *server);
  // The service manager listens to the process that it knows.
  const auto notify = [&](const char* state) {
    if (seat == nullptr) server::NotifyManager(state);
  };
  notify("READY=1");
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGHUP) {
      if (seat == nullptr) server::NotifyReloading();
      const Status status = server->Refresh();
      if (!status.ok()) PrintError(status);
      notify("READY=1");
      continue;
    }
    // A worker has a successor already.
    if (signal == SIGUSR2 && seat == nullptr) {
      if (!StartSuccessor(*server, program)) {
        PrintError(Status(Code::kIo, "the new program did not get ready: this one goes on"));
        continue;
      }
    }
    if (signal != SIGUSR2) notify("STOPPING=1");
    if (signal == SIGQUIT) return Status::Ok();
    server->GiveNotice();
    if (signal != SIGUSR2) std::this_thread::sleep_for(Milliseconds(flags.notice_seconds));
    if (!server->Drain(Milliseconds(flags.drain_seconds)))
      return Status(Code::kIo,
                    fmt::format("some requests were not answered within {} s", flags.drain_seconds));
    return Status::Ok();
  }
}

// What the file of options adds to the command line and the environment.
Status CompleteFlags(CLI::App& command, const ServeFlags& flags) {
  SLIPWAY_RETURN_IF_ERROR(CheckEnvironment(kVariables, command));
  if (!flags.config.empty()) SLIPWAY_RETURN_IF_ERROR(ReadOptionsFrom(flags.config, command));
  if (!flags.models.empty()) return Status::Ok();
  return Status(Code::kUsage, "models is required: nothing is given to serve",
                "name model files, or a folder of models: slipway serve model.onnx");
}

// What one worker does otherwise than a server that is alone.
ServerOptions OfWorker(ServerOptions options, const ServeFlags& flags, const server::Seat& seat) {
  options.http.socket = seat.socket;
  options.worker = std::to_string(seat.index);
  // So that one who collects metrics gets those of each.
  if (flags.metrics_port && *flags.metrics_port > 0) options.metrics_port = *flags.metrics_port + seat.index;
  options.allows_control = false;
  if (flags.threads == 0) {
    options.scheduler.workers = std::max(1, AvailableCores() / flags.workers);
    options.repository.engine.num_threads = options.scheduler.workers;
  }
  return options;
}

Status ServeWorkers(const ServeFlags& flags, const ServerOptions& options, std::vector<int> inherited,
                    const server::Program& program) {
  server::SupervisorOptions supervised;
  supervised.workers = flags.workers;
  supervised.address = flags.address;
  supervised.port = flags.port;
  supervised.sockets = std::move(inherited);
  supervised.timeout = Milliseconds(flags.timeout);
  supervised.patience = Milliseconds(flags.notice_seconds + flags.drain_seconds) + kPatience;
  supervised.report = [](const std::string& text) { PrintNote(text); };
  supervised.on_ready = [&] {
    fmt::print("workers  {} serve\n", flags.workers);
    std::fflush(stdout);
    server::TellPredecessor();
    server::NotifyManager("READY=1");
  };
  supervised.on_stop = [] { server::NotifyManager("STOPPING=1"); };
  supervised.on_successor = NotifyOfSuccessor;
  return server::Supervise(supervised, program, [&](const server::Seat& seat) {
    return ServeHere(flags, OfWorker(options, flags, seat), program, &seat);
  });
}

// Photos and tensors of megabytes come and go with every request: giving their pages back to the system each
// time, and faulting them in again, costs a fifth of a small network's answers. What an unloaded model held
// goes back all the same (Repository::Unload).
void KeepFreedMemory() {
  constexpr int kMost = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kMost);
  mallopt(M_TRIM_THRESHOLD, kMost);
}

Status Serve(const ServeFlags& flags) {
  KeepFreedMemory();
  SLIPWAY_ASSIGN_OR_RETURN(ServerOptions options, ToOptions(flags));
  const server::Program program = server::Program::Running();
  std::vector<int> inherited = server::TakeInheritedSockets();
  if (flags.workers > 0 && !flags.checks_only)
    return ServeWorkers(flags, options, std::move(inherited), program);
  if (flags.max_requests > 0)
    return Status(Code::kUsage, "--max-requests is of workers: there is nobody else to go on",
                  "--workers 1 has one, and a supervisor that replaces it");
  for (size_t i = 1; i < inherited.size(); ++i) close(inherited[i]);
  if (!inherited.empty()) options.http.socket = inherited[0];
  return ServeHere(flags, options, program, nullptr);
}

}  // namespace

void AddServe(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command =
      app.add_subcommand("serve", "answer requests: a photo or tensors in, the answer out (docs/serve.md)");
  command->add_option("models", flags->models,
                      "model files, and folders of models (a Triton model repository)");
  const auto option = [&](const std::string& name, auto& value, const std::string& text) {
    std::string variable = kVariables + name;
    std::ranges::transform(variable, variable.begin(),
                           [](unsigned char c) { return c == '-' ? '_' : std::toupper(c); });
    return command->add_option("--" + name, value, text)->envname(variable);
  };
  option("address", flags->address, "to listen on; 0.0.0.0: all")->capture_default_str();
  option("port", flags->port, "0: any that is free")->capture_default_str()->check(CLI::Range(0, 65535));
  option("metrics-port", flags->metrics_port, "a port beside for /metrics, such as 8002")
      ->check(CLI::Range(0, 65535));
  option("manifest", flags->manifest, "JSON laid over the manifests of the model files (docs/manifest.md)");
  option("grpc-port", flags->grpc_port, "a port for gRPC, such as 8001")->check(CLI::Range(0, 65535));
  option("backend", flags->backend, "as of 'slipway run'")->capture_default_str();
  option("precision", flags->precision, "f32, bf16 or f16")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "bf16", "f16"}));
  option("accuracy", flags->accuracy, "strict: no kernel that rounds more than plain sums")
      ->capture_default_str()
      ->check(CLI::IsMember({"default", "strict"}));
  option("threads", flags->threads, "that compute; 0: all cores")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  option("workers", flags->workers,
         "processes that serve beside each other, watched and replaced by another; 0: this one serves alone")
      ->capture_default_str()
      ->check(CLI::Range(0, server::kMaxWorkers));
  option("timeout", flags->timeout, "seconds of silence after which a worker is killed and replaced")
      ->capture_default_str()
      ->check(NumberWithin(0.1, kMostSeconds));
  option("max-requests", flags->max_requests, "after which a worker is replaced; 0: never")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kMostRequests));
  option("max-requests-jitter", flags->max_requests_jitter, "up to so many more, chosen by each worker")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kMostRequests));
  option("io-threads", flags->io_threads, "that read and write")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  option("load", flags->load, "names to load at the start, in place of all");
  option("model-control", flags->control,
         "explicit: models are loaded and unloaded by request; none: they are not")
      ->capture_default_str()
      ->check(CLI::IsMember({"explicit", "none"}));
  option("watch", flags->watch_seconds, "look every so many seconds for new and changed models; 0: never")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("max-body-mb", flags->max_body_mb, "largest request")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostMegabytes));
  option("max-decoded-mb", flags->max_decoded_mb, "the same, once decompressed")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostMegabytes));
  option("max-megapixels", flags->max_megapixels, "largest photo")
      ->capture_default_str()
      ->check(NumberWithin(0, 1e6));
  option("max-connections", flags->max_connections, "that are open at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  option("max-waiting", flags->max_waiting, "requests that wait; more get 503")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  option("max-waiting-mb", flags->max_waiting_mb, "what they hold, and again those that are still being read")
      ->capture_default_str()
      ->check(CLI::Range(1, kMostMegabytes));
  option("request-timeout", flags->request_timeout, "seconds that a request may wait; 0: any time")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("header-timeout", flags->header_timeout, "seconds for a request's headers")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("body-timeout", flags->body_timeout, "seconds for its body")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("idle-timeout", flags->idle_timeout, "seconds that a connection may be idle")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("write-timeout", flags->write_timeout, "seconds for a client to take its answer")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("notice", flags->notice_seconds,
         "after SIGTERM, seconds of being not ready and yet there, for balancers to see it")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("drain", flags->drain_seconds, "seconds for what has been asked, after SIGTERM")
      ->capture_default_str()
      ->check(NumberWithin(0, kMostSeconds));
  option("api-key", flags->keys, "a request must bring it; may be given several times")
      ->allow_extra_args(false);
  option("allow-model", flags->allowed_models, "give out this model alone; may be given several times")
      ->allow_extra_args(false);
  option("cors", flags->cors, "an origin whose pages may ask; *: any");
  option("tls-cert", flags->certificate, "PEM file of the certificate, with its chain");
  option("tls-key", flags->key, "PEM file of its key");
  option("log", flags->log, "a line a request: none, text or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "text", "json"}));
  option("log-file", flags->log_path, "where to; standard output");
  command
      ->add_flag("--trace", flags->keeps_trace,
                 "keep the last 1000 requests' times: GET /debug/trace, for Perfetto")
      ->envname("SLIPWAY_SERVE_TRACE");
  command->add_flag("--check-config", flags->checks_only, "load everything, say whether it works, and stop");
  command->add_option("--config", flags->config,
                      "TOML file of these options; flags and the environment come first");
  command->callback([&action, flags, command] {
    action = [flags, command] {
      SLIPWAY_RETURN_IF_ERROR(CompleteFlags(*command, *flags));
      return Serve(*flags);
    };
  });
}

}  // namespace slipway::cli
