#include "server/supervisor/supervisor.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "server/http/listener.h"

namespace slipway::server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTurn{50};     // between looks at the workers
constexpr milliseconds kPause{1000};  // a turn that took so much longer was one of a process that stood still
constexpr milliseconds kQuickDeath{10'000};    // a worker that lives no longer is replaced later and later,
constexpr milliseconds kFirstDelay{100};       // by this at first,
constexpr milliseconds kLongestDelay{10'000};  // and this at last
constexpr milliseconds kQuitPatience{5000};    // of SIGQUIT, which drains nothing

// Of one worker's place, whoever has it.
struct Place {
  int quick_deaths = 0;
  SteadyTime may_start;
};

// What workers accept from: a socket each.
struct Door {
  NamedPort port;
  std::vector<int> sockets;
};

// Signals that are waited for, blocked while this lives.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGCHLD})
      sigaddset(&set_, signal);
    sigprocmask(SIG_BLOCK, &set_, &before_);
  }
  ~Signals() { Restore(); }
  void Restore() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  // The next one; 0: none came in time.
  int Wait(milliseconds time) const {
    const timespec limit{0, time.count() * 1'000'000};
    return std::max(sigtimedwait(&set_, nullptr, &limit), 0);
  }

 private:
  sigset_t set_, before_;
};

class Supervisor {
 public:
  Supervisor(const SupervisorOptions& options, const Program& program, const RunWorker& run)
      : options_(options),
        program_(program),
        run_(run),
        doors_{{{options.port, "--port"}, options.sockets.http}},
        wanted_(options.workers) {
    if (options.grpc_port) doors_.push_back({{*options.grpc_port, "--grpc-port"}, options.sockets.grpc});
  }
  ~Supervisor() { CloseSockets(0); }

  Status Run() {
    SLIPWAY_RETURN_IF_ERROR(OpenSockets());
    SteadyTime last = Clock::now();
    while (!is_stopping_ || !workers_.empty()) {
      const int signal = signals_.Wait(kTurn);
      const SteadyTime now = Clock::now();
      CountPause(now - last);
      last = now;
      for (const auto& worker : workers_) worker->Hear(now);
      Handle(signal, now);
      Reap(now);
      KillSilent(now);
      CheckSuccessor(now);
      Replace(now);
      if (!is_stopping_) FillPlaces(now);
    }
    return failure_.value_or(Status::Ok());
  }

 private:
  void Report(const std::string& text) const {
    if (options_.report) options_.report(text);
  }
  static std::string NameOf(const WorkerProcess& worker) {
    return "worker " + std::to_string(worker.index()) + " (process " + std::to_string(worker.pid()) + ")";
  }

  Status OpenSockets() {
    if (doors_[0].sockets.empty()) {
      for (int worker = 0; worker < wanted_; ++worker) SLIPWAY_RETURN_IF_ERROR(ClaimPorts(worker));
    }
    for (Door& door : doors_) {
      if (door.sockets.empty()) SLIPWAY_RETURN_IF_ERROR(OpenSocket(door, PortUse::kAlone));
      for (int socket : door.sockets) SharePort(socket);
      door.port.number = PortOf(door.sockets[0]);
      while (door.sockets.size() < static_cast<size_t>(wanted_))
        SLIPWAY_RETURN_IF_ERROR(OpenSocket(door, PortUse::kShared));
    }
    CloseSockets(static_cast<size_t>(wanted_));
    return Status::Ok();
  }

  Status OpenSocket(Door& door, PortUse use) {
    SLIPWAY_ASSIGN_OR_RETURN(const int socket, Listen(options_.address, door.port, use));
    door.sockets.push_back(socket);
    return Status::Ok();
  }

  Status ClaimPorts(int worker) {
    if (!options_.ports_of) return Status::Ok();
    for (const NamedPort& port : options_.ports_of(worker)) {
      if (claims_.contains(port.number)) continue;
      SLIPWAY_ASSIGN_OR_RETURN(PortClaim claim, PortClaim::Take(options_.address, port));
      claims_.emplace(port.number, std::move(claim));
    }
    return Status::Ok();
  }

  // Those from `first` on. What the system has accepted goes to the workers that have them.
  void CloseSockets(size_t first) {
    for (Door& door : doors_) CloseFrom(first, door.sockets);
  }

  // A process that was stopped, as a whole machine may be, has not heard its workers: they were not silent.
  void CountPause(Clock::duration turn) {
    if (turn < kTurn + kPause) return;
    for (const auto& worker : workers_) worker->Shift(turn - kTurn);
  }

