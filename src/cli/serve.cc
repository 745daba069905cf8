// slipway serve: a server of this process, or a supervisor of several. Its flags are in serve_flags.h.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/freed_memory.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/serve_flags.h"
#include "cli/serve_notes.h"
#include "server/notify.h"
#include "server/server.h"
#include "server/supervisor/heart.h"
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
  const std::string host = flags.address == "0.0.0.0" ? "localhost" : flags.address;
  const std::string base = fmt::format("http{}://{}:{}", flags.key.empty() ? "" : "s", host, server.port());
  if (server.grpc_port()) fmt::print("gRPC     {}:{}\n", host, *server.grpc_port());
  fmt::print("{}\n", PageLine(base));
  const std::string curl = flags.keys.empty() ? "curl" : "curl -H 'X-API-Key: KEY'";
  const std::string line = LineToTry(server.repository(), base, curl);
  if (!line.empty()) fmt::print("{}\n", line);
  fmt::print("metrics  {}/metrics\n", base);
  std::fflush(stdout);
}

// Its word counts from here on.
void NotifyOfSuccessor(pid_t pid) { server::NotifyManager("MAINPID=" + std::to_string(pid)); }

// A new version of this program in its place, on its socket.
bool StartSuccessor(const server::Server& server, const server::Program& program) {
  auto successor = server::Successor::Start(program, server.sockets());
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
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  SLIPWAY_ASSIGN_OR_RETURN(auto server, server::Server::Start(options));
  if (flags.checks_only) {
    for (const server::IndexEntry& entry : server->repository().Index()) {
      if (entry.is_wanted && entry.state != server::ModelState::kReady)
        return Status(Code::kInvalidModel, "model '" + entry.name + "': " + entry.reason);
    }
    const size_t loaded = server->repository().Loaded().size();
    fmt::print("the configuration is right: {} model version{} loaded\n", loaded, loaded == 1 ? "" : "s");
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
    if (signal == SIGUSR1) {
      server->ReopenLog();
      continue;
    }
    if (signal == SIGHUP) {
      if (seat == nullptr) server::NotifyReloading();
      (void)server->Refresh();
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

// What one worker does otherwise than a server that is alone.
ServerOptions OfWorker(ServerOptions options, const ServeFlags& flags, const server::Seat& seat) {
  options.http.socket = seat.socket;
  options.grpc_socket = seat.grpc_socket;
  options.worker = std::to_string(seat.index);
  options.processes = std::max(flags.workers, seat.index + 1);
  // So that one who collects metrics gets those of each.
  if (flags.metrics_port && *flags.metrics_port > 0) options.metrics_port = *flags.metrics_port + seat.index;
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

void CloseFrom(size_t first, std::vector<int>& sockets) {
  for (size_t i = first; i < sockets.size(); ++i) close(sockets[i]);
  sockets.resize(std::min(first, sockets.size()));
}

// Of sockets that a predecessor left, one is enough for a server that is alone. -1: there is none.
int OneOf(std::vector<int>& sockets) {
  CloseFrom(1, sockets);
  return sockets.empty() ? -1 : sockets[0];
}

Status Serve(const ServeFlags& flags) {
  KeepFreedMemory();         // what an unloaded model held goes back all the same (Repository::Unload)
  signal(SIGUSR1, SIG_IGN);  // until somebody waits for it: it ends nothing that still starts
  SLIPWAY_ASSIGN_OR_RETURN(ServerOptions options, ToOptions(flags));
  const server::Program program = server::Program::Running();
  server::Sockets inherited = server::TakeInheritedSockets();
  if (!flags.grpc_port) CloseFrom(0, inherited.grpc);
  if (flags.workers > 0 && !flags.checks_only)
    return ServeWorkers(flags, options, std::move(inherited), program);
  if (flags.max_requests > 0)
    return Status(Code::kUsage, "--max-requests is of workers: there is nobody else to go on",
                  "--workers 1 has one, and a supervisor that replaces it");
  options.http.socket = OneOf(inherited.http);
  options.grpc_socket = OneOf(inherited.grpc);
  return ServeHere(flags, options, program, nullptr);
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
