// slipway inspect: what a model takes, gives and is made of.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "build/choose.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/model_flags.h"
#include "cli/support.h"
#include "cli/wts.h"
#include "ir/text.h"
#include "ops/cost.h"
#include "runtime/engine.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  ModelFlags model;
  bool is_json = false;
  bool is_dot = false;
  bool is_text = false;
  bool has_graph = false;
  bool has_manifest = false;
  std::string why;  // a node's name
  bool has_support = false;
  std::vector<std::string> more;  // models and folders
};

bool HasOpenShape(const Value* value) {
  return value != nullptr && value->type.kind == TypeKind::kTensor && !value->type.IsStatic();
}

// Nothing where the answer hangs on a shape that only a run will know.
std::optional<double> FlopsOf(const Graph& graph, const Node& node) {
  const auto step = MakeStep(graph, node);
  if (!step.ok() || std::ranges::any_of(step->inputs, HasOpenShape) ||
      std::ranges::any_of(step->outputs, HasOpenShape))
    return std::nullopt;
  return CostOf(*step->op, node, step->inputs, step->outputs).flops;
}

int64_t ParametersOf(const Graph& graph) {
  int64_t count = 0;
  for (const Value& value : graph.values) {
    if (value.IsConstant() && (IsFloat(value.data.dtype()) || value.quant)) count += value.data.count();
  }
  return count;
}

std::string QuantText(const std::optional<Quant>& quant) {
  if (!quant) return "";
  if (quant->scales.size() > 1)
    return fmt::format("{} scales along axis {}", quant->scales.size(), quant->axis);
  return fmt::format("scale {:.6g}, zero point {}", quant->scales[0], quant->zero_points[0]);
}

struct Totals {
  std::map<std::string, int> ops;
  double flops = 0;    // of the nodes whose shapes are known
  int open_nodes = 0;  // the others
};

Totals Count(const Graph& graph) {
  Totals totals;
  for (const Node& node : graph.nodes) {
    ++totals.ops[node.op];
    const std::optional<double> flops = FlopsOf(graph, node);
    totals.flops += flops.value_or(0);
    totals.open_nodes += flops ? 0 : 1;
  }
  return totals;
}

Json PortJson(const Value& value) {
  Json json = {
      {"name", value.name}, {"dtype", std::string(DTypeName(value.type.dtype))}, {"shape", Json::array()}};
  if (!value.type.shape) {
    json["shape"] = nullptr;
  } else {
    for (const Dim& dim : *value.type.shape) {
      if (dim.IsKnown()) {
        json["shape"].push_back(dim.value());
      } else {
        json["shape"].push_back(dim.ToString());
      }
    }
  }
  if (value.quant)
    json["quant"] = {{"scales", value.quant->scales},
                     {"zero_points", value.quant->zero_points},
                     {"axis", value.quant->axis}};
  return json;
}

Json NamesJson(const Graph& graph, std::span<const ValueId> ids) {
  Json names = Json::array();
  for (ValueId id : ids) names.push_back(id == kNoValue ? Json() : Json(graph.value(id).name));
  return names;
}

Json NodesJson(const Graph& graph) {
  Json nodes = Json::array();
  for (const Node& node : graph.nodes) {
    const std::optional<double> flops = FlopsOf(graph, node);
    nodes.push_back({{"operator", node.op},
                     {"name", node.name},
                     {"inputs", NamesJson(graph, node.inputs)},
                     {"outputs", NamesJson(graph, node.outputs)},
                     {"flops", flops ? Json(*flops) : Json()},
                     {"sources", node.sources}});
  }
  return nodes;
}

