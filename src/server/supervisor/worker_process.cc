#include "server/supervisor/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "server/supervisor/successor.h"

namespace slipway::server {
namespace {

// The child's life.
[[noreturn]] void Live(const Seat& seat, pid_t supervisor, const RunWorker& run,
                       const std::function<void()>& prepare) {
  // A worker without a supervisor would hold the port, and nobody would know of it.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != supervisor) _exit(0);
  ForgetPredecessor();
  prepare();
  const Status status = run(seat);
  if (!status.ok()) seat.TellFailure(status);
  std::fflush(stdout);
  _exit(static_cast<int>(status.code()));  // what the supervisor had is not this process's to take apart
}

Status SystemFailure(const char* what) {
  return Status(Code::kIo, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(Seat seat, const RunWorker& run,
                                                            const std::function<void()>& prepare) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return SystemFailure("cannot make a pipe to a worker");
  std::fflush(nullptr);  // what is buffered would be written twice
  const pid_t supervisor = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    seat.wire = ends[1];
    Live(seat, supervisor, run, prepare);
  }
  close(ends[1]);
  if (pid < 0) {
    const Status error = SystemFailure("cannot start a worker");
    close(ends[0]);
    return error;
  }
  return std::unique_ptr<WorkerProcess>(new WorkerProcess(seat.index, pid, ends[0]));
}

WorkerProcess::~WorkerProcess() {
  close(wire_);
  if (is_reaped_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void WorkerProcess::Hear(SteadyTime now) {
  char bytes[512];
  ssize_t size;
  while ((size = read(wire_, bytes, sizeof(bytes))) > 0) {
    heard_ = now;
    for (char word : hearing_.Take({bytes, static_cast<size_t>(size)})) {
      is_ready_ |= word == static_cast<char>(Word::kReady);
      has_enough_ |= word == static_cast<char>(Word::kEnough);
    }
  }
}

void WorkerProcess::Send(int signal) const { kill(pid_, signal); }

void WorkerProcess::Leave(int signal, SteadyTime by) {
  is_leaving_ = true;
  leave_by_ = by;
  Send(is_ready_ ? signal : SIGKILL);
}

void WorkerProcess::Kill() {
  is_killed_ = true;
  Send(SIGKILL);
}

void WorkerProcess::Shift(std::chrono::steady_clock::duration pause) {
  heard_ += pause;
  leave_by_ += pause;
}

std::optional<int> WorkerProcess::Reap() {
  int status = 0;
  if (is_reaped_ || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  is_reaped_ = true;
  return status;
}

std::string DescribeEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) return "signal " + std::to_string(WTERMSIG(wait_status));
  return "exit status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace slipway::server
