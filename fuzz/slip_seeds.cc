// Makes seeds for the .slip fuzzer out of graphs in their text form.
//
// usage: PROGRAM FOLDER GRAPH.txt...: FOLDER gets a GRAPH.slip of each, with a manifest, a golden vector of
// zeros and a tuned section, so that mutations find every part of the format.
#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "ir/text.h"
#include "plan/slip.h"

namespace slipway {
namespace {

GoldenVector Zeros(const Graph& graph) {
  GoldenVector golden{.name = "zeros"};
  const auto add = [&](ValueId id, std::vector<Tensor>& to) {
    Dims dims;
    for (const Dim& dim : *graph.value(id).type.shape) dims.push_back(dim.IsKnown() ? dim.value() : 1);
    to.emplace_back(graph.value(id).type.dtype, std::move(dims));
  };
  for (ValueId id : graph.inputs) add(id, golden.inputs);
  for (ValueId id : graph.outputs) add(id, golden.outputs);
  return golden;
}

// A step per node, the first with a packed constant.
TunedSection Section(const Graph& graph) {
  TunedSection section{.target = "none", .steps = {}, .unread = {0}};
  for (size_t i = 0; i < graph.nodes.size(); ++i) section.steps.push_back({"ref/reference", {}});
  const PackedArray<uint8_t> packed(64);
  if (!section.steps.empty()) section.steps[0].parts.push_back({1, 0, packed.bytes(), packed.owner()});
  return section;
}

Status Make(const std::string& folder, const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SlipModel model{.producer = "slipway", .source_format = "text"};
  SLIPWAY_ASSIGN_OR_RETURN(model.graph, ParseGraph(text));
  model.manifest.emplace().labels = {"cat", "dog"};
  model.golden.push_back(Zeros(model.graph));
  model.tuned.push_back(Section(model.graph));
  return WriteSlip(folder + "/" + std::filesystem::path(path).stem().string() + ".slip", model);
}

}  // namespace
}  // namespace slipway

int main(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    const slipway::Status status = slipway::Make(argv[1], argv[i]);
    if (status.ok()) continue;
    std::fprintf(stderr, "%s: %s\n", argv[i], status.message().c_str());
    return 1;
  }
  return 0;
}
