#include "server/grpc/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/system_error.h"

namespace slipway::server {
namespace {

// Out of files, say: those that wait are served when others have left.
constexpr std::chrono::milliseconds kPause{20};

// 0: it is no socket, or none any more.
ino_t InodeOf(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

}  // namespace

Acceptor::Acceptor(int socket) : socket_(socket) {
  // Others may accept from it, too: one that was there when poll looked may be gone.
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

Acceptor::~Acceptor() { Stop(); }

Status Acceptor::Start(Take take) {
  take_ = std::move(take);
  if (pipe2(wake_, O_CLOEXEC) != 0) return SystemError("gRPC", "make a pipe");
  thread_ = std::thread([this] { Run(); });
  return Status::Ok();
}

void Acceptor::Stop() {
  if (thread_.joinable()) {
    close(wake_[1]);
    thread_.join();
    close(wake_[0]);
  }
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

void Acceptor::Run() {
  pollfd news[] = {{socket_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
  while (news[1].revents == 0) {
    if (poll(news, 2, -1) < 0 && errno != EINTR) std::this_thread::sleep_for(kPause);
    TakeAll();
  }
}

void Acceptor::TakeAll() {
  while (true) {
    const int connection = accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection >= 0) {
      Add(connection);
      continue;
    }
    // Of the connection, not of the socket: the next one may be whole.
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EAGAIN) std::this_thread::sleep_for(kPause);
    return;
  }
}

void Acceptor::Add(int connection) {
  const int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  {
    std::lock_guard lock(mutex_);
    if (connections_.size() > 2 * num_kept_ + 64) ForgetClosed();
    connections_.push_back({connection, InodeOf(connection)});
  }
  take_(connection);
}

// REQUIRES: the lock.
void Acceptor::ForgetClosed() {
  std::erase_if(connections_, [](const Connection& each) { return InodeOf(each.fd) != each.inode; });
  num_kept_ = connections_.size();
}

size_t Acceptor::CountOpen() {
  std::lock_guard lock(mutex_);
  ForgetClosed();
  return connections_.size();
}

}  // namespace slipway::server
