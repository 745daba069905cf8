// Runs ONNX's backend test data against a backend: every case passes, or stands in the list of expected
// failures.
//
// Each case runs in a process of its own, so that a crash or an endless loop is one failing case. An unlisted
// failure and a listed case that passes both fail the run. Exit status: 0 as expected, 1 otherwise, 2 usage,
// 77 where the machine lacks the precision.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

#include "api/codecs.h"
#include "build/choose.h"
#include "expected_failures.h"
#include "formats/onnx/onnx.h"
#include "onnx_case.h"
#include "runner.h"

namespace slipway::conformance {
namespace {

struct Options {
  std::string data = SLIPWAY_ONNX_DATA;
  std::string backend = "interpret";
  std::string filter;
  std::string without;
  std::string list_file = SLIPWAY_ONNX_LIST;
  std::string shard = "0/1";
  int timeout_s = 60;
  Precision precision = Precision::kF32;
  Closeness closeness;
  bool has_constants = false;
  bool is_update = false;
  bool is_dropping = false;
  bool is_verbose = false;
};

// "Softmax" for a model of one operator, "Conv, Relu, ..." for more.
std::string OperatorsOf(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) {
    const std::string source = node.sources.empty() ? node.op : node.sources[0];
    const std::string name = source.substr(0, source.find(' '));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::string text;
  for (size_t i = 0; i < names.size() && i < 3; ++i) text += (text.empty() ? "" : ", ") + names[i];
  return names.size() > 3 ? text + ", ..." : text;
}

// A short reason that cases can share: the operators that are missing, or the first line of the error.
std::string ReasonOf(const Status& status) {
  std::string line = status.message().substr(0, status.message().find('\n'));
  constexpr std::string_view kMissing = "cannot be read: ";
  const size_t missing = line.find(kMissing);
  if (status.code() != Code::kUnsupported || missing == std::string::npos) return line;
  const bool is_missing = status.message().find("): ", missing) == std::string::npos;
  std::string operators = line.substr(missing + kMissing.size());
  for (size_t at; (at = operators.find(" (opset")) != std::string::npos;) {
    const size_t end = operators.find(';', at);
    operators.erase(at, end == std::string::npos ? std::string::npos : end - at);
  }
  if (is_missing) return "operator " + operators;
  const std::string detail = status.message().substr(status.message().find("): ", missing) + 3);
  return "a form of " + operators + ": " + detail.substr(0, detail.find('\n'));
}

// The model's inputs with a symbol for every extent.
ImportOptions WithSymbols(const Graph& graph) {
  ImportOptions options;
  for (ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    if (value.type.kind != TypeKind::kTensor || !value.type.HasRank()) continue;
    InputCut cut{value.name, DimList()};
    for (int axis = 0; axis < value.type.rank(); ++axis) {
      cut.shape->push_back(Dim::Symbol(value.name + "." + std::to_string(axis)));
    }
    options.inputs.push_back(std::move(cut));
  }
  return options;
}

// A network's weights are constants, which the suite's models take as inputs: all inputs but the first become
// constants, and leave `inputs`.
Graph WithConstants(Graph graph, std::vector<Datum>& inputs) {
  if (!graph.states.empty()) return graph;
  size_t kept = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueId id = graph.inputs[i];
    const bool is_constant = i > 0 && inputs[i].kind == TypeKind::kTensor && !inputs[i].tensor.IsNone() &&
                             inputs[i].tensor.dtype() != DType::kString &&
                             std::ranges::count(graph.outputs, id) == 0;
    if (is_constant) {
      Value& value = graph.value(id);
      value.data = inputs[i].tensor;
      value.type = Type::Of(value.data.dtype(), ToDimList(value.data.dims()));
    } else {
      graph.inputs[kept] = id;
      inputs[kept++] = inputs[i];
    }
  }
  graph.inputs.resize(kept);
  inputs.resize(kept);
  return graph;
}

// Empty: passed. Otherwise "<reason>\t<detail>".
std::string RunCase(const OnnxCase& test, const Options& options) {
  const auto failure = [](const std::string& reason, const Status& status) {
    return reason + "\t" + status.message();
  };
  ModelFile file;
  file.path = test.model;
  auto mapped = MappedFile::Open(test.model);
  if (!mapped.ok()) return failure("unreadable", mapped.status());
  file.file = *mapped;
  auto model = ImportOnnx(file, {});
  if (!model.ok()) return failure(ReasonOf(model.status()), model.status());
  const Graph declared = model->graph;
  if (options.backend == "symbolic") {
    model = ImportOnnx(file, WithSymbols(model->graph));
    if (!model.ok()) return failure("symbolic shapes: " + ReasonOf(model.status()), model.status());
  }
  const Graph& graph = model->graph;
  auto runner = MakeRunner(options.backend, graph, options.precision);
  if (!runner.ok()) return failure(ReasonOf(runner.status()), runner.status());
  const size_t num_sets = test.data_sets.empty() ? 1 : test.data_sets.size();
  for (size_t k = 0; k < num_sets; ++k) {
    auto set = test.data_sets.empty() ? LightDataSet(test, declared) : ReadDataSet(test.data_sets[k], graph);
    if (!set.ok()) return failure("test data of a kind not read yet", set.status());
    const Graph with_constants = options.has_constants ? WithConstants(graph, set->inputs) : Graph();
    if (options.has_constants) {
      runner = MakeRunner(options.backend, with_constants, options.precision);
      if (!runner.ok()) return failure(ReasonOf(runner.status()), runner.status());
    }
    auto got = (*runner)->Run(set->inputs);
    if (!got.ok()) return failure("running " + OperatorsOf(graph), got.status());
    for (size_t i = 0; i < set->outputs.size(); ++i) {
      const Status status = i < got->size() ? Compare((*got)[i], set->outputs[i], options.closeness)
                                            : Status(Code::kMismatch, "missing");
      if (status.ok()) continue;
      return failure("results of " + OperatorsOf(graph), status.WithContext("output " + std::to_string(i)));
    }
  }
  return {};
}

// Of this process: computing counts, so that a machine that does other things, too, fails nothing. What waits
// for ever computes nothing: it gets ten times as long.
void LimitTime(int seconds) {
  const auto limit = static_cast<rlim_t>(seconds);
  const rlimit limits = {limit, limit + 1};
  ::setrlimit(RLIMIT_CPU, &limits);
  ::alarm(10 * static_cast<unsigned>(seconds));
}

// RunCase in a child process.
std::string RunIsolated(const OnnxCase& test, const Options& options) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe\t";
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return "no process\t";
  if (child == 0) {
    ::close(ends[0]);
    LimitTime(options.timeout_s);
    const std::string result = RunCase(test, options);
    const bool is_sent = ::write(ends[1], result.data(), result.size()) >= 0;
    ::_exit(is_sent && result.empty() ? 0 : 1);
  }
  ::close(ends[1]);
  std::string result;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof(buffer))) > 0;) {
    result.append(buffer, static_cast<size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (!result.empty()) return result;
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGALRM || signal == SIGXCPU) return "too slow\t";
  return "crash\tsignal " + std::to_string(signal);
}

