// The options of `slipway serve`: flags, variables of the environment, and lines of a TOML file, and what
// they mean.
//
// Left out: what a worker among several does otherwise (serve.cc).
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "server/server.h"

namespace slipway::cli {

struct ServeFlags {
  std::vector<std::string> models;
  std::string config;                 // where more of these are
  std::string address = "127.0.0.1";  // once complete: of IPv4 or IPv6, without brackets
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
  std::vector<std::string> hosts;
  std::string cors, certificate, key;
  std::string log = "none", log_path;
  int workers = 0;
  double timeout = 30;
  uint64_t max_requests = 0, max_requests_jitter = 0;
  bool checks_only = false, keeps_trace = false;
};

// As the command line has them. `flags` outlives the command.
void AddServeFlags(CLI::App& command, ServeFlags& flags);
// What the environment and the file of options add to the command line. Errors (kUsage): what they say is
// wrong, or nothing is given to serve.
Status CompleteFlags(CLI::App& command, ServeFlags& flags);
Result<server::ServerOptions> ToOptions(const ServeFlags& flags);

// Rounded up: a little time is not none.
std::chrono::milliseconds Milliseconds(double seconds);

}  // namespace slipway::cli
