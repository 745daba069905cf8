// A worker's heartbeat.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace slipway::server {

// Asks every so often for a beat, from a thread of its own, and never for a second one before the first has
// come: whoever is asked calls back when it moves, and where it does not, nothing beats.
class Heart {
 public:
  using Beat = std::function<void()>;

  // ask: is given what to call back, from any thread, also when the heart is gone. on_beat likewise.
  Heart(std::chrono::milliseconds period, std::function<void(Beat)> ask, Beat on_beat)
      : period_(period), ask_(std::move(ask)), on_beat_(std::move(on_beat)), thread_([this] { Run(); }) {}

  ~Heart() {
    {
      std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  void Run() {
    const auto is_asked = std::make_shared<std::atomic<bool>>(false);
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, period_, [this] { return is_stopping_; })) {
      if (is_asked->exchange(true)) continue;
      ask_([is_asked, on_beat = on_beat_] {
        *is_asked = false;
        on_beat();
      });
    }
  }

  const std::chrono::milliseconds period_;
  const std::function<void(Beat)> ask_;
  const Beat on_beat_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace slipway::server