void PrintJson(const LoadedModel& loaded, bool has_graph) {
  const Graph& graph = loaded.model.graph;
  const Totals totals = Count(graph);
  Json json = {{"format", loaded.model.source_format},
               {"producer", loaded.model.producer},
               {"inputs", Json::array()},
               {"outputs", Json::array()}};
  for (ValueId id : graph.CallerInputs()) json["inputs"].push_back(PortJson(graph.value(id)));
  for (ValueId id : graph.CallerOutputs()) json["outputs"].push_back(PortJson(graph.value(id)));
  json["nodes"] = graph.nodes.size();
  json["operators"] = totals.ops;
  json["parameters"] = ParametersOf(graph);
  json["weight_bytes"] = ConstantBytes(graph);
  json["flops"] = totals.open_nodes == 0 ? Json(totals.flops) : Json();
  for (const auto& [symbol, range] : loaded.model.ranges) json["ranges"][symbol] = {range.low, range.high};
  json["golden_vectors"] = loaded.model.golden.size();
  for (const TunedSection& section : loaded.model.tuned) json["tuned"].push_back(section.target);
  if (loaded.model.manifest) json["manifest"] = Json::parse(ToJson(*loaded.model.manifest));
  if (has_graph) json["graph"] = NodesJson(graph);
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void PrintDot(const Graph& graph) {
  fmt::print("digraph model {{\n  node [shape=box, fontname=\"sans-serif\"];\n");
  const std::vector<int> producers = graph.Producers();
  for (ValueId id : graph.inputs)
    fmt::print("  v{} [label=\"{}\", shape=oval];\n", id, Escaped(graph.value(id).name));
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    fmt::print("  n{} [label=\"{}\", tooltip=\"{}\"];\n", i, Escaped(node.op), Escaped(node.name));
    for (ValueId id : node.inputs) {
      if (id == kNoValue || graph.value(id).IsConstant()) continue;
      const int from = producers[static_cast<size_t>(id)];
      fmt::print("  {} -> n{} [label=\"{}\"];\n",
                 from < 0 ? fmt::format("v{}", id) : fmt::format("n{}", from), i,
                 Escaped(ToString(graph.value(id).type)));
    }
  }
  for (ValueId id : graph.outputs) {
    const int from = producers[static_cast<size_t>(id)];
    fmt::print("  o{0} [label=\"{1}\", shape=oval];\n", id, Escaped(graph.value(id).name));
    fmt::print("  {} -> o{};\n", from < 0 ? fmt::format("v{}", id) : fmt::format("n{}", from), id);
  }
  fmt::print("}}\n");
}

std::string RangeText(const DimRange& range) {
  return range.high == INT64_MAX ? fmt::format("{} or more", range.low)
                                 : fmt::format("{} to {}", range.low, range.high);
}

void PrintPorts(const Graph& graph, const char* title, std::span<const ValueId> ids) {
  Table table({title, "type", "quantisation"});
  for (ValueId id : ids) {
    const Value& value = graph.value(id);
    table.Row({value.name, ToString(value.type), QuantText(value.quant)});
  }
  fmt::print("{}\n", table.ToString());
}

void PrintNodes(const Graph& graph) {
  Table table({">#", "operator", "name", "result", ">flops", "from"});
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const ValueId first = node.outputs.empty() ? kNoValue : node.outputs[0];
    std::string sources;
    const std::optional<double> flops = FlopsOf(graph, node);
    for (const std::string& source : node.sources) sources += (sources.empty() ? "" : ", ") + source;
    table.Row({std::to_string(i), node.op, node.name,
               first == kNoValue ? "" : ToString(graph.value(first).type), flops ? HumanCount(*flops) : "?",
               sources});
  }
  fmt::print("{}\n", table.ToString());
}

void PrintText(const LoadedModel& loaded, const InspectFlags& flags) {
  const Graph& graph = loaded.model.graph;
  const Totals totals = Count(graph);
  fmt::print("{}: {} model, {} nodes\n\n", flags.model.model, loaded.model.source_format, graph.nodes.size());
  PrintPorts(graph, "input", graph.CallerInputs());
  PrintPorts(graph, "output", graph.CallerOutputs());
  if (!graph.states.empty()) PrintPorts(graph, "state", std::span(graph.inputs).last(graph.states.size()));
  if (flags.has_graph) PrintNodes(graph);
  Table ops({"operator", ">count"});
  for (const auto& [op, count] : totals.ops) ops.Row({op, std::to_string(count)});
  fmt::print("{}\n", ops.ToString());
  fmt::print("parameters {}, weights {}, FLOPs a run {}, golden vectors {}\n",
             HumanCount(static_cast<double>(ParametersOf(graph))),
             HumanBytes(static_cast<double>(ConstantBytes(graph))),
             totals.open_nodes == 0 ? HumanCount(totals.flops) : "unknown", loaded.model.golden.size());
  if (totals.open_nodes > 0)
    fmt::print("{} of {} nodes have shapes that only a run knows; --dim or --input NAME[shape] fixes them\n",
               totals.open_nodes, graph.nodes.size());
  for (const TunedSection& section : loaded.model.tuned) fmt::print("tuned for {}\n", section.target);
  for (const auto& [symbol, range] : loaded.model.ranges)
    fmt::print("dimension {}: {}\n", symbol, RangeText(range));
  if (!loaded.model.manifest) {
    fmt::print("manifest: none\n");
  } else if (flags.has_manifest) {
    fmt::print("manifest: {}", ToJson(*loaded.model.manifest));
  } else {
    const Manifest& manifest = *loaded.model.manifest;
    fmt::print(
        "manifest: task {}, {} labels{} (--show-manifest prints it)\n", NameOf(manifest.task),
        manifest.labels.size(),
        manifest.outputs.empty() ? "" : ", decoder " + std::string(NameOf(manifest.outputs[0].decoder)));
  }
}

