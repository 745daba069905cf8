// A plugin's instance for one node, and its runs.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "ops/run.h"
#include "plugin/registry.h"
#include "plugin/views.h"

namespace slipway {

// The operands of one run. Outputs of static shape are allocated, the others are allocated by the run.
struct PluginArgs {
  std::span<Datum* const> inputs;   // null: left out
  std::span<Datum* const> outputs;  // null: left out
  std::span<const Type> output_types;
  std::span<uint8_t> workspace;  // of WorkspaceBytes(), aligned to 64
  ThreadPool* pool = nullptr;    // null: one thread
};

// Immutable but for what it remembers of its checks; shared by threads.
class PluginInstance {
 public:
  // Lets the plugin read attributes and state. `inputs`, `outputs`: as far as known, constants with content.
  // Errors: the plugin's own, with the node's name.
  static Result<std::unique_ptr<PluginInstance>> Make(const Node& node, std::span<const OperandFacts> inputs,
                                                      std::span<const OperandFacts> outputs);
  ~PluginInstance();
  PluginInstance(const PluginInstance&) = delete;
  PluginInstance& operator=(const PluginInstance&) = delete;

  // Scratch for operands of these types, in bytes; 0 where the plugin asks for what cannot be, which Run then
  // speaks of.
  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const;

  // Runs, with or without checks: see PluginChecks. Every output that is present is allocated and has the
  // promised type afterwards.
  Status Run(const PluginArgs& args) const;

 private:
  friend class PluginRun;
  PluginInstance(const RegisteredPlugin& plugin, const Node& node);

  int64_t AskWorkspaceBytes(std::span<const slipway_tensor> inputs,
                            std::span<const slipway_tensor> outputs) const;
  bool NeedsCheck(const PluginArgs& args, uint64_t* shapes) const;
  Status RunChecked(const PluginArgs& args) const;

  const RegisteredPlugin& plugin_;
  Node node_;
  void* instance_ = nullptr;
  std::vector<std::optional<Quant>> input_quants_, output_quants_;
  std::vector<slipway_quant> input_quant_views_, output_quant_views_;
  // Shapes that passed a check, as hashes; 0: none. Once full the oldest goes.
  mutable std::array<std::atomic<uint64_t>, 16> checked_{};
  mutable std::atomic<uint32_t> next_checked_{0};
  mutable std::atomic<bool> was_workspace_refused_{false};
};

}  // namespace slipway
