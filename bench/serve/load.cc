#include "serve/load.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>
#include <random>

#include "serve/connection.h"

namespace slipway::serve {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using ErrorCode = boost::system::error_code;

constexpr int kMaxConnections = 10000;
// A queued request is a time of 8 bytes: what an open loop may hold at the worst.
constexpr double kMaxArrivals = 1e8;
constexpr double kMaxSeconds = 1e6;
constexpr auto kWatchPeriod = std::chrono::milliseconds(50);
// A closed loop would turn a server that refuses everything into a storm of connects.
constexpr auto kPauseAfterError = std::chrono::milliseconds(20);

Clock::duration Seconds(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}
double InSeconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

Status CheckRange(const char* what, double value, double low, double high) {
  if (value >= low && value <= high) return Status::Ok();
  return Status(Code::kUsage, std::string(what) + " is " + std::to_string(value) + ", must be of " +
                                  std::to_string(low) + " to " + std::to_string(high));
}

Status Check(const LoadOptions& options) {
  SLIPWAY_RETURN_IF_ERROR(CheckRange("connections", options.connections, 1, kMaxConnections));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("seconds", options.seconds, 1e-3, kMaxSeconds));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("warmup", options.warmup_seconds, 0, kMaxSeconds));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("timeout", options.timeout_seconds, 1e-3, kMaxSeconds));
  SLIPWAY_RETURN_IF_ERROR(CheckRange("rate", options.rate, 0, 1e6));
  const double limited_seconds = options.requests == 0 ? options.seconds : 0;
  const double arrivals = options.rate * (options.warmup_seconds + limited_seconds);
  SLIPWAY_RETURN_IF_ERROR(CheckRange("rate times seconds", arrivals, 0, kMaxArrivals));
  return CheckRange("requests", static_cast<double>(options.requests), 0, kMaxArrivals);
}

Result<asio::ip::tcp::endpoint> Resolve(asio::io_context& io, const Url& url) {
  ErrorCode error;
  asio::ip::tcp::resolver resolver(io);
  const auto found = resolver.resolve(url.host, std::to_string(url.port), error);
  if (error || found.empty()) {
    return Status(Code::kIo, "cannot find host '" + url.host + "': " + error.message(), "check the url");
  }
  return found.begin()->endpoint();
}

class Generator {
 public:
  Generator(const LoadOptions& options, std::string request)
      : options_(options),
        request_(std::move(request)),
        arrival_timer_(io_),
        watch_timer_(io_),
        random_(options.seed),
        gap_seconds_(options.rate > 0 ? options.rate : 1) {}

  Result<LoadReport> Run();

 private:
  // A connection, and what it is asked.
  struct Slot {
    Slot(asio::io_context& io, const asio::ip::tcp::endpoint& peer) : connection(io, peer), pause(io) {}
    Connection connection;
    asio::steady_timer pause;
    TimePoint due, started;
    bool is_counted = false;
  };
  struct Due {
    TimePoint at;
    bool is_counted;
  };

  bool IsOpenLoop() const { return options_.rate > 0; }
  bool IsInWindow(TimePoint time) const { return time >= window_start_ && time < window_end_; }
  bool MayStart(TimePoint at) const;
  Due Plan(TimePoint at);
  void Ask(Slot& slot, const Due& due);
  void AskNext(Slot& slot);
  void Rest(Slot& slot);
  void OnAnswer(Slot& slot, const Answer& answer);
  void Count(const Slot& slot, const Answer& answer, TimePoint now);
  void WaitForArrival();
  void OnArrivals();
  void Watch();
  void EndArrivals(TimePoint now);
  void StopIfDone();
  LoadReport Finished();

  const LoadOptions& options_;
  const std::string request_;
  asio::io_context io_{1};
  asio::steady_timer arrival_timer_, watch_timer_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> gap_seconds_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> idle_;
  std::deque<Due> queue_;

  TimePoint window_start_, window_end_, next_arrival_, last_answer_;
  std::optional<TimePoint> arrivals_end_;  // none: more are to come
  uint64_t planned_ = 0;                   // requests that count
  uint64_t good_in_window_ = 0;
  bool has_connected_ = false;
  std::optional<std::string> first_body_;
  Status unreachable_;  // OK once it ever connected
  LoadReport report_;
};

Result<LoadReport> Generator::Run() {
  SLIPWAY_ASSIGN_OR_RETURN(const auto peer, Resolve(io_, options_.url));
  for (int i = 0; i < options_.connections; ++i) {
    slots_.push_back(std::make_unique<Slot>(io_, peer));
    idle_.push_back(slots_.back().get());
  }
  const TimePoint now = Clock::now();
  window_start_ = now + Seconds(options_.warmup_seconds);
  window_end_ = window_start_ + Seconds(options_.seconds);
  last_answer_ = window_start_;
  Watch();
  if (IsOpenLoop()) {
    next_arrival_ = now + Seconds(gap_seconds_(random_));
    WaitForArrival();
  } else {
    std::vector<Slot*> all;
    all.swap(idle_);
    for (Slot* slot : all) AskNext(*slot);
  }
  io_.run();
  SLIPWAY_RETURN_IF_ERROR(unreachable_);
  return Finished();
}

bool Generator::MayStart(TimePoint at) const {
  return !arrivals_end_ && at < window_end_ && (options_.requests == 0 || planned_ < options_.requests);
}