struct Counts {
  int passed = 0;
  int expected = 0;    // listed, and failing
  int unexpected = 0;  // failing, not listed
  int stale = 0;       // listed, but passing
};

class Suite {
 public:
  explicit Suite(const Options& options) : options_(options) {}

  int Run() {
    auto cases = FindCases(options_.data);
    if (!cases.ok()) return Fail(cases.status());
    auto list = ExpectedFailures::Read(options_.list_file);
    if (!list.ok()) return Fail(list.status());
    size_t shard = 0;
    size_t num_shards = 1;
    if (std::sscanf(options_.shard.c_str(), "%zu/%zu", &shard, &num_shards) != 2 || num_shards == 0) {
      return Fail(Status(Code::kUsage, "--shard is '" + options_.shard + "'; write 0/4"));
    }
    for (size_t i = 0; i < cases->size(); ++i) {
      const OnnxCase& test = (*cases)[i];
      if (i % num_shards != shard || test.name.find(options_.filter) == std::string::npos) continue;
      if (!options_.without.empty() && test.name.find(options_.without) != std::string::npos) continue;
      if (options_.is_dropping && list->ReasonFor(test.name, options_.backend).empty()) continue;
      Judge(test, *list);
    }
    if (options_.is_update || options_.is_dropping) {
      if (Status status = list->Write(options_.list_file); !status.ok()) return Fail(status);
    }
    return Report();
  }

 private:
  static int Fail(const Status& status) {
    std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
    return 2;
  }

