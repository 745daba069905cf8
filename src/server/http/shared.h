// What the connections of a transport share: limits, the handler, their number, and the word that it is over.
// Private to the transport.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>

#include "server/http/transport.h"

namespace slipway::server {

// Something with a client at its other end.
class Drainable {
 public:
  virtual ~Drainable() = default;
  // Comes to an end soon, without losing what is asked for. From any thread.
  virtual void Drain() = 0;
};

// Who is to be told that the server stops. From any thread.
class DrainList {
 public:
  // alive: how many there are now. Those that are gone are forgotten, with the memory that they still hold,
  // where they are more than that.
  void Add(std::weak_ptr<Drainable> member, size_t alive) {
    std::lock_guard lock(mutex_);
    if (members_.size() > 2 * alive + 64) members_.remove_if([](const auto& each) { return each.expired(); });
    members_.push_back(std::move(member));
  }

  void DrainAll() {
    std::lock_guard lock(mutex_);
    for (const auto& each : members_) {
      if (const auto member = each.lock()) member->Drain();
    }
  }

 private:
  std::mutex mutex_;
  std::list<std::weak_ptr<Drainable>> members_;
};

// Outlives the connections.
struct Shared {
  const TransportLimits& limits;
  Handler& handler;
  std::atomic<size_t> count{0};  // of connections, WebSockets among them
  std::atomic<bool> is_draining{false};
  std::atomic<size_t> reading_bytes{0};  // of bodies that are not there yet
  DrainList drains;
};

// Counts its owner among the connections while it lives.
class Counted {
 public:
  explicit Counted(Shared& shared) : shared_(shared) { ++shared_.count; }
  ~Counted() { --shared_.count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Shared& shared_;
};

}  // namespace slipway::server
