// One of two sub-graphs.
//
// Attributes then_branch and else_branch; inputs: the condition, then the captures, which are the inputs of
// both branches (see subgraph.h).
#include "ops/control/subgraph.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const GraphRef then_branch = context.attrs().GraphOf("then_branch");
  const GraphRef else_branch = context.attrs().GraphOf("else_branch");
  const size_t captures = context.num_inputs() - 1;
  for (const GraphRef& branch : {then_branch, else_branch}) {
    if (branch == nullptr) return context.Error("lacks a branch");
    if (branch->inputs.size() != captures || branch->outputs.size() < context.num_outputs()) {
      return context.Error("a branch takes " + std::to_string(branch->inputs.size()) + " values and gives " +
                           std::to_string(branch->outputs.size()) + "; the node has " +
                           std::to_string(captures) + " captures and " +
                           std::to_string(context.num_outputs()) + " outputs");
    }
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    context.SetOutput(i, CommonType(OutputType(*then_branch, i), OutputType(*else_branch, i)));
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const GraphRef branch =
      context.attrs().GraphOf(IsTrue(context.in_datum(0)) ? "then_branch" : "else_branch");
  std::vector<Datum> captures;
  for (size_t i = 1; i < context.num_inputs(); ++i) captures.push_back(context.in_datum(i));
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results, context.RunGraph(*branch, captures));
  for (size_t i = 0; i < context.num_outputs(); ++i) TakeOutput(context, i, results[i]);
  return Status::Ok();
}

Status Import(ImportContext& context) {
  const GraphRef then_branch = context.attrs().GraphOf("then_branch");
  const GraphRef else_branch = context.attrs().GraphOf("else_branch");
  if (then_branch == nullptr || else_branch == nullptr) return context.Error("lacks a branch");
  return context.Emit("If", InputsAndCaptures(context),
                      {{"then_branch", then_branch}, {"else_branch", else_branch}});
}

}  // namespace

OpDef MakeIf() {
  OpDef op;
  op.name = "If";
  op.group = "control";
  op.summary = "Runs one of two sub-graphs.";
  op.inputs = {{"condition", kBools, "one element"},
               {"captures", kAnyType, "the inputs of both branches", Arity::kVariadic}};
  op.outputs = {{"results", kAnyType, "the outputs of the branch", Arity::kVariadic}};
  op.attrs = {GraphAttr("then_branch", "runs when the condition holds"),
              GraphAttr("else_branch", "runs otherwise")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "If", 1, INT_MAX, Import}, {Format::kTflite, "IF", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
