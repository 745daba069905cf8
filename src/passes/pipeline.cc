#include "passes/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "ops/verify.h"
#include "passes/pass.h"

namespace slipway {
namespace {

struct PassEntry {
  const char* name;
  PassFn run;
};

// Order matters: constants first, since the others look for them; activations last, onto whatever was fused
// before.
constexpr PassEntry kPasses[] = {
    {"fold_constants", FoldConstants},
    {"eliminate_no_ops", EliminateNoOps},
    {"fold_batch_norm", FoldBatchNorm},
    {"fuse_conv_bias", FuseConvBias},
    {"fuse_silu", FuseSilu},
    {"fuse_activation", FuseActivation},
    {"eliminate_dead", EliminateDead},
};

bool IsDisabled(const PipelineOptions& options, const char* name) {
  const auto& off = options.disabled;
  return std::find(off.begin(), off.end(), name) != off.end() ||
         std::find(off.begin(), off.end(), "all") != off.end();
}

}  // namespace

PipelineOptions PipelineOptions::FromEnvironment() {
  PipelineOptions options;
  if (const char* text = std::getenv("SLIPWAY_DISABLE")) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (comma > 0) options.disabled.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  if (const char* text = std::getenv("SLIPWAY_STOP_AFTER")) options.stop_after = std::atoi(text);
  return options;
}

Result<std::vector<PassReport>> Optimize(Graph& graph, const PipelineOptions& options) {
  std::vector<PassReport> reports;
  for (const PassEntry& pass : kPasses) {
    if (options.stop_after >= 0 && static_cast<int>(reports.size()) >= options.stop_after) break;
    PassReport report{pass.name};
    const auto start = std::chrono::steady_clock::now();
    if (!IsDisabled(options, pass.name)) {
      auto has_changed = pass.run(graph);
      if (!has_changed.ok()) return has_changed.status().WithContext(std::string("pass ") + pass.name);
      report.has_changed = *has_changed;
    }
    if (report.has_changed) {
      SLIPWAY_RETURN_IF_ERROR(EliminateDead(graph).status());
      SLIPWAY_RETURN_IF_ERROR(graph.SortTopologically());
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
