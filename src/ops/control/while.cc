// TFLite's loop: two sub-graphs over the same values.
#include "ops/control/subgraph.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const GraphRef cond = context.attrs().GraphOf("cond");
  const GraphRef body = context.attrs().GraphOf("body");
  const size_t n = context.num_inputs();
  const bool fits = cond != nullptr && body != nullptr && cond->inputs.size() == n &&
                    cond->outputs.size() == 1 && body->inputs.size() == n && body->outputs.size() == n &&
                    context.num_outputs() <= n;
  if (!fits)
    return context.Error("cond and body must take the node's " + std::to_string(n) +
                         " values, body give as many");
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    Type type = CommonType(context.input(i), OutputType(*body, i));
    if (!type.IsStatic()) type.shape.reset();
    context.SetOutput(i, std::move(type));
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  std::vector<Datum> values;
  for (size_t i = 0; i < context.num_inputs(); ++i) values.push_back(context.in_datum(i));
  while (true) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> goes_on,
                             context.RunGraph(*context.attrs().GraphOf("cond"), values));
    if (!IsTrue(goes_on[0])) break;
    SLIPWAY_ASSIGN_OR_RETURN(values, context.RunGraph(*context.attrs().GraphOf("body"), values));
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) TakeOutput(context, i, values[i]);
  return Status::Ok();
}

}  // namespace

OpDef MakeWhile() {
  OpDef op;
  op.name = "While";
  op.group = "control";
  op.summary = "As long as one sub-graph of the values holds, another gives the next values.";
  op.inputs = {{"values", kAnyType, "the carried values", Arity::kVariadic}};
  op.outputs = {{"results", kAnyType, "the carried values", Arity::kVariadic}};
  op.attrs = {GraphAttr("cond", "values -> whether to go on"), GraphAttr("body", "values -> values")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kTflite, "WHILE"}};
  return op;
}

}  // namespace slipway
