// Around nodes of Slipway's own graph: what sources other than ONNX give.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/nearest.h"
#include "cli/console.h"
#include "cli/extract_parts.h"
#include "cli/support.h"
#include "formats/onnx/write.h"
#include "formats/support.h"
#include "ir/text.h"

namespace slipway::cli {
namespace {

// "Conv2D 'conv1'" is what a node stands for if the user says conv1.
bool StandsFor(const Node& node, const std::string& name) {
  if (node.name == name) return true;
  return std::any_of(node.sources.begin(), node.sources.end(),
                     [&](const std::string& source) { return source.ends_with(" '" + name + "'"); });
}

Result<std::vector<bool>> ChosenNodes(const Graph& graph, const std::string& name) {
  std::vector<bool> is_chosen;
  std::vector<std::string_view> known;
  for (const Node& node : graph.nodes) {
    is_chosen.push_back(StandsFor(node, name));
    known.push_back(node.name);
  }
  if (std::count(is_chosen.begin(), is_chosen.end(), true) > 0) return is_chosen;
  return Status(Code::kNotFound, "no node is called '" + name + "'" + DidYouMean(name, known),
                "'slipway inspect --graph' lists them");
}

// The chosen nodes alone: they take what they read from elsewhere and give what is read elsewhere.
struct Part {
  Graph graph;
  std::vector<ValueId> inputs;  // as ids of the whole graph
};

Part PartOf(const Graph& whole, const std::vector<bool>& is_chosen) {
  std::set<ValueId> made, read_inside, read_outside(whole.outputs.begin(), whole.outputs.end());
  Part part;
  for (size_t i = 0; i < whole.nodes.size(); ++i) {
    const Node& node = whole.nodes[i];
    for (ValueId id : node.inputs) (is_chosen[i] ? read_inside : read_outside).insert(id);
    if (is_chosen[i]) made.insert(node.outputs.begin(), node.outputs.end());
  }
  for (ValueId id : read_inside) {
    if (id != kNoValue && !made.count(id) && !whole.value(id).IsConstant()) part.inputs.push_back(id);
  }
  part.graph = whole;
  part.graph.states.clear();
  part.graph.inputs = part.inputs;
  part.graph.outputs.clear();
  for (ValueId id : made) {
    if (id != kNoValue && read_outside.count(id)) part.graph.outputs.push_back(id);
  }
  std::vector<bool> is_dropped = is_chosen;
  is_dropped.flip();
  part.graph.Compact(is_dropped);
  return part;
}

// Values of the whole graph on the flags' data.
Result<std::vector<Tensor>> Run(const ExtractFlags& flags, const LoadedModel& loaded,
                                const std::vector<ValueId>& ids) {
  LoadedModel probe = loaded;
  Graph& graph = probe.model.graph;
  std::vector<ValueId> outputs;
  for (ValueId id : ids) {
    const bool is_given = std::find(graph.inputs.begin(), graph.inputs.end(), id) != graph.inputs.end();
    if (!is_given) outputs.push_back(id);
  }
  // The states' own outputs stay the last ones.
  outputs.insert(outputs.end(), graph.outputs.end() - static_cast<ptrdiff_t>(graph.states.size()),
                 graph.outputs.end());
  graph.outputs = outputs;
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, flags.model.MakeEngine(probe));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds, FeedsOf(flags, probe, engine));
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto results, context->Run(feeds));
  std::map<ValueId, Tensor> values;
  const size_t num_given = graph.CallerInputs().size();
  for (size_t i = 0; i < graph.inputs.size(); ++i)
    values[graph.inputs[i]] = i < num_given ? feeds[i] : graph.states[i - num_given];
  for (size_t i = 0; i < results.size(); ++i) values[outputs[i]] = results[i].Clone();
  std::vector<Tensor> tensors;
  for (ValueId id : ids) tensors.push_back(values[id]);
  return tensors;
}

// The nodes as an ONNX model where ONNX has them, else as Slipway's text, with what goes in and comes out.
Result<Extract> ExtractPart(const ExtractFlags& flags, const LoadedModel& loaded) {
  const Graph& whole = loaded.model.graph;
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<bool> is_chosen, ChosenNodes(whole, flags.node));
  const Part part = PartOf(whole, is_chosen);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs, Run(flags, loaded, part.inputs));
  Extract extract;
  for (size_t i = 0; i < inputs.size(); ++i)
    extract.inputs.push_back({whole.value(part.inputs[i]).name, inputs[i]});
  LoadedModel alone;
  alone.model.graph = part.graph;
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, flags.model.MakeEngine(alone));
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run(inputs));
  for (size_t i = 0; i < outputs.size(); ++i)
    extract.outputs.push_back({part.graph.value(part.graph.outputs[i]).name, outputs[i].Clone()});
  auto onnx = FormatOnnx(part.graph);
  if (!onnx.ok()) PrintNote("written as Slipway's text, not as ONNX: " + onnx.status().message());
  extract.file_name = onnx.ok() ? "model.onnx" : "model.txt";
  extract.content = onnx.ok() ? std::move(*onnx) : PrintGraph(part.graph);
  return extract;
}

// All that is known of a node that Slipway cannot read.
Result<Extract> ExtractUnsupported(const ExtractFlags& flags, const UnsupportedNode& node) {
  Extract extract;
  extract.file_name = "node.json";
  extract.content = ToJson(node).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  std::vector<std::string> names;
  for (const auto& input : node.inputs) {
    if (!input.name.empty() && input.name != "?") names.push_back(input.name);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const auto values, ValuesOf(flags, names));
  for (size_t i = 0; i < names.size(); ++i) extract.inputs.push_back({names[i], values[i]});
  return extract;
}

}  // namespace

Result<Extract> ExtractFromGraph(const ExtractFlags& flags) {
  SLIPWAY_ASSIGN_OR_RETURN(LoadOptions options, flags.model.ToLoadOptions());
  SupportReport support;
  options.import.support = &support;
  options.is_optimized = false;
  const auto loaded = LoadModel(flags.model.model, options);
  if (loaded.ok()) return ExtractPart(flags, *loaded);
  for (const UnsupportedNode& node : support.unsupported) {
    if (node.name == flags.node) return ExtractUnsupported(flags, node);
  }
  return loaded.status();
}

}  // namespace slipway::cli