  void Judge(const OnnxCase& test, ExpectedFailures& list) {
    const std::string result = RunIsolated(test, options_);
    const size_t tab = result.find('\t');
    const std::string reason = result.substr(0, tab);
    const std::string detail = tab == std::string::npos ? "" : result.substr(tab + 1);
    const std::string listed = list.ReasonFor(test.name, options_.backend);
    Counts& counts = counts_[test.name.substr(0, test.name.find('/'))];
    if (options_.is_verbose && !result.empty()) {
      std::printf("%s: %s: %s\n", test.name.c_str(), reason.c_str(), detail.c_str());
    }
    const bool is_random = ExpectedFailures::IsRandom(listed);
    if (options_.is_update || options_.is_dropping) {
      if (result.empty() && !is_random) list.Remove(test.name, options_.backend);
      if (!result.empty() && options_.is_update) list.Set(test.name, options_.backend, reason);
      ++(result.empty() ? counts.passed : counts.expected);
      return;
    }
    const bool is_lenient = options_.closeness.rtol > Closeness().rtol;  // what is listed may pass then
    if (result.empty() && (listed.empty() || is_lenient || is_random)) {
      ++counts.passed;
    } else if (result.empty()) {
      ++counts.stale;
      std::printf("PASSES BUT IS LISTED: %s (%s)\n", test.name.c_str(), listed.c_str());
    } else if (!listed.empty()) {
      ++counts.expected;
    } else {
      ++counts.unexpected;
      std::printf("FAILED: %s: %s: %s\n", test.name.c_str(), reason.c_str(), detail.c_str());
    }
  }

  int Report() const {
    Counts total;
    std::printf("%-20s %8s %8s %10s %8s\n", options_.backend.c_str(), "passed", "listed", "unexpected",
                "stale");
    const auto print = [](const std::string& name, const Counts& counts) {
      std::printf("%-20s %8d %8d %10d %8d\n", name.c_str(), counts.passed, counts.expected, counts.unexpected,
                  counts.stale);
    };
    for (const auto& [name, counts] : counts_) {
      print(name, counts);
      total.passed += counts.passed;
      total.expected += counts.expected;
      total.unexpected += counts.unexpected;
      total.stale += counts.stale;
    }
    print("total", total);
    const int failed = total.unexpected + total.stale;
    if (total.stale > 0) std::printf("make approve takes listed cases that pass off the list\n");
    std::printf("%d passed, %d failed, %d skipped\n", total.passed, failed, total.expected);
    return failed == 0 ? 0 : 1;
  }

  Options options_;
  std::map<std::string, Counts> counts_;
};

}  // namespace
}  // namespace slipway::conformance

int main(int argc, char** argv) {
  slipway::InstallCodecs();
  slipway::conformance::Options options;
  CLI::App app("ONNX's backend test data against a Slipway backend");
  app.add_option("--data", options.data, "folder onnx/backend/test/data of the onnx wheel")
      ->capture_default_str();
  app.add_option("--backend", options.backend, "interpret, symbolic, or a backend")->capture_default_str();
  app.add_option_function<std::string>(
      "--precision",
      [&](const std::string& name) {
        const auto precision = slipway::PrecisionNamed(name);
        if (!precision.ok()) throw CLI::ValidationError("--precision", precision.status().message());
        options.precision = *precision;
      },
      "of a backend's products: f32, bf16, f16");
  app.add_flag("--constant-operands", options.has_constants,
               "make constants of all inputs but the first, as weights of networks are");
  app.add_option("--filter", options.filter, "only cases whose name contains this");
  app.add_option("--without", options.without, "no case whose name contains this");
  app.add_option("--list-file", options.list_file, "expected failures")->capture_default_str();
  app.add_option("--shard", options.shard, "INDEX/COUNT: every COUNT-th case from INDEX on");
  app.add_option("--rtol", options.closeness.rtol, "floats may differ by this part of the wanted value");
  app.add_option("--atol", options.closeness.atol, "and by this");
  app.add_option("--timeout", options.timeout_s, "seconds of computing that a case may take");
  app.add_flag("--update", options.is_update, "rewrite the list as the results are now");
  app.add_flag("--drop-passing", options.is_dropping, "only take listed cases that pass off the list");
  app.add_flag("--verbose", options.is_verbose, "print every failure");
  CLI11_PARSE(app, argc, argv);
  const slipway::Backend* backend = slipway::FindBackend(options.backend);
  if (const auto reason = backend == nullptr ? std::nullopt : backend->WhyNo(options.precision)) {
    std::printf("skipped: %s\n", reason->c_str());
    return 77;
  }
  return slipway::conformance::Suite(options).Run();
}
