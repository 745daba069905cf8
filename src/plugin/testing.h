// For tests: graphs of one plugin node, run on an engine.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ops/builder.h"
#include "ops/testing.h"
#include "plugin/nodes.h"
#include "runtime/engine.h"
#include "slipway/plugin_library.h"

namespace slipway {

inline Tensor F32(Dims dims, const std::vector<float>& values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

// A plugin whose functions are given one by one: one f32 input x, one f32 output y unless `description` says
// more.
class LambdaPlugin : public Plugin {
 public:
  struct Functions {
    std::function<void(plugin::InferCall&)> infer = [](plugin::InferCall& call) {
      call.SetOutput(0, call.input(0));
    };
    std::function<void(plugin::RunCall&)> run;
    std::function<int64_t(std::span<const plugin::TensorView>)> workspace;
    std::function<std::string(const plugin::Node&)> save;
    std::function<void(const plugin::Node&)> create;
  };

  static plugin::Description Description(std::string name) {
    return {.name = std::move(name),
            .summary = "Of a test.",
            .inputs = {{.name = "x", .dtypes = {DType::kF32}}},
            .outputs = {{.name = "y", .dtypes = {DType::kF32}}}};
  }

  LambdaPlugin(plugin::Description description, Functions functions)
      : description_(std::move(description)), functions_(std::move(functions)) {}

  plugin::Description Describe() const override { return description_; }
  void Infer(plugin::InferCall& call) const override { functions_.infer(call); }
  std::string Save(const plugin::Node& node) const override {
    return functions_.save ? functions_.save(node) : std::string();
  }
  std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override {
    if (functions_.create) functions_.create(node);
    return std::make_unique<Kernel>(functions_);
  }

 private:
  class Kernel : public PluginKernel {
   public:
    explicit Kernel(const Functions& functions) : functions_(functions) {}
    int64_t WorkspaceBytes(std::span<const plugin::TensorView> inputs,
                           std::span<const plugin::TensorView>) const override {
      return functions_.workspace ? functions_.workspace(inputs) : 0;
    }
    void Run(plugin::RunCall& call) const override { functions_.run(call); }

   private:
    const Functions& functions_;  // of the plugin, which stays
  };

  plugin::Description description_;
  Functions functions_;
};

inline Status Register(plugin::Description description, LambdaPlugin::Functions functions) {
  return RegisterPlugin(std::make_unique<LambdaPlugin>(std::move(description), std::move(functions)));
}

// x -> the plugin's node 'n' -> y
inline Result<Graph> OneNode(const std::string& plugin, Type x, Attrs attrs = {}) {
  Graph graph;
  GraphBuilder builder(graph);
  const RegisteredPlugin* registered = FindPluginByName(plugin);
  if (registered == nullptr) return Status(Code::kNotFound, "no plugin '" + plugin + "'");
  Node node;
  node.op = OpNameOf(*registered);
  node.name = "n";
  node.inputs = {builder.Input("x", std::move(x))};
  node.attrs = std::move(attrs);
  SLIPWAY_RETURN_IF_ERROR(PreparePluginNode(graph, node, 1));
  SLIPWAY_ASSIGN_OR_RETURN(graph.outputs, builder.Add(std::move(node), {{"y", {}, {}, false}}));
  return graph;
}

// Texts in quotes.
inline std::string ShowOutput(const Tensor& tensor) {
  if (tensor.dtype() != DType::kString) return Show(tensor);
  std::string shown = Describe(tensor) + ":";
  for (const std::string& text : tensor.values<std::string>()) shown += " '" + text + "'";
  return shown;
}

// The outputs as text, or the error with its hint.
inline std::string RunOn(Context& context, const std::vector<Tensor>& inputs) {
  const auto outputs = context.Run(inputs);
  if (!outputs.ok()) return outputs.status().ToString();
  std::string text;
  for (const Tensor& output : *outputs) text += (text.empty() ? "" : "; ") + ShowOutput(output);
  return text;
}

inline std::string RunGraph(const Result<Graph>& graph, const std::vector<Tensor>& inputs,
                            const std::string& backend = "cpu") {
  if (!graph.ok()) return graph.status().ToString();
  EngineOptions options;
  options.backend = backend;
  options.num_threads = 2;
  const auto engine = Engine::Create(*graph, options);
  if (!engine.ok()) return engine.status().ToString();
  return RunOn(*(*engine)->NewContext(), inputs);
}

}  // namespace slipway
