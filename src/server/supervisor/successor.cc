#include "server/supervisor/successor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace slipway::server {
namespace {

constexpr const char* kSockets = "SLIPWAY_LISTEN_FD";
constexpr const char* kGrpcSockets = "SLIPWAY_GRPC_FD";
constexpr const char* kReady = "SLIPWAY_READY_FD";

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// "NAME=5,6"
std::string Variable(const char* name, const std::vector<int>& sockets) {
  std::string list;
  for (int socket : sockets) list += (list.empty() ? "" : ",") + std::to_string(socket);
  return std::string(name) + "=" + list;
}

// Ours, and where its inheritance is.
std::vector<std::string> EnvironmentFor(const Sockets& sockets, int ready) {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable(*each);
    const bool is_old =
        variable.starts_with(kSockets) || variable.starts_with(kGrpcSockets) || variable.starts_with(kReady);
    if (!is_old) variables.emplace_back(variable);
  }
  variables.push_back(Variable(kSockets, sockets.http));
  variables.push_back(Variable(kGrpcSockets, sockets.grpc));
  variables.push_back(std::string(kReady) + "=" + std::to_string(ready));
  return variables;
}

void KeepOverExec(int fd) { fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) & ~FD_CLOEXEC); }

// In the child, perhaps of a process with threads: only what POSIX allows there.
[[noreturn]] void Become(const Program& program, char** arguments, char** environment, const Sockets& sockets,
                         int ready) {
  for (int socket : sockets.http) KeepOverExec(socket);
  for (int socket : sockets.grpc) KeepOverExec(socket);
  KeepOverExec(ready);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(program.path.c_str(), arguments, environment);
  _exit(127);
}

}  // namespace

Program Program::Running() {
  Program program;
  std::error_code error;
  program.path = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::ifstream arguments("/proc/self/cmdline", std::ios::binary);
  for (std::string argument; std::getline(arguments, argument, '\0');) program.arguments.push_back(argument);
  return program;
}

Result<Successor> Successor::Start(const Program& program, const Sockets& sockets) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0)
    return Status(Code::kIo, std::string("cannot make a pipe: ") + std::strerror(errno));
  const std::vector<std::string> variables = EnvironmentFor(sockets, ready[1]);
  const std::vector<char*> arguments = Pointers(program.arguments), environment = Pointers(variables);
  const pid_t child = fork();
  if (child == 0)
    Become(program, const_cast<char**>(arguments.data()), const_cast<char**>(environment.data()), sockets,
           ready[1]);
  close(ready[1]);
  Successor successor(child, ready[0]);
  if (child < 0) return Status(Code::kIo, std::string("cannot start a process: ") + std::strerror(errno));
  return successor;
}

Successor::~Successor() {
  if (ready_ >= 0) close(ready_);
}

Successor::State Successor::Check() {
  pollfd news{ready_, POLLIN, 0};
  if (poll(&news, 1, 0) < 1) return State::kStarting;
  char byte = 0;
  if (read(ready_, &byte, 1) == 1) return State::kReady;
  Stop();  // it has closed the pipe without a word: it has ended, or is about to
  return State::kFailed;
}

void Successor::Stop() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

namespace {

// What EnvironmentFor wrote, and out of the environment with it.
std::vector<int> TakeSockets(const char* name) {
  std::vector<int> sockets;
  const char* list = std::getenv(name);
  if (list == nullptr) return sockets;
  std::string_view rest(list);
  while (!rest.empty()) {
    int socket = -1;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), socket);
    if (error != std::errc() || socket < 0) break;
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    sockets.push_back(socket);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    if (rest.starts_with(',')) rest.remove_prefix(1);
  }
  unsetenv(name);
  return sockets;
}

}  // namespace

Sockets TakeInheritedSockets() { return {TakeSockets(kSockets), TakeSockets(kGrpcSockets)}; }

void TellPredecessor() {
  const char* fd = std::getenv(kReady);
  if (fd == nullptr) return;
  const char byte = 1;
  (void)!write(std::atoi(fd), &byte, 1);
  ForgetPredecessor();
}

void ForgetPredecessor() {
  if (const char* fd = std::getenv(kReady)) close(std::atoi(fd));
  unsetenv(kReady);
}

}  // namespace slipway::server
