// Operators that stand for sub-graphs: STABLEHLO_COMPOSITE, whose decomposition takes its place, and
// STABLEHLO_CASE, which becomes a chain of Ifs.
#include <algorithm>

#include "formats/tflite/graph_importer.h"

namespace slipway::tflite {
namespace {

// The graph with a scalar before its inputs, which it does not read.
Graph WithChoice(const Graph& graph) {
  Graph wider = graph;
  Value choice;
  choice.name = "choice";
  choice.type = Type::Of(DType::kI32, {});
  wider.inputs.insert(wider.inputs.begin(), wider.AddValue(std::move(choice)));
  return wider;
}

// choice == number ? branch : otherwise, where both take the choice first.
Result<std::vector<ValueId>> AddChoice(GraphBuilder& builder, std::span<const ValueId> inputs, int32_t number,
                                       const GraphRef& branch, const GraphRef& otherwise,
                                       const std::string& name, std::vector<GraphBuilder::Output> results) {
  const ValueId wanted = builder.Scalar(DType::kI32, number);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId is_chosen,
                           builder.Add("Equal", {inputs[0], wanted}, {}, name + "/is"));
  Node node;
  node.op = "If";
  node.name = name;
  node.inputs = {is_chosen};
  node.inputs.insert(node.inputs.end(), inputs.begin(), inputs.end());
  node.attrs = {{"then_branch", branch}, {"else_branch", otherwise}};
  return builder.Add(std::move(node), std::move(results));
}

}  // namespace

// The graph's nodes among this one's: its inputs are `inputs`, its results are returned.
Result<std::vector<ValueId>> GraphImporter::Inline(const Graph& graph, std::span<const ValueId> inputs,
                                                   const std::string& name) {
  if (inputs.size() != graph.inputs.size())
    return Invalid("'" + name + "' gives " + std::to_string(inputs.size()) + " operands to a sub-graph of " +
                   std::to_string(graph.inputs.size()));
  std::vector<ValueId> here(graph.values.size(), kNoValue);
  for (size_t i = 0; i < inputs.size(); ++i) here[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.IsConstant()) here[i] = builder_.Constant(name + "/" + value.name, value.data, value.quant);
  }
  for (const Node& source : graph.nodes) {
    Node node = source;
    node.name = name + "/" + source.name;
    for (ValueId& input : node.inputs)
      input = input == kNoValue ? kNoValue : here[static_cast<size_t>(input)];
    node.outputs.clear();
    std::vector<GraphBuilder::Output> outputs;
    for (ValueId output : source.outputs) {
      const Value& value = graph.value(output);
      outputs.push_back({name + "/" + value.name, value.quant, value.type, output == kNoValue});
    }
    builder_.SetSources(source.sources);
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> results,
                             builder_.Add(std::move(node), std::move(outputs)));
    for (size_t i = 0; i < results.size(); ++i) {
      if (source.outputs[i] != kNoValue) here[static_cast<size_t>(source.outputs[i])] = results[i];
    }
  }
  std::vector<ValueId> results;
  for (ValueId output : graph.outputs) results.push_back(here[static_cast<size_t>(output)]);
  return results;
}

// The first operand says which branch runs; a number that none has, the last.
Result<std::vector<ValueId>> GraphImporter::AddCase(const ForeignNode& node,
                                                    const std::vector<GraphRef>& branches) {
  if (node.inputs.empty()) return Invalid("'" + node.name + "' has no operand that chooses");
  const size_t num_results = branches[0]->outputs.size();
  for (const GraphRef& branch : branches) {
    if (branch->inputs.size() + 1 != node.inputs.size() || branch->outputs.size() != num_results)
      return Invalid("the branches of '" + node.name + "' take or give different numbers of values");
  }
  if (branches.size() == 1) return Inline(*branches[0], std::span(node.inputs).subspan(1), node.name);
  auto rest = std::make_shared<const Graph>(WithChoice(*branches.back()));
  for (size_t i = branches.size() - 1; i-- > 1;) {
    Graph graph;
    GraphBuilder builder(graph);
    const Graph& branch = *branches[i];
    std::vector<ValueId> inputs = {builder.Input("choice", Type::Of(DType::kI32, {}))};
    for (ValueId input : branch.inputs)
      inputs.push_back(
          builder.Input(branch.value(input).name, branch.value(input).type, branch.value(input).quant));
    std::vector<GraphBuilder::Output> outputs;
    for (ValueId output : branch.outputs)
      outputs.push_back({branch.value(output).name, branch.value(output).quant, branch.value(output).type});
    SLIPWAY_ASSIGN_OR_RETURN(graph.outputs, AddChoice(builder, inputs, static_cast<int32_t>(i),
                                                      std::make_shared<const Graph>(WithChoice(branch)), rest,
                                                      node.name, std::move(outputs)));
    rest = std::make_shared<const Graph>(std::move(graph));
  }
  std::vector<GraphBuilder::Output> outputs;
  for (const Value& output : node.outputs) outputs.push_back({output.name, output.quant, output.type});
  return AddChoice(builder_, node.inputs, 0, std::make_shared<const Graph>(WithChoice(*branches[0])), rest,
                   node.name, std::move(outputs));
}

Status GraphImporter::AddCall(const fb::Operator& op, const ForeignNode& node) {
  const bool is_case = node.op == "STABLEHLO_CASE";
  const Ints indices = is_case ? node.attrs.IntList("branch_subgraph_indices")
                               : Ints{node.attrs.Int("decomposition_subgraph_index")};
  if (indices.empty()) return Invalid("'" + node.name + "' has no branches");
  const size_t known = shared_.unsupported().size();
  std::vector<GraphRef> graphs;
  for (int64_t index : indices) {
    SLIPWAY_ASSIGN_OR_RETURN(GraphRef graph, shared_.ImportNested(index));
    if (graph->outputs.size() < node.outputs.size())
      return Invalid("'" + node.name + "' wants " + std::to_string(node.outputs.size()) +
                     " results of a sub-graph that gives " + std::to_string(graph->outputs.size()));
    graphs.push_back(std::move(graph));
  }
  if (shared_.unsupported().size() > known) return BindStandIns(op, node);
  builder_.SetSources({node.op + " '" + node.name + "'"});
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> results,
                           is_case ? AddCase(node, graphs) : Inline(*graphs[0], node.inputs, node.name));
  return BindOutputs(op, results, node.name);
}

}  // namespace slipway::tflite
