// Slipway as one of the engines that take turns: the protocol of engines/worker.py.
//
// slipway_turns MODEL THREADS PRECISION INPUTS.npz OUTPUTS.npz    answers commands on stdin
// slipway_turns --peak [THREADS]                  a line of JSON: this machine's roofs, of all threads
// together
// slipway_turns --round-trip                      nanoseconds from core to core and back
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "api/load.h"
#include "base/npy.h"
#include "perf/peak.h"
#include "perf/round_trip.h"

namespace slipway {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double Since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// "VmHWM" or "VmRSS" of this process, in MB of 10^6 bytes; 0 where /proc does not say.
double StatusMegabytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) * 1024 / 1e6;
  }
  return 0;
}

// Sets VmHWM back to VmRSS, where the kernel allows it.
void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void Print(const Json& json) { std::cout << json.dump() << std::endl; }

// One model, loaded, with the context that runs it.
class Session {
 public:
  // inputs: by the names of the network's own.
  static Result<Session> Load(const std::string& path, const EngineOptions& options,
                              const std::map<std::string, Tensor>& inputs) {
    Session session;
    SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(path));
    SLIPWAY_ASSIGN_OR_RETURN(session.engine_, Engine::Create(std::move(loaded.model.graph), options));
    for (const PortInfo& port : session.engine_->inputs()) {
      const auto found = inputs.find(port.name);
      if (found == inputs.end())
        return Status(Code::kUsage, "input '" + port.name + "': the .npz has no such array");
      session.inputs_.push_back(found->second);
    }
    session.context_ = session.engine_->NewContext();
    return session;
  }

  // Milliseconds of one run.
  Result<double> TimeRun() {
    const auto start = Clock::now();
    const auto outputs = context_->Run(inputs_);
    const double ms = Since(start);
    SLIPWAY_RETURN_IF_ERROR(outputs.status());
    outputs_ = *outputs;
    return ms;
  }

  Status WriteOutputs(const std::string& path) const {
    std::vector<std::pair<std::string, Tensor>> arrays;
    for (size_t i = 0; i < outputs_.size(); ++i) arrays.emplace_back(engine_->outputs()[i].name, outputs_[i]);
    return WriteNpz(path, arrays);
  }

 private:
  std::shared_ptr<const Engine> engine_;
  std::unique_ptr<Context> context_;
  std::vector<Tensor> inputs_;
  std::span<const Tensor> outputs_;  // of the last run; the context's
};

// What loading and running take. Reading the inputs comes before and writing the outputs in between: Skip.
class MemoryMeter {
 public:
  MemoryMeter() {
    ForgetPeak();
    before_mb_ = StatusMegabytes("VmRSS");
  }

  // Does what does not count.
  template <class Work>
  Status Skip(const Work& work) {
    earlier_mb_ = Peak();
    const Status status = work();
    ForgetPeak();
    return status;
  }

  Json Measure() const { return {{"peak_mb", Peak()}, {"model_mb", Peak() - before_mb_}}; }

 private:
  double Peak() const { return std::max(earlier_mb_, StatusMegabytes("VmHWM")); }

  double before_mb_ = 0, earlier_mb_ = 0;
};

Result<Json> Answer(Session& session, const MemoryMeter& memory, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  int runs = 0;
  words >> command;
  if (command == "memory") return memory.Measure();
  if (command != "run" || !(words >> runs))
    return Status(Code::kUsage, "unknown command '" + line + "': use 'run N' or 'memory'");
  Json times = Json::array();
  for (int i = 0; i < runs; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const double ms, session.TimeRun());
    times.push_back(ms);
  }
  return Json{{"ms", times}};
}

Result<EngineOptions> OptionsFor(const std::string& threads, const std::string& precision) {
  EngineOptions options;
  SLIPWAY_ASSIGN_OR_RETURN(options.precision, PrecisionNamed(precision));
  options.num_threads = std::stoi(threads);
  return options;
}

Status Serve(char** argv) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto inputs, ReadNpz(argv[4]));
  MemoryMeter memory;
  SLIPWAY_ASSIGN_OR_RETURN(const EngineOptions options, OptionsFor(argv[2], argv[3]));
  const auto start = Clock::now();
  SLIPWAY_ASSIGN_OR_RETURN(Session session, Session::Load(argv[1], options, inputs));
  const double load_ms = Since(start);
  SLIPWAY_ASSIGN_OR_RETURN(const double first_ms, session.TimeRun());
  Json facts = {{"version", ProducerName()}, {"load_ms", load_ms}, {"first_ms", first_ms}};
  facts.update(memory.Measure());
  SLIPWAY_RETURN_IF_ERROR(memory.Skip([&] { return session.WriteOutputs(argv[5]); }));
  Print(facts);
  for (std::string line; std::getline(std::cin, line);) {
    SLIPWAY_ASSIGN_OR_RETURN(const Json answer, Answer(session, memory, line));
    Print(answer);
  }
  return Status::Ok();
}

int Main(int argc, char** argv) {
  if ((argc == 2 || argc == 3) && std::string(argv[1]) == "--peak") {
    const Peak peak = MeasurePeak(argc == 3 ? std::max(1, std::atoi(argv[2])) : 1);
    Print({{"f32_gflops", peak.f32_gflops}, {"load_gbytes", peak.load_gbytes()}});
    return 0;
  }
  if (argc == 2 && std::string(argv[1]) == "--round-trip") {
    Print({{"ns", MeasureRoundTrip()}});
    return 0;
  }
  if (argc != 6) {
    std::cerr << "usage: " << argv[0]
              << " MODEL THREADS PRECISION INPUTS.npz OUTPUTS.npz, --peak [THREADS] or --round-trip\n";
    return 2;
  }
  const Status status = Serve(argv);
  if (status.ok()) return 0;
  Print({{"error", status.message()}});
  return 1;
}

}  // namespace
}  // namespace slipway

int main(int argc, char** argv) { return slipway::Main(argc, argv); }
