// slipway serve: a server of this process, or a supervisor of several. Its flags are in serve_flags.h, what
// signals do in serve_life.h.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "base/freed_memory.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/serve_flags.h"
#include "cli/serve_folders.h"
#include "cli/serve_life.h"
#include "cli/serve_notes.h"
#include "server/http/listener.h"
#include "server/notify.h"
#include "server/server.h"
#include "server/supervisor/supervisor.h"

namespace slipway::cli {
namespace {

using server::ServerOptions;

constexpr std::chrono::milliseconds kHeartbeat{1000};   // of a worker
constexpr std::chrono::milliseconds kPatience{10'000};  // beyond what draining may take

// What was loaded, what was not, and where to look.
void Announce(const server::Server& server, const ServeFlags& flags) {
  for (const server::IndexEntry& entry : server.repository().Index()) {
    fmt::print("  {} {}  {}{}\n", entry.name, entry.version, server::StateName(entry.state),
               entry.reason.empty() ? "" : ": " + entry.reason);
  }
  std::fflush(stdout);
  PrintNotes(NotesOn(server.repository(), flags.models));
  const bool is_any = flags.address == "0.0.0.0" || flags.address == "::";
  const std::string host = is_any ? "localhost" : flags.address;
  const std::string base =
      (flags.key.empty() ? "http://" : "https://") + server::HostAndPort(host, server.port());
  if (server.grpc_port()) fmt::print("gRPC     {}\n", server::HostAndPort(host, *server.grpc_port()));
  fmt::print("{}\n", PageLine(base));
  const std::string curl = flags.keys.empty() ? "curl" : "curl -H 'X-API-Key: KEY'";
  const std::string line = LineToTry(server.repository(), base, curl);
  if (!line.empty()) fmt::print("{}\n", line);
  fmt::print("metrics  {}/metrics\n", base);
  std::fflush(stdout);
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

// Beside those whose sockets are handed on, the ports that a worker listens on.
std::vector<server::NamedPort> PortsBeside(const ServeFlags& flags, int worker) {
  std::vector<server::NamedPort> ports;
  // Each its own, so that one who collects metrics gets those of each.
  if (flags.metrics_port.value_or(0) > 0) ports.push_back({*flags.metrics_port + worker, "--metrics-port"});
  return ports;
}

// Ports that others have are found before models are loaded. That of metrics is shared with a successor
// later, so that this program's own socket would not find others; the others are looked at alone.
Result<std::vector<server::PortClaim>> ClaimPorts(const ServeFlags& flags) {
  std::vector<server::PortClaim> claims;
  for (const server::NamedPort& port : PortsBeside(flags, 0)) {
    SLIPWAY_ASSIGN_OR_RETURN(auto claim, server::PortClaim::Take(flags.address, port));
    claims.push_back(std::move(claim));
  }
  for (const server::NamedPort& port :
       {server::NamedPort{flags.port}, server::NamedPort{flags.grpc_port.value_or(0), "--grpc-port"}}) {
    if (port.number > 0) SLIPWAY_RETURN_IF_ERROR(server::PortClaim::Take(flags.address, port).status());
  }
  return claims;
}

Status ReportCheck(const server::Server& server) {
  for (const server::IndexEntry& entry : server.repository().Index()) {
    if (entry.is_wanted && entry.state != server::ModelState::kReady)
      return Status(Code::kInvalidModel, "model '" + entry.name + "': " + entry.reason);
  }
  const size_t loaded = server.repository().Loaded().size();
  if (loaded == 0) fmt::print("the configuration is right: there is no model yet, --watch looks for some\n");
  if (loaded > 0)
    fmt::print("the configuration is right: {} model version{} loaded\n", loaded, loaded == 1 ? "" : "s");
  return Status::Ok();
}

// seat: of a worker among several; nullopt: this process serves alone.
Status ServeHere(const ServeFlags& flags, const ServerOptions& options, const server::Program& program,
                 std::optional<server::Seat> seat) {
  SignalDesk desk;
  signal(SIGPIPE, SIG_IGN);
  const bool is_first = !seat && options.http.socket < 0 && !flags.checks_only;
  std::vector<server::PortClaim> claims;
  if (is_first) {
    SLIPWAY_ASSIGN_OR_RETURN(claims, ClaimPorts(flags));
  }
  Life life(desk, {.notice = Milliseconds(flags.notice_seconds),
                   .drain = Milliseconds(flags.drain_seconds),
                   .program = program,
                   .seat = seat});
  const Status interrupted =
      flags.checks_only ? Status(Code::kIo, "a signal came before everything was loaded") : Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(auto server, life.Start(options, interrupted));
  claims.clear();  // its own sockets are there
  if (flags.checks_only) return ReportCheck(*server);
  if (!seat || seat->is_first) Announce(*server, flags);
  if (!seat) {
    server::TellPredecessor();
    return life.Serve(std::move(server), {});
  }
  seat->Tell(server::Word::kReady);
  return life.Serve(std::move(server),
                    [&](server::Server& started) { return BeatFor(*seat, flags, started); });
}

// What one worker does otherwise than a server that is alone.
ServerOptions OfWorker(ServerOptions options, const ServeFlags& flags, const server::Seat& seat) {
  options.http.socket = seat.socket;
  options.grpc_socket = seat.grpc_socket;
  options.worker = std::to_string(seat.index);
  options.processes = std::max(flags.workers, seat.index + 1);
  if (flags.metrics_port.value_or(0) > 0) options.metrics_port = *flags.metrics_port + seat.index;
  options.allows_control = false;
  if (flags.threads == 0) {
    options.scheduler.workers = std::max(1, AvailableCores() / flags.workers);
    options.repository.engine.num_threads = options.scheduler.workers;
  }
  return options;
}

Status ServeWorkers(const ServeFlags& flags, const ServerOptions& options, server::Sockets inherited,
                    const server::Program& program) {
  server::SupervisorOptions supervised;
  supervised.workers = flags.workers;
  supervised.address = flags.address;
  supervised.port = flags.port;
  supervised.grpc_port = flags.grpc_port;
  supervised.ports_of = [&](int worker) { return PortsBeside(flags, worker); };
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
    return ServeHere(flags, OfWorker(options, flags, seat), program, seat);
  });
}

// Of sockets that a predecessor left, one is enough for a server that is alone. -1: there is none.
int OneOf(std::vector<int>& sockets) {
  server::CloseFrom(1, sockets);
  return sockets.empty() ? -1 : sockets[0];
}

Status Serve(const ServeFlags& flags) {
  KeepFreedMemory();         // what an unloaded model held goes back all the same (Repository::Unload)
  signal(SIGUSR1, SIG_IGN);  // until somebody waits for it: it ends nothing that still starts
  SLIPWAY_ASSIGN_OR_RETURN(ServerOptions options, ToOptions(flags));
  SLIPWAY_RETURN_IF_ERROR(CheckFolders(flags));
  const server::Program program = server::Program::Running();
  server::Sockets inherited = server::TakeInheritedSockets();
  if (!flags.grpc_port) server::CloseFrom(0, inherited.grpc);
  if (flags.workers > 0 && !flags.checks_only)
    return ServeWorkers(flags, options, std::move(inherited), program);
  if (flags.max_requests > 0)
    return Status(Code::kUsage, "--max-requests is of workers: there is nobody else to go on",
                  "--workers 1 has one, and a supervisor that replaces it");
  options.http.socket = OneOf(inherited.http);
  options.grpc_socket = OneOf(inherited.grpc);
  return ServeHere(flags, options, program, std::nullopt);
}

}  // namespace

void AddServe(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command =
      app.add_subcommand("serve", "answer requests: a photo or tensors in, the answer out (docs/serve.md)");
  AddServeFlags(*command, *flags);
  command->callback([&action, flags, command] {
    action = [flags, command] {
      SLIPWAY_RETURN_IF_ERROR(CompleteFlags(*command, *flags));
      return Serve(*flags);
    };
  });
}

}  // namespace slipway::cli
