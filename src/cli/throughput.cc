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

// The first step plans memory and is not counted; all streams start together after it.
void RunStream(const std::function<Step()>& new_step, double seconds, std::latch& start, Stream& stream) {
  const Step step = new_step();
  stream.status = step();
  start.arrive_and_wait();
  const auto begin = SteadyClock::now();
  do {
    const auto step_begin = SteadyClock::now();
    if (stream.status.ok()) stream.status = step();
    stream.times_ms.push_back(MillisecondsSince(step_begin));
    stream.seconds = MillisecondsSince(begin) / 1000;
  } while (stream.status.ok() && stream.seconds < seconds);
}

}  // namespace

Result<Throughput> MeasureStreams(int count, double seconds, const std::function<Step()>& new_step) {
  std::vector<Stream> streams(static_cast<size_t>(count));
  std::latch start(count);
  std::vector<std::thread> threads;
  for (Stream& stream : streams) threads.emplace_back([&] { RunStream(new_step, seconds, start, stream); });
  for (std::thread& thread : threads) thread.join();
  Throughput result;
  result.contexts = count;
  std::vector<double> times;
  for (const Stream& stream : streams) {
    SLIPWAY_RETURN_IF_ERROR(stream.status);
    result.per_second += static_cast<double>(stream.times_ms.size()) / stream.seconds;
    times.insert(times.end(), stream.times_ms.begin(), stream.times_ms.end());
  }
  result.median_ms = Median(std::move(times));
  return result;
}

Result<Throughput> MeasureThroughput(const Engine& engine, std::span<const Tensor> inputs, int contexts,
                                     double seconds) {
  return MeasureStreams(contexts, seconds, [&] {
    const std::shared_ptr<Context> context = engine.NewContext();
    return [context, inputs] { return context->Run(inputs).status(); };
  });
}

}  // namespace slipway::cli
