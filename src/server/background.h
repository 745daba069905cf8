// One thread for what takes long and has its order: loading and unloading models.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace slipway::server {

class Background {
 public:
  Background() : thread_([this] { Run(); }) {}
  ~Background() { Stop(); }

  // Does what has been asked for first, and takes nothing more. By one thread alone.
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  // False: too much is waiting already, or it has stopped.
  bool Post(std::function<void()> task) {
    {
      std::lock_guard lock(mutex_);
      if (is_stopping_ || tasks_.size() >= kMostWaiting) return false;
      tasks_.push_back(std::move(task));
    }
    wake_.notify_all();
    return true;
  }

  // Calls `task` every so often, between the others.
  void Every(std::chrono::milliseconds period, std::function<void()> task) {
    std::lock_guard lock(mutex_);
    period_ = period;
    regular_ = std::move(task);
    wake_.notify_all();
  }

 private:
  static constexpr size_t kMostWaiting = 64;

  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      const auto has_news = [&] { return is_stopping_ || !tasks_.empty(); };
      bool is_woken = true;
      if (regular_)
        is_woken = wake_.wait_for(lock, period_, has_news);
      else
        wake_.wait(lock, [&] { return has_news() || regular_; });
      if (is_stopping_ && tasks_.empty()) return;
      std::function<void()> task;
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      } else if (!is_woken) {
        task = regular_;
      }
      lock.unlock();
      if (task) task();
      task = nullptr;
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::function<void()> regular_;
  std::chrono::milliseconds period_{0};
  bool is_stopping_ = false;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace slipway::server
