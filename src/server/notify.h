// Tells the service manager how far the server is, in systemd's protocol (sd_notify(3)), without its library.
#pragma once

#include <string_view>

namespace slipway::server {

// "READY=1", "STOPPING=1", "MAINPID=123" ...; several are separated by line ends. Does nothing where the
// environment names no NOTIFY_SOCKET, and where the manager does not listen: a server serves without one.
void NotifyManager(std::string_view state);

// That it reads its models again; READY=1 says that this is done.
void NotifyReloading();

}  // namespace slipway::server
