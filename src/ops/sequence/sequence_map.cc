// A sub-graph applied to the elements of sequences.
#include "ops/control/subgraph.h"
#include "ops/sequence/sequence.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  if (body == nullptr || context.num_inputs() < 1 || body->inputs.size() != context.num_inputs() ||
      body->outputs.size() < context.num_outputs()) {
    return context.Error("the body's inputs and outputs do not fit the node's");
  }
  for (size_t i = 0; i < context.num_outputs(); ++i)
    context.SetOutput(i, SequenceOf(OutputType(*body, i).dtype));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  const auto mapped = static_cast<size_t>(context.attrs().Int("num_mapped"));
  const size_t length = SequenceIn(context, 0).size();
  std::vector<std::vector<Tensor>> results(context.num_outputs());
  for (size_t step = 0; step < length; ++step) {
    std::vector<Datum> arguments;
    for (size_t i = 0; i < context.num_inputs(); ++i) {
      const bool is_sequence = i < mapped && context.in_datum(i).kind == TypeKind::kSequence;
      if (!is_sequence) {
        arguments.push_back(context.in_datum(i));
        continue;
      }
      if (SequenceIn(context, i).size() != length) return context.Error("the sequences differ in length");
      arguments.push_back(Datum::Of(SequenceIn(context, i)[step]));
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> outputs, context.RunGraph(*body, arguments));
    for (size_t i = 0; i < results.size(); ++i) results[i].push_back(outputs[i].tensor.Clone());
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (context.HasOutput(i)) context.SetOutput(i, Datum::Of(std::move(results[i])));
  }
  return Status::Ok();
}

Status Import(ImportContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  if (body == nullptr) return context.Error("has no body");
  return context.Emit("SequenceMap", InputsAndCaptures(context),
                      {{"body", body}, {"num_mapped", static_cast<int64_t>(context.num_inputs())}});
}

}  // namespace

OpDef MakeSequenceMap() {
  OpDef op;
  op.name = "SequenceMap";
  op.group = "sequence";
  op.summary = "Applies a sub-graph to the elements of sequences, one after another.";
  op.inputs = {
      {"values", kAnyType, "a sequence, more sequences or tensors, then captures", Arity::kVariadic}};
  op.outputs = {{"results", kAnyType, "sequences of the sub-graph's results", Arity::kVariadic}};
  op.attrs = {GraphAttr("body", "elements, tensors, captures -> elements"),
              Required(IntAttr("num_mapped", 1, "inputs before the captures"))};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "SequenceMap", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