Generator::Due Generator::Plan(TimePoint at) {
  const bool is_counted = at >= window_start_;
  planned_ += is_counted;
  return {at, is_counted};
}

void Generator::Ask(Slot& slot, const Due& due) {
  slot.due = due.at;
  slot.started = Clock::now();
  slot.is_counted = due.is_counted;
  report_.sent += due.is_counted;
  slot.connection.Ask(request_, [this, &slot](const Answer& answer) { OnAnswer(slot, answer); });
}

// The slot is free: what is due next, if anything.
void Generator::AskNext(Slot& slot) {
  if (!queue_.empty()) {
    const Due due = queue_.front();
    queue_.pop_front();
    return Ask(slot, due);
  }
  const TimePoint now = Clock::now();
  if (!IsOpenLoop() && MayStart(now)) return Ask(slot, Plan(now));
  if (!IsOpenLoop()) EndArrivals(now);
  idle_.push_back(&slot);
  StopIfDone();
}

void Generator::Rest(Slot& slot) {
  slot.pause.expires_after(kPauseAfterError);
  slot.pause.async_wait([this, &slot](const ErrorCode&) { AskNext(slot); });
}

void Generator::OnAnswer(Slot& slot, const Answer& answer) {
  const TimePoint now = Clock::now();
  has_connected_ |= answer.has_connected;
  if (!has_connected_) {
    unreachable_ = Status(Code::kIo, "cannot reach '" + options_.url.authority + "': " + answer.error,
                          "is the server running, and is the port right?");
    return io_.stop();
  }
  Count(slot, answer, now);
  if (!answer.error.empty() && !IsOpenLoop()) return Rest(slot);
  AskNext(slot);
}

void Generator::Count(const Slot& slot, const Answer& answer, TimePoint now) {
  if (!answer.error.empty()) {
    if (slot.is_counted) ++report_.errors[answer.error];
    return;
  }
  bool is_good = answer.status / 100 == 2;
  if (is_good && options_.body_check == BodyCheck::kSameAsFirst) {
    if (!first_body_) first_body_ = answer.body;
    is_good = *first_body_ == answer.body;
    report_.wrong_bodies += !is_good && slot.is_counted;
  }
  good_in_window_ += is_good && IsInWindow(now);
  if (!slot.is_counted) return;
  last_answer_ = now;
  ++report_.answered;
  ++report_.statuses[answer.status];
  report_.received_bytes += answer.size_bytes;
  report_.latency_ns.Record(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now - slot.due).count()));
}

void Generator::WaitForArrival() {
  arrival_timer_.expires_at(next_arrival_);
  arrival_timer_.async_wait([this](const ErrorCode& error) {
    if (!error) OnArrivals();
  });
}

// All that are due by now: a thread that wakes late does not ask less.
void Generator::OnArrivals() {
  const TimePoint now = Clock::now();
  for (; next_arrival_ <= now && MayStart(next_arrival_); next_arrival_ += Seconds(gap_seconds_(random_))) {
    const Due due = Plan(next_arrival_);
    if (idle_.empty()) {
      queue_.push_back(due);
      report_.longest_queue = std::max(report_.longest_queue, queue_.size());
      continue;
    }
    Slot* slot = idle_.back();
    idle_.pop_back();
    Ask(*slot, due);
  }
  if (MayStart(next_arrival_)) return WaitForArrival();
  EndArrivals(now);
  StopIfDone();
}

// Ends requests that take too long, and in the end the wait for a free connection.
void Generator::Watch() {
  const TimePoint now = Clock::now();
  const auto timeout = Seconds(options_.timeout_seconds);
  for (const auto& slot : slots_) {
    if (now - slot->started > timeout) slot->connection.GiveUp("no answer in time");
  }
  if (arrivals_end_ && now - *arrivals_end_ > timeout) {
    for (const Due& due : queue_) report_.unsent += due.is_counted;
    queue_.clear();
    StopIfDone();
  }
  watch_timer_.expires_after(kWatchPeriod);
  watch_timer_.async_wait([this](const ErrorCode& error) {
    if (!error) Watch();
  });
}

void Generator::EndArrivals(TimePoint now) {
  if (!arrivals_end_) arrivals_end_ = now;
}

void Generator::StopIfDone() {
  if (arrivals_end_ && queue_.empty() && idle_.size() == slots_.size()) io_.stop();
}

LoadReport Generator::Finished() {
  // Ended by the number of requests: the time that they took.
  const bool is_early = options_.requests > 0 && planned_ == options_.requests && last_answer_ < window_end_;
  report_.seconds = InSeconds((is_early ? last_answer_ : window_end_) - window_start_);
  if (report_.seconds > 0) report_.per_second = static_cast<double>(good_in_window_) / report_.seconds;
  for (const auto& slot : slots_) report_.connects += slot->connection.connects();
  return std::move(report_);
}

}  // namespace

uint64_t LoadReport::Failures() const {
  uint64_t failures = wrong_bodies + unsent;
  for (const auto& [error, count] : errors) failures += count;
  for (const auto& [status, count] : statuses) failures += status / 100 == 2 ? 0 : count;
  return failures;
}

Result<LoadReport> RunLoad(const LoadOptions& options) {
  SLIPWAY_RETURN_IF_ERROR(Check(options));
  SLIPWAY_ASSIGN_OR_RETURN(std::string request, RequestText(options));
  return Generator(options, std::move(request)).Run();
}

}  // namespace slipway::serve
