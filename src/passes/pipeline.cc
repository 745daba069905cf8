#include "passes/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "base/nearest.h"
#include "ops/infer.h"
#include "ops/verify.h"
#include "passes/pass.h"

namespace slipway {
namespace {

struct PassEntry {
  const char* name;
  PassFn run;
  bool is_on_demand;
};

constexpr PassEntry kPasses[] = {
#define SLIPWAY_PASS(name, function) {#name, function, false},
#define SLIPWAY_PASS_ON_DEMAND(name, function) {#name, function, true},
#include "passes/passes.inc"
#undef SLIPWAY_PASS_ON_DEMAND
#undef SLIPWAY_PASS
};

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsDisabled(const PipelineOptions& options, const PassEntry& pass) {
  if (Has(options.disabled, pass.name) || Has(options.disabled, "all")) return true;
  return pass.is_on_demand && !Has(options.enabled, pass.name);
}

Status CheckNames(const PipelineOptions& options) {
  std::vector<std::string_view> known = {"all"};
  std::string listed;
  for (const PassEntry& pass : kPasses) {
    known.push_back(pass.name);
    listed += (listed.empty() ? "" : ", ") + std::string(pass.name);
  }
  for (const auto& [variable, names] : {std::pair("SLIPWAY_DISABLE takes all or any of: ", &options.disabled),
                                        std::pair("SLIPWAY_ENABLE takes any of: ", &options.enabled)}) {
    for (const std::string& name : *names) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      return Status(Code::kUsage, "no pass is called '" + name + "'" + DidYouMean(name, known),
                    variable + listed);
    }
  }
  return Status::Ok();
}

Result<bool> RunPass(PassFn pass, Graph& graph);

// The sub-graph rewritten, or null where nothing changed. Types are put back behind the pass: what they say
// of a first iteration is what the node around the sub-graph was checked with.
Result<GraphRef> RewriteSubGraph(PassFn pass, const Graph& original) {
  Graph graph = original;
  for (Value& value : graph.values) {
    if (!value.IsConstant()) value.type.shape.reset();
  }
  if (!InferGraph(graph).ok()) return GraphRef();  // left alone: it needs the shapes
  SLIPWAY_ASSIGN_OR_RETURN(const bool has_changed, RunPass(pass, graph));
  if (!has_changed) return GraphRef();
  for (Value& value : graph.values) {
    const ValueId before = original.FindValue(value.name);
    if (before != kNoValue && !value.IsConstant()) value.type = original.value(before).type;
  }
  return std::make_shared<const Graph>(std::move(graph));
}

// Sub-graphs first, then the graph itself; leaves no dead nodes and the order right.
Result<bool> RunPass(PassFn pass, Graph& graph) {
  bool has_changed = false;
  for (Node& node : graph.nodes) {
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub == nullptr || *sub == nullptr) continue;
      SLIPWAY_ASSIGN_OR_RETURN(GraphRef rewritten, RewriteSubGraph(pass, **sub));
      if (rewritten == nullptr) continue;
      node.attrs.Set(name, std::move(rewritten));
      has_changed = true;
    }
  }
  SLIPWAY_ASSIGN_OR_RETURN(const bool has_changed_here, pass(graph));
  if (!has_changed_here) return has_changed;
  SLIPWAY_RETURN_IF_ERROR(EliminateDead(graph).status());
  SLIPWAY_RETURN_IF_ERROR(graph.SortTopologically());
  return true;
}

// Names between commas in a variable of the environment.
std::vector<std::string> NamesIn(const char* variable) {
  std::vector<std::string> names;
  const char* text = std::getenv(variable);
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    if (comma > 0) names.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return names;
}

}  // namespace

PipelineOptions PipelineOptions::FromEnvironment() {
  PipelineOptions options;
  options.disabled = NamesIn("SLIPWAY_DISABLE");
  options.enabled = NamesIn("SLIPWAY_ENABLE");
  if (const char* text = std::getenv("SLIPWAY_STOP_AFTER")) options.stop_after = std::atoi(text);
  return options;
}

Result<std::vector<PassReport>> Optimize(Graph& graph, const PipelineOptions& options) {
  SLIPWAY_RETURN_IF_ERROR(CheckNames(options));
  std::vector<PassReport> reports;
  for (const PassEntry& pass : kPasses) {
    if (options.stop_after >= 0 && static_cast<int>(reports.size()) >= options.stop_after) break;
    PassReport report{pass.name};
    const auto start = std::chrono::steady_clock::now();
    if (!IsDisabled(options, pass)) {
      auto has_changed = RunPass(pass.run, graph);
      if (!has_changed.ok()) return has_changed.status().WithContext(std::string("pass ") + pass.name);
      report.has_changed = *has_changed;
    }
    if (report.has_changed) {
      if (Status status = VerifyGraph(graph); !status.ok()) {
        return Status(
            Code::kInternal, std::string("pass ") + pass.name + " broke the graph: " + status.message(),
            std::string("switch it off with SLIPWAY_DISABLE=") + pass.name + " and report the model");
      }
    }
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    report.milliseconds = elapsed.count();
    report.nodes_after = graph.nodes.size();
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<std::string> PassNames() {
  std::vector<std::string> names;
  for (const PassEntry& pass : kPasses) names.emplace_back(pass.name);
  return names;
}

}  // namespace slipway
