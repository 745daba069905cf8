// Opset 8's Scan goes through a batch of sequences at once: axis 0 is the batch, axis 1 the sequence.
//
// It becomes a Scan over the batch whose body is a Scan over the sequence. Sequences of different lengths
// keep their state from their end on (what such a sequence's results hold there is undefined by ONNX); to go
// through them backwards is left out.
#include <algorithm>

#include "ops/control/scan.h"
#include "ops/control/subgraph.h"

namespace slipway {
namespace {

Type WithoutFirstAxis(Type type) {
  if (type.shape && !type.shape->empty()) type.shape->erase(type.shape->begin());
  return type;
}

std::vector<GraphBuilder::Output> Unnamed(size_t count) {
  return std::vector<GraphBuilder::Output>(count, {.name = "result"});
}

// body(states, slices, captures) -> body(states, step, slices, captures, length), which changes the states
// only while step < length.
Result<GraphRef> StoppingBody(const Graph& body, size_t states) {
  auto stopping = std::make_shared<Graph>(body);
  GraphBuilder builder(*stopping);
  const ValueId step = builder.Input("step", Type::Of(DType::kI64, {}));
  const ValueId length = builder.Input("length", Type::Of(DType::kI64, {}));
  std::vector<ValueId>& inputs = stopping->inputs;
  inputs.resize(inputs.size() - 2);
  inputs.insert(inputs.begin() + static_cast<std::ptrdiff_t>(states), step);
  inputs.push_back(length);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId goes_on, builder.Add("Less", {step, length}));
  for (size_t i = 0; i < states; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(stopping->outputs[i],
                             builder.Add("Where", {goes_on, stopping->outputs[i], inputs[i]}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId next, builder.Add("Add", {step, builder.Scalar(DType::kI64, 1)}));
  stopping->outputs.insert(stopping->outputs.begin() + static_cast<std::ptrdiff_t>(states), next);
  return GraphRef(std::move(stopping));
}

// The Scan over one sequence as a graph of states, slices of the batch, its length (if `has_lengths`) and
// captures.
Result<GraphRef> SequenceGraph(const ImportContext& context, const GraphRef& body, size_t states,
                               size_t scanned) {
  const bool has_lengths = context.HasInput(0);
  auto graph = std::make_shared<Graph>();
  graph->name = body->name;
  GraphBuilder builder(*graph);
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < states + scanned; ++i)
    inputs.push_back(builder.Input("value", WithoutFirstAxis(context.type(context.in(1 + i)))));
  const ValueId length = has_lengths ? builder.Input("length", Type::Of(DType::kI64, {})) : kNoValue;
  for (ValueId capture : context.node().captures)
    inputs.push_back(builder.Input("capture", context.type(capture)));

  Node node;
  node.op = "Scan";
  node.name = context.node().name;
  node.inputs = inputs;
  node.attrs = {{"body", body},
                {"num_states", static_cast<int64_t>(states + (has_lengths ? 1 : 0))},
                {"num_scan_inputs", static_cast<int64_t>(scanned)},
                {"scan_input_directions", context.attrs().IntList("directions")}};
  if (has_lengths) {
    SLIPWAY_ASSIGN_OR_RETURN(const GraphRef stopping, StoppingBody(*body, states));
    node.attrs.Set("body", stopping);
    node.inputs.insert(node.inputs.begin() + static_cast<std::ptrdiff_t>(states),
                       builder.Scalar(DType::kI64, 0));
    node.inputs.push_back(length);
  }
  const size_t num_outputs = node.attrs.GraphOf("body")->outputs.size();
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<ValueId> outputs, builder.Add(std::move(node), Unnamed(num_outputs)));
  if (has_lengths)
    outputs.erase(outputs.begin() + static_cast<std::ptrdiff_t>(states));  // the count of steps
  graph->outputs = std::move(outputs);
  return GraphRef(std::move(graph));
}

}  // namespace

Status ImportBatchedScan(ImportContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  const int64_t scanned = context.attrs().Int("num_scan_inputs");
  const int64_t formal = static_cast<int64_t>(context.num_inputs()) - 1;
  if (body == nullptr || scanned < 1 || scanned > formal) return context.Error("lacks a body or scan inputs");
  const auto states = static_cast<size_t>(formal - scanned);
  const Ints& directions = context.attrs().IntList("directions");
  const bool goes_back =
      std::any_of(directions.begin(), directions.end(), [](int64_t each) { return each != 0; });
  if (goes_back && context.HasInput(0))
    return context.Unsupported("goes backwards through sequences of different lengths",
                               "convert the model to opset 9 or later");
  const bool fits = body->outputs.size() >= states && body->outputs.size() >= context.node().outputs.size() &&
                    static_cast<int64_t>(body->inputs.size()) ==
                        formal + static_cast<int64_t>(context.node().captures.size());
  if (!fits) return context.Error("the body's inputs and outputs do not fit the node's");
  for (int64_t i = 1; i <= formal; ++i) {
    if (!context.HasInput(static_cast<size_t>(i)))
      return context.Error("input " + std::to_string(i) + " is missing");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const GraphRef sequence,
                           SequenceGraph(context, body, states, static_cast<size_t>(scanned)));
  std::vector<ValueId> inputs(context.node().inputs.begin() + 1, context.node().inputs.end());
  if (context.HasInput(0)) inputs.push_back(context.in(0));
  const auto over_batch = static_cast<int64_t>(inputs.size());
  inputs.insert(inputs.end(), context.node().captures.begin(), context.node().captures.end());
  return context.Emit("Scan", std::move(inputs),
                      {{"body", sequence}, {"num_states", int64_t{0}}, {"num_scan_inputs", over_batch}});
}

}  // namespace slipway
