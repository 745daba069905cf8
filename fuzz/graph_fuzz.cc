// Differential fuzzing: random graphs, run every way that Slipway can run them, and by onnxruntime.
//
// usage: slipway_graph_fuzz [--graphs N] [--seconds N] [--seed N] [--nodes N] [--findings FOLDER]
//                           [--oracle "PYTHON tests/oracles/graph_fuzz.py" --deviations FILE]
//        slipway_graph_fuzz --replay FOLDER [--oracle ...]
//
// Graph k is made from seed N + k. A difference is shrunk and saved in FOLDER: graph.txt, input_N.pb, what
// differs, and the command that shows it again. Exits with 7 where something differs. With an oracle, first
// every test case of the records is asked for alone; what onnxruntime runs, and is not in the list of
// deviations, is what the graphs for it are made from.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "formats/onnx/tensor_proto.h"
#include "formats/onnx/write.h"
#include "graph_check.h"
#include "graph_oracle.h"
#include "ir/text.h"
#include "ops/verify.h"

namespace slipway::fuzz {
namespace {

struct Options {
  size_t graphs = 200;
  double seconds = 1e9;
  uint64_t seed = 1;
  size_t nodes = 20;
  std::string findings = "graph_fuzz_findings";
  std::string oracle;
  std::string deviations;
  std::string replay;
};

Result<Options> Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) return Status(Code::kUsage, std::string(flag) + " needs a value");
    const char* value = argv[++i];
    if (flag == "--graphs") {
      options.graphs = std::strtoull(value, nullptr, 10);
    } else if (flag == "--seconds") {
      options.seconds = std::atof(value);
    } else if (flag == "--seed") {
      options.seed = std::strtoull(value, nullptr, 10);
    } else if (flag == "--nodes") {
      options.nodes = std::max<size_t>(1, std::strtoull(value, nullptr, 10));
    } else if (flag == "--findings") {
      options.findings = value;
    } else if (flag == "--oracle") {
      options.oracle = value;
    } else if (flag == "--deviations") {
      options.deviations = value;
    } else if (flag == "--replay") {
      options.replay = value;
    } else {
      return Status(Code::kUsage, "unknown flag " + std::string(flag),
                    "the head of fuzz/graph_fuzz.cc lists them");
    }
  }
  return options;
}

constexpr const char* kOracleMode = "onnxruntime";

std::string KeyOf(const Source& source) { return source.op->name + "/" + source.test.label; }

constexpr std::string_view kInGraphs = " (in graphs)";

