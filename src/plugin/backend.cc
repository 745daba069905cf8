#include "plugin/backend.h"

#include <algorithm>

#include "plugin/instance.h"

namespace slipway {
namespace {

class PluginNodeKernel : public Kernel {
 public:
  explicit PluginNodeKernel(std::unique_ptr<PluginInstance> instance) : instance_(std::move(instance)) {}

  int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const override {
    return instance_->WorkspaceBytes(inputs, outputs);
  }

  Status Run(const KernelArgs& args) const override {
    return instance_->Run({args.inputs, args.outputs, args.output_types, args.workspace, &args.pool});
  }

 private:
  std::unique_ptr<PluginInstance> instance_;
};

std::vector<OperandFacts> FactsOf(const std::vector<const Value*>& values) {
  std::vector<OperandFacts> facts;
  for (const Value* value : values) {
    OperandFacts& each = facts.emplace_back();
    if (value == nullptr) continue;
    each = {&value->type, value->IsConstant() ? &value->data : nullptr,
            value->quant ? &*value->quant : nullptr};
  }
  return facts;
}

class PluginTactic : public Tactic {
 public:
  std::string name() const override { return "plugin/run"; }

  std::optional<std::string> WhyNot(const Step& step) const override {
    if (FindPlugin(step.op->name) == nullptr) return "not a plugin's operator";
    return std::nullopt;
  }

  // Nobody knows how fast a plugin is; nothing competes with it but its own reference.
  double EstimateUs(const Step&) const override { return 1; }

  Result<std::unique_ptr<Kernel>> Make(const Step& step) const override {
    SLIPWAY_ASSIGN_OR_RETURN(auto instance,
                             PluginInstance::Make(*step.node, FactsOf(step.inputs), FactsOf(step.outputs)));
    return std::unique_ptr<Kernel>(std::make_unique<PluginNodeKernel>(std::move(instance)));
  }
};

}  // namespace

const Backend& PluginBackend() {
  static const PluginTactic tactic;
  static const auto* const backend = new Backend{"plugin", "operators of plugins", {&tactic}};
  return *backend;
}

bool HasPluginNodes(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& node) { return FindPlugin(node.op) != nullptr; });
}

}  // namespace slipway
