#include "cli/serve_life.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <thread>
#include <utility>

#include "cli/console.h"
#include "server/notify.h"
#include "server/supervisor/supervisor.h"

namespace slipway::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTurn{50};        // between looks at a successor
constexpr std::chrono::milliseconds kLastWork{1000};  // of a model being loaded, when all is answered

}  // namespace

void Life::EndNow(const Status& status) const {
  if (!status.ok() && IsWorker()) options_.seat->TellFailure(status);
  if (!status.ok() && !IsWorker()) PrintError(status);
  _exit(static_cast<int>(status.code()));
}

// Of those at a terminal, the supervisor hears Ctrl-C and tells its workers.
bool Life::IsEnd(int signal) const {
  return signal == SIGTERM || signal == SIGQUIT || (signal == SIGINT && !IsWorker());
}

// The service manager listens to the process that it knows.
void Life::Notify(const char* state) const {
  if (!IsWorker()) server::NotifyManager(state);
}

void Life::Meanwhile(const std::function<void()>& work, const std::function<void(int)>& hear, Time until) {
  std::atomic<bool> is_done{false};
  std::exception_ptr error;
  std::thread thread([&] {
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
    is_done = true;
    desk_.Ring();
  });
  while (!is_done && Clock::now() < until) {
    if (const int signal = desk_.Wait(until)) hear(signal);
  }
  if (!is_done) EndNow(Status::Ok());
  thread.join();
  if (error) std::rethrow_exception(error);
}

Result<std::unique_ptr<server::Server>> Life::Start(const server::ServerOptions& options,
                                                    const Status& interrupted) {
  std::optional<Result<std::unique_ptr<server::Server>>> started;
  Meanwhile([&] { started = server::Server::Start(options); },
            [&](int signal) {
              if (IsEnd(signal)) EndNow(interrupted);
              pending_ = signal;
            });
  return *std::move(started);
}

Status Life::Serve(std::unique_ptr<server::Server> server, const MakeHeart& make_heart) {
  server_ = std::move(server);
  if (make_heart) heart_ = make_heart(*server_);
  Notify("READY=1");
  while (true) {
    const int signal = pending_ == 0 ? desk_.Wait() : std::exchange(pending_, 0);
    if (signal == SIGHUP) Reload();
    if (signal == SIGUSR1) server_->ReopenLog();
    // A worker is told so when others are there already.
    if (signal == SIGUSR2 && (IsWorker() || IsTakenOver())) return End(Notice::kNone);
    if (!IsEnd(signal)) continue;
    Notify("STOPPING=1");
    if (signal == SIGQUIT) EndNow(Status::Ok());
    return End(Notice::kGiven);
  }
}

void Life::Reload() {
  if (!IsWorker()) server::NotifyReloading();
  server_->Refresh([this] {
    if (!is_ending_) Notify("READY=1");
  });
}

// By a new version of this program, on its socket. Whoever ends this one meanwhile ends both.
bool Life::IsTakenOver() {
  auto successor = server::Successor::Start(options_.program, server_->sockets());
  while (successor.ok()) {
    const auto state = successor->Check();
    if (state == server::Successor::State::kReady) {
      NotifyOfSuccessor(successor->pid());
      return true;
    }
    if (state == server::Successor::State::kFailed) break;
    const int signal = desk_.Wait(Clock::now() + kTurn);
    if (signal == SIGHUP) Reload();
    if (!IsEnd(signal)) continue;
    successor->Stop();
    pending_ = signal;
    return false;
  }
  PrintError(Status(Code::kIo, "the new program did not get ready: this one goes on"));
  return false;
}

Status Life::End(Notice notice) {
  is_ending_ = true;
  const Time asked = Clock::now();
  const auto hear = [&](int signal) {
    const bool is_again = signal == SIGINT && !IsWorker() && Clock::now() > asked + server::kSameKey;
    if (signal == SIGQUIT || is_again) EndNow(Status::Ok());
  };
  server_->GiveNotice();
  const Time notice_end = asked + (notice == Notice::kGiven ? options_.notice : std::chrono::milliseconds(0));
  while (Clock::now() < notice_end) hear(desk_.Wait(notice_end));
  bool is_drained = false;
  Meanwhile([&] { is_drained = server_->Drain(options_.drain); }, hear);
  if (!is_drained) {
    EndNow(Status(Code::kIo, fmt::format("some requests were not answered within {:g} s",
                                         std::chrono::duration<double>(options_.drain).count())));
  }
  Meanwhile(
      [&] {
        heart_.reset();
        server_.reset();
      },
      hear, Clock::now() + kLastWork);
  return Status::Ok();
}

void NotifyOfSuccessor(pid_t pid) { server::NotifyManager("MAINPID=" + std::to_string(pid)); }

}  // namespace slipway::cli