  void Handle(int signal, SteadyTime now) {
    switch (signal) {
      case SIGTERM: return Stop(SIGTERM, now + options_.patience);
      case SIGINT: return OnInterrupt(now);
      case SIGQUIT: return Stop(SIGQUIT, now + kQuitPatience);
      case SIGHUP: return PassOn(SIGHUP);
      case SIGUSR1: return ReopenLogs();
      case SIGTTIN: return OneMore();
      case SIGTTOU: return OneLess(now);
      case SIGUSR2: return StartSuccessor();
      default: return;
    }
  }

  // Whoever presses the key again does not want to wait.
  void OnInterrupt(SteadyTime now) {
    if (!is_stopping_) return Stop(SIGTERM, now + options_.patience);
    if (now > stopping_since_ + kSameKey) Stop(SIGQUIT, now + kQuitPatience);
  }

  void Stop(int signal, SteadyTime by) {
    if (options_.on_stop && !is_stopping_) options_.on_stop();
    if (successor_) successor_->Stop();
    successor_.reset();
    StopAll(signal, by);
  }

  // The sockets first: one that is open accepts connections that nobody serves.
  void StopAll(int signal, SteadyTime by) {
    if (!is_stopping_) stopping_since_ = Clock::now();
    is_stopping_ = true;
    CloseSockets(0);
    claims_.clear();
    for (const auto& worker : workers_) {
      if (!worker->is_leaving() || signal == SIGQUIT) worker->Leave(signal, by);
    }
  }

  void PassOn(int signal) const {
    for (const auto& worker : workers_) {
      if (worker->is_ready()) worker->Send(signal);
    }
  }

  // Also of those that still start: they have their log already, and do not die of it (SIG_IGN).
  void ReopenLogs() const {
    for (const auto& worker : workers_) worker->Send(SIGUSR1);
  }

  void OneMore() {
    if (is_stopping_ || wanted_ == kMaxWorkers) return;
    Status status = ClaimPorts(wanted_);
    for (Door& door : doors_) {
      if (status.ok()) status = OpenSocket(door, PortUse::kShared);
    }
    if (!status.ok()) {
      CloseSockets(static_cast<size_t>(wanted_));
      return Report("no worker more: " + status.message());
    }
    ++wanted_;
    Report("one worker more: " + std::to_string(wanted_));
  }

  void OneLess(SteadyTime now) {
    if (is_stopping_ || wanted_ == 1) return;
    --wanted_;
    CloseSockets(static_cast<size_t>(wanted_));
    for (const auto& worker : workers_) {
      if (worker->index() >= wanted_ && !worker->is_leaving())
        worker->Leave(SIGUSR2, now + options_.patience);
    }
    Report("one worker less: " + std::to_string(wanted_));
  }

  std::vector<int> SocketsOf(size_t door) const {
    return door < doors_.size() ? doors_[door].sockets : std::vector<int>();
  }

  void StartSuccessor() {
    if (is_stopping_ || successor_) return;
    auto started = Successor::Start(program_, {SocketsOf(0), SocketsOf(1)});
    if (!started.ok()) return Report("no successor: " + started.status().message());
    successor_.emplace(std::move(*started));
    Report("process " + std::to_string(successor_->pid()) + " is to take over");
  }

  void CheckSuccessor(SteadyTime now) {
    if (!successor_) return;
    const Successor::State state = successor_->Check();
    if (state == Successor::State::kStarting) return;
    const pid_t pid = successor_->pid();
    successor_.reset();
    if (state == Successor::State::kFailed)
      return Report("the new program did not get ready: this one goes on");
    if (options_.on_successor) options_.on_successor(pid);
    StopAll(SIGUSR2, now + options_.patience);
  }

  void Reap(SteadyTime now) {
    std::erase_if(workers_, [&](const std::unique_ptr<WorkerProcess>& worker) {
      const auto end = worker->Reap();
      if (!end) return false;
      worker->Hear(now);
      OnEnd(*worker, *end, now);
      return true;
    });
  }

