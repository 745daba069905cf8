#include "cli/throughput.h"

#include <latch>
#include <thread>

#include "base/timing.h"

namespace slipway::cli {
namespace {

struct Stream {
  Status status;
  std::vector<double> times_ms;
  double seconds = 0;
};

// The first run plans memory and is not counted; all streams start together after it.
void RunStream(const Engine& engine, std::span<const Tensor> inputs, double seconds, std::latch& start,
               Stream& stream) {
  const auto context = engine.NewContext();
  stream.status = context->Run(inputs).status();
  start.arrive_and_wait();
  const auto begin = SteadyClock::now();
  do {
    const auto run_begin = SteadyClock::now();
    if (stream.status.ok()) stream.status = context->Run(inputs).status();
    stream.times_ms.push_back(MillisecondsSince(run_begin));
    stream.seconds = MillisecondsSince(begin) / 1000;
  } while (stream.status.ok() && stream.seconds < seconds);
}

}  // namespace

Result<Throughput> MeasureThroughput(const Engine& engine, std::span<const Tensor> inputs, int contexts,
                                     double seconds) {
  std::vector<Stream> streams(static_cast<size_t>(contexts));
  std::latch start(contexts);
  std::vector<std::thread> threads;
  for (Stream& stream : streams)
    threads.emplace_back([&] { RunStream(engine, inputs, seconds, start, stream); });
  for (std::thread& thread : threads) thread.join();
  Throughput result;
  result.contexts = contexts;
  std::vector<double> times;
  for (const Stream& stream : streams) {
    SLIPWAY_RETURN_IF_ERROR(stream.status);
    result.per_second += static_cast<double>(stream.times_ms.size()) / stream.seconds;
    times.insert(times.end(), stream.times_ms.begin(), stream.times_ms.end());
  }
  result.median_ms = Median(std::move(times));
  return result;
}

}  // namespace slipway::cli
