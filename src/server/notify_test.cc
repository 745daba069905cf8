#include "server/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace slipway::server {
namespace {

// A service manager that listens on the socket NOTIFY_SOCKET names.
class Manager {
 public:
  explicit Manager(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    fd_ = socket(AF_UNIX, SOCK_DGRAM, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0) << path;
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
  }

  std::string Heard() {
    char text[256];
    const ssize_t size = recv(fd_, text, sizeof(text), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(text, static_cast<size_t>(size));
  }

 private:
  int fd_;
};

TEST(NotifyTest, TheManagerHearsTheState) {
  const std::string path = testing::TempDir() + "slipway_notify_" + std::to_string(getpid());
  Manager manager(path);
  NotifyManager("READY=1");
  EXPECT_EQ(manager.Heard(), "READY=1");
  NotifyReloading();
  EXPECT_EQ(manager.Heard().find("RELOADING=1\nMONOTONIC_USEC="), 0u);
  unlink(path.c_str());
}

TEST(NotifyTest, AnAbstractNameBeginsWithAnAt) {
  Manager manager("@slipway_notify_" + std::to_string(getpid()));
  NotifyManager("STOPPING=1");
  EXPECT_EQ(manager.Heard(), "STOPPING=1");
}

TEST(NotifyTest, WithoutAManagerNothingHappens) {
  NotifyManager("READY=1");
  setenv("NOTIFY_SOCKET", "/absent/socket", 1);
  NotifyManager("READY=1");
  setenv("NOTIFY_SOCKET", std::string(500, 'x').c_str(), 1);
  NotifyManager("READY=1");
  unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace slipway::server