  void OnEnd(const WorkerProcess& worker, int wait_status, SteadyTime now) {
    const auto failure = worker.failure();
    const Status status = failure.value_or(
        Status(Code::kInternal, NameOf(worker) + " ended by itself: " + DescribeEnd(wait_status)));
    if (worker.is_leaving()) {
      if (failure && is_stopping_ && !failure_) failure_ = status;
      if (failure && !is_stopping_) Report(NameOf(worker) + ": " + status.message());
      return;
    }
    if (!has_served_) {
      failure_ = status;
      return StopAll(SIGQUIT, now + kQuitPatience);
    }
    Place& place = places_[static_cast<size_t>(worker.index())];
    const bool was_quick = now - worker.started() < kQuickDeath;
    place.quick_deaths = was_quick ? place.quick_deaths + 1 : 0;
    const milliseconds delay =
        was_quick ? std::min(kFirstDelay * (1 << std::min(place.quick_deaths - 1, 10)), kLongestDelay)
                  : milliseconds(0);
    place.may_start = now + delay;
    Report(status.message() + "; another takes its place" +
           (delay.count() > 0 ? " in " + std::to_string(delay.count()) + " ms" : ""));
  }

  void KillSilent(SteadyTime now) {
    for (const auto& worker : workers_) {
      if (worker->is_killed()) continue;
      const bool is_late = worker->is_leaving() && now > worker->leave_by();
      const bool is_silent =
          !worker->is_leaving() && worker->is_ready() && now - worker->heard() > options_.timeout;
      if (!is_late && !is_silent) continue;
      const std::string what =
          is_late ? "does not end"
                  : "has been silent for " + std::to_string(options_.timeout.count()) + " ms";
      const Status killed(Code::kIo, NameOf(*worker) + " " + what + ": it is killed");
      if (is_stopping_ && !failure_) failure_ = killed;
      if (!is_stopping_) Report(killed.message());
      worker->Kill();
    }
  }

  // Whoever wants another in its place goes when that one serves.
  void Replace(SteadyTime now) {
    for (const auto& old : workers_) {
      if (!old->has_enough() || old->is_leaving()) continue;
      const bool has_heir = std::ranges::any_of(workers_, [&](const auto& other) {
        return other->index() == old->index() && !other->has_enough() && other->is_ready();
      });
      if (has_heir) old->Leave(SIGUSR2, now + options_.patience);
    }
  }

  bool IsTaken(int index) const {
    return std::ranges::any_of(workers_, [&](const auto& worker) {
      return worker->index() == index && !worker->is_leaving() && !worker->has_enough();
    });
  }

  void FillPlaces(SteadyTime now) {
    if (places_.size() < static_cast<size_t>(wanted_)) places_.resize(static_cast<size_t>(wanted_));
    const auto are_ready =
        std::ranges::all_of(workers_, [](const auto& worker) { return worker->is_ready(); });
    // One after the other at first: what is wrong with all is said once.
    if (!has_served_ && !are_ready) return;
    if (!has_served_ && workers_.size() == static_cast<size_t>(wanted_)) {
      has_served_ = true;
      if (options_.on_ready) options_.on_ready();
    }
    for (int i = 0; i < wanted_; ++i) {
      if (IsTaken(i) || now < places_[static_cast<size_t>(i)].may_start) continue;
      StartWorker(i, now);
      if (!has_served_) return;
    }
  }

  void StartWorker(int index, SteadyTime now) {
    const auto own = static_cast<size_t>(index);
    const Seat seat{.index = index,
                    .socket = doors_[0].sockets[own],
                    .grpc_socket = doors_.size() > 1 ? doors_[1].sockets[own] : -1,
                    .is_first = !has_served_ && index == 0};
    auto started = WorkerProcess::Start(seat, run_, [&] { LeaveToParent(own); });
    if (started.ok()) return workers_.push_back(std::move(*started));
    places_[static_cast<size_t>(index)].may_start = now + kLongestDelay;
    Report(started.status().message());
  }

  // In a worker: all that is the supervisor's, but the worker's own sockets.
  void LeaveToParent(size_t own) {
    for (const auto& worker : workers_) close(worker->wire());
    for (const Door& door : doors_) {
      for (size_t i = 0; i < door.sockets.size(); ++i) {
        if (i != own) close(door.sockets[i]);
      }
    }
    claims_.clear();
    signals_.Restore();
  }

  const SupervisorOptions& options_;
  const Program& program_;
  const RunWorker& run_;
  const Signals signals_;
  std::vector<Door> doors_;  // HTTP's, and gRPC's where there is gRPC
  std::map<int, PortClaim> claims_;
  int wanted_;
  std::vector<Place> places_;
  std::vector<std::unique_ptr<WorkerProcess>> workers_;
  std::optional<Successor> successor_;
  std::optional<Status> failure_;
  SteadyTime stopping_since_;
  bool has_served_ = false, is_stopping_ = false;
};

}  // namespace

Status Supervise(const SupervisorOptions& options, const Program& program, const RunWorker& run) {
  return Supervisor(options, program, run).Run();
}

}  // namespace slipway::server