// "Op/case" or "Op", perhaps " (in graphs)", a colon, the reason; # comments.
Result<std::map<std::string, std::string>> ReadDeviations(const std::string& path) {
  std::map<std::string, std::string> deviations;
  if (path.empty()) return deviations;
  SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(": ");
    if (colon == std::string::npos)
      return Status(Code::kUsage, path + ": '" + line + "' has no ': ' with a reason behind it");
    deviations[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return deviations;
}

volatile uint64_t current_seed = 0;

// A crash is a finding, too: what it needs to be seen again.
void OnCrash(int signal) {
  char text[700];
  const int size = std::snprintf(text, sizeof(text), "CRASHED: --graphs 1 --seed %llu; last node tried: %s\n",
                                 static_cast<unsigned long long>(current_seed), NodeInTrial());
  if (write(STDERR_FILENO, text, static_cast<size_t>(size)) < 0) _exit(1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

class Fuzzer {
 public:
  explicit Fuzzer(Options options) : options_(std::move(options)) {}

  Result<size_t> Run() {
    for (const Source& source : AllSources()) everything_.sources.push_back(&source);
    everything_.max_nodes = options_.nodes;
    if (!options_.oracle.empty()) {
      SLIPWAY_ASSIGN_OR_RETURN(oracle_, Oracle::Start(options_.oracle));
      SLIPWAY_RETURN_IF_ERROR(AskForEverySource());
    }
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    constexpr size_t kBatch = 100;
    size_t done = 0;
    while (done < options_.graphs && elapsed() < options_.seconds) {
      std::vector<Sample> asked;
      for (size_t i = 0; i < kBatch && done < options_.graphs && elapsed() < options_.seconds; ++i, ++done)
        CheckOne(options_.seed + done, asked);
      SLIPWAY_RETURN_IF_ERROR(AskFor(asked));
      std::fprintf(stderr, "%zu graphs, %d findings, %.0f s\n", done, num_findings_, elapsed());
    }
    Report(done);
    return static_cast<size_t>(num_findings_);
  }

  Result<size_t> Replay() {
    SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(options_.replay + "/graph.txt"));
    Sample sample;
    SLIPWAY_ASSIGN_OR_RETURN(sample.graph, ParseGraph(text));
    SLIPWAY_RETURN_IF_ERROR(VerifyGraph(sample.graph));
    for (size_t i = 0; i < sample.graph.inputs.size(); ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(const std::string bytes,
                               ReadFile(options_.replay + "/input_" + std::to_string(i) + ".pb"));
      onnx::TensorSource source;
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, onnx::ReadTensorProto(bytes, source));
      sample.inputs.push_back(Datum::Of(std::move(tensor)));
    }
    size_t num_different = 0;
    const auto show = [&](const char* mode, const std::optional<std::string>& difference) {
      std::printf("%-14s %s\n", mode, difference ? difference->c_str() : "the same");
      num_different += difference ? 1 : 0;
    };
    for (Mode mode : kAllModes) show(ModeName(mode), Check(mode, sample));
    if (options_.oracle.empty()) return num_different;
    SLIPWAY_ASSIGN_OR_RETURN(oracle_, Oracle::Start(options_.oracle));
    show(kOracleMode, OracleDifference(sample));
    return num_different;
  }

 private:
  // With an oracle three of four are made from what it has.
  void CheckOne(uint64_t seed, std::vector<Sample>& asked) {
    current_seed = seed;
    const bool is_for_oracle = oracle_ != nullptr && seed % 4 != 0;
    Sample sample = Generate(seed, is_for_oracle ? for_oracle_ : everything_);
    for (const Node& node : sample.graph.nodes) ++ops_[node.op];
    num_nodes_ += sample.graph.nodes.size();
    const auto want = Wanted(sample);
    if (!want.ok()) {
      Found("interpreter", sample, "the interpreter refuses it: " + want.status().message(), {});
      return;
    }
    num_open_ += std::any_of(sample.graph.inputs.begin(), sample.graph.inputs.end(),
                             [&](ValueId id) { return !sample.graph.value(id).type.IsStatic(); });
    for (Mode mode : kAllModes) {
      const auto difference = Difference(sample, *want, RunAs(mode, sample), &num_shaken_);
      if (!difference) continue;
      Found(ModeName(mode), sample, *difference, [mode](const Sample& each) { return Check(mode, each); });
      break;  // the others show the same, most often
    }
    if (is_for_oracle && FormatOnnx(sample.graph).ok()) asked.push_back(std::move(sample));
  }

  std::optional<std::string> OracleDifference(const Sample& sample) {
    const auto want = Wanted(sample);
    auto answers = oracle_->Ask({&sample});
    if (!want.ok() || !answers.ok() || !(*answers)[0].ok()) return std::nullopt;
    return Difference(sample, *want, (*answers)[0], nullptr);
  }

  Status AskFor(const std::vector<Sample>& samples) {
    if (samples.empty()) return Status::Ok();
    std::vector<const Sample*> pointers;
    for (const Sample& sample : samples) pointers.push_back(&sample);
    SLIPWAY_ASSIGN_OR_RETURN(const auto answers, oracle_->Ask(pointers));
    for (size_t i = 0; i < samples.size(); ++i) {
      if (!answers[i].ok()) {
        ++refusals_[answers[i].status().message().substr(0, 160)];
        continue;
      }
      ++num_asked_;
      const auto want = Wanted(samples[i]);
      if (!want.ok()) continue;
      const auto difference = Difference(samples[i], *want, answers[i], &num_shaken_);
      if (!difference) continue;
      Found(kOracleMode, samples[i], *difference,
            [this](const Sample& each) { return OracleDifference(each); });
    }
    return Status::Ok();
  }

  // Every case alone: what onnxruntime refuses or does otherwise is no matter for graphs.
  Status AskForEverySource() {
    SLIPWAY_ASSIGN_OR_RETURN(const auto deviations, ReadDeviations(options_.deviations));
    std::vector<Sample> samples;
    std::vector<const Source*> sources;
    for (const Source& source : AllSources()) {
      auto sample = OneNode(source, 7);
      if (!sample.ok() || !FormatOnnx(sample->graph).ok()) continue;
      sample->graph.name = source.op->name + "_" + source.test.label;
      samples.push_back(std::move(*sample));
      sources.push_back(&source);
    }
    std::vector<const Sample*> pointers;
    for (const Sample& sample : samples) pointers.push_back(&sample);
    SLIPWAY_ASSIGN_OR_RETURN(const auto answers, oracle_->Ask(pointers));
    std::set<std::string> used;
    size_t num_refused = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      const std::string key = KeyOf(*sources[i]);
      if (!answers[i].ok()) {
        ++num_refused;
        std::fprintf(stderr, "onnxruntime refuses %s: %s\n", key.c_str(),
                     answers[i].status().message().substr(0, 200).c_str());
        continue;
      }
      bool is_listed = false;
      bool is_listed_in_graphs = false;
      for (const std::string& name : {key, sources[i]->op->name}) {
        const std::string in_graphs = name + std::string(kInGraphs);
        is_listed |= deviations.count(name) > 0;
        is_listed_in_graphs |= deviations.count(in_graphs) > 0;
        used.insert({name, in_graphs});
      }
      if (is_listed) continue;
      if (!is_listed_in_graphs) for_oracle_.sources.push_back(sources[i]);
      const auto want = Wanted(samples[i]);
      if (!want.ok()) continue;
      const auto difference = Difference(samples[i], *want, answers[i], &num_shaken_);
      if (difference) Found(kOracleMode, samples[i], key + ": " + *difference, {});
    }
    for_oracle_.max_nodes = options_.nodes;
    for (const auto& [key, reason] : deviations) {
      if (!used.count(key))
        std::printf("deviation '%s' is listed, but onnxruntime ran no such case\n", key.c_str());
    }
    std::printf("%zu cases alone: %zu are not run by onnxruntime, %zu make graphs for it\n", samples.size(),
                num_refused, for_oracle_.sources.size());
    if (for_oracle_.sources.empty()) return Status(Code::kNotFound, "the oracle runs no case at all");
    return Status::Ok();
  }

  using Differs = std::function<std::optional<std::string>(const Sample&)>;

  void Found(const char* mode, const Sample& sample, std::string difference, const Differs& differs) {
    ++num_findings_;
    Sample small = sample;
    if (differs) {
      small = Shrink(sample, [&](const Sample& each) { return differs(each).has_value(); });
      difference = differs(small).value_or(difference);
    }
    std::string folder = sample.graph.name + "_" + mode;
    std::replace(folder.begin(), folder.end(), '/', '_');
    folder = options_.findings + "/" + folder;
    std::printf("FOUND %s, %s: %s\n%s", sample.graph.name.c_str(), mode, difference.c_str(),
                PrintGraph(small.graph).c_str());
    std::fflush(stdout);
    if (const Status status = Save(small, folder, mode, difference); !status.ok())
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
  }

  static Status Save(const Sample& sample, const std::string& folder, const char* mode,
                     const std::string& difference) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    SLIPWAY_RETURN_IF_ERROR(WriteFile(folder + "/graph.txt", PrintGraph(sample.graph)));
    for (size_t i = 0; i < sample.inputs.size(); ++i) {
      const std::string& name = sample.graph.value(sample.graph.inputs[i]).name;
      SLIPWAY_RETURN_IF_ERROR(WriteFile(folder + "/input_" + std::to_string(i) + ".pb",
                                        FormatTensorProto(name, sample.inputs[i].tensor)));
    }
    (void)WriteOnnx(sample.graph, folder + "/model.onnx");  // where ONNX has every operator
    return WriteFile(folder + "/finding.txt",
                     std::string(mode) + ": " + difference + "\nslipway_graph_fuzz --replay " + folder +
                         (std::strcmp(mode, kOracleMode) == 0 ? " --oracle COMMAND" : "") + "\n");
  }

  void Report(size_t done) const {
    std::printf(
        "%zu graphs from seed %llu: %zu nodes of %zu operators, %zu graphs with open shapes, %zu run by "
        "onnxruntime, %d compared by shaking, %d findings\n",
        done, static_cast<unsigned long long>(options_.seed), num_nodes_, ops_.size(), num_open_, num_asked_,
        num_shaken_, num_findings_);
    for (const auto& [reason, count] : refusals_)
      std::printf("  onnxruntime refused %d: %s\n", count, reason.c_str());
  }

  Options options_;
  GeneratorOptions everything_;
  GeneratorOptions for_oracle_;
  std::unique_ptr<Oracle> oracle_;
  std::map<std::string, size_t> ops_;
  std::map<std::string, int> refusals_;
  size_t num_nodes_ = 0;
  size_t num_open_ = 0;
  size_t num_asked_ = 0;
  int num_shaken_ = 0;
  int num_findings_ = 0;
};

int Main(int argc, char** argv) {
  for (int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS}) std::signal(signal, OnCrash);
  auto options = Parse(argc, argv);
  if (options.ok()) {
    Fuzzer fuzzer(*options);
    const auto findings = options->replay.empty() ? fuzzer.Run() : fuzzer.Replay();
    if (findings.ok()) return *findings == 0 ? 0 : static_cast<int>(Code::kMismatch);
    options = findings.status();
  }
  std::fprintf(stderr, "%s\n", options.status().ToString().c_str());
  return static_cast<int>(options.status().code());
}

}  // namespace
}  // namespace slipway::fuzz

int main(int argc, char** argv) { return slipway::fuzz::Main(argc, argv); }