// Which tactic runs the node, and of those that do not fit it, why.
Status PrintWhy(const LoadedModel& loaded, const InspectFlags& flags) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, flags.model.MakeEngine(loaded));
  const auto& steps = engine->steps();
  const auto step =
      std::find_if(steps.begin(), steps.end(), [&](const StepInfo& each) { return each.node == flags.why; });
  if (step == steps.end()) {
    std::vector<std::string_view> names;
    for (const StepInfo& each : steps) names.push_back(each.node);
    return Status(Code::kUsage, "no node is called '" + flags.why + "'" + DidYouMean(flags.why, names),
                  "inspect --graph lists them");
  }
  fmt::print("{} '{}' runs on {}, estimated {:.1f} us\n\n", step->op, step->node, step->tactic,
             step->estimate_us);
  Table table({"not", "because"});
  for (const auto& rejection : step->rejected) table.Row({rejection.tactic, rejection.reason});
  fmt::print("{}", table.ToString());
  return Status::Ok();
}

Status Inspect(const InspectFlags& flags) {
  if (flags.has_support) return ReportSupport(flags.model, flags.more, flags.is_json);
  if (!flags.more.empty())
    return Status(Code::kUsage, "'" + flags.more[0] + "': one model is shown at a time",
                  "inspect --support takes several, and folders of models");
  if (IsWtsFile(flags.model.model)) return InspectWts(flags.model.model, flags.is_json);
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.model.Load());
  if (!flags.why.empty()) return PrintWhy(loaded, flags);
  if (flags.is_json) {
    loaded.model.manifest = CompleteManifestOf(loaded);
    PrintJson(loaded, flags.has_graph);
  } else if (flags.is_dot) {
    PrintDot(loaded.model.graph);
  } else if (flags.is_text) {
    fmt::print("{}", PrintGraph(loaded.model.graph));
  } else {
    loaded.model.manifest = CompleteManifestOf(loaded);
    PrintText(loaded, flags);
  }
  return Status::Ok();
}

}  // namespace

void AddInspect(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command = app.add_subcommand("inspect", "show what a model takes, gives and is made of");
  flags->model.AddModel(command);
  command->add_flag("--graph", flags->has_graph, "every node");
  command->add_flag("--show-manifest", flags->has_manifest, "the whole manifest");
  CLI::Option* json = command->add_flag("--json", flags->is_json, "as JSON; with --graph, every node too");
  CLI::Option* text = command->add_flag("--text", flags->is_text,
                                        "the whole graph, constants too, in the text form of src/ir/text.h");
  command->add_flag("--dot", flags->is_dot, "as a Graphviz drawing")->excludes(json)->excludes(text);
  text->excludes(json);
  command->add_option("--why", flags->why,
                      "which tactic runs the node of this name, and why others do not fit");
  command
      ->add_flag(
          "--support", flags->has_support,
          "does it convert, and if not, every unsupported node; also for several models, and folders of them")
      ->excludes(text);
  command->add_option("more", flags->more, "with --support: more models, or folders of models");
  flags->model.AddEngine(command);
  command->callback([&action, flags] { action = [flags] { return Inspect(*flags); }; });
}

}  // namespace slipway::cli
