// The server: models, scheduler, endpoints and transport, put together.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/access.h"
#include "server/access_log.h"
#include "server/endpoints/call.h"
#include "server/http/listener.h"
#include "server/http/transport.h"
#include "server/models/repository.h"
#include "server/schedule/scheduler.h"

namespace slipway::server {

struct ServerOptions {
  RepositoryOptions repository;
  TransportOptions http;
  std::optional<int> metrics_port;  // beside /metrics of the main port
  std::optional<int> grpc_port;     // on the same address; nullopt: no gRPC
  int grpc_socket = -1;             // to accept from, inherited and listening; -1: a new one
  SchedulerOptions scheduler;
  RequestLimits limits;
  AccessOptions access;
  LogOptions log;
  // Is given a line for each event (event_log.h) after the start, in the log's form; may be empty.
  std::function<void(const std::string& line)> on_event;
  bool allows_control = true;                // models may be loaded and unloaded by request
  std::string worker;                        // a label of its metrics, where there are several; empty: none
  int processes = 0;                         // that were started with this one; 0: it is alone
  std::chrono::milliseconds watch_every{0};  // look for new and changed models; 0: never
};

class Server {
 public:
  // Loads the models, then listens. Models that fail are in the index, with the reason; an error: nothing can
  // be served at all.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options);
  virtual ~Server() = default;

  virtual int port() const = 0;
  virtual std::optional<int> grpc_port() const = 0;
  // To hand to a successor.
  virtual Sockets sockets() const = 0;
  virtual const Repository& repository() const = 0;
  // Looks for new and changed models, behind what is being loaded; an error is an event. done is called by
  // another thread when that is over, unless the server ends before.
  virtual void Refresh(std::function<void()> done) = 0;
  // The log's file anew, where another program has moved it away.
  virtual void ReopenLog() = 0;
  // Requests so far, whatever the answer.
  virtual uint64_t answered() const = 0;
  // Calls `beat` when an I/O thread and a worker of the scheduler have passed it on, as they do with
  // requests: that it is called shows that the server moves. Not after the destructor has begun.
  virtual void Beat(std::function<void()> beat) = 0;
  // Says that it is not ready, and goes on.
  virtual void GiveNotice() = 0;
  // The same, answers what has been asked, and takes nothing new. Returns when all is answered
  // or `patience` is over; false then.
  virtual bool Drain(std::chrono::milliseconds patience) = 0;
};

}  // namespace slipway::server
