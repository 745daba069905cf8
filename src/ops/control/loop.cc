// A sub-graph run again and again, its results fed back.
//
// Inputs: trip count, condition, `num_carried` values, captures. The body takes the iteration number, the
// condition, the carried values and the captures; it gives the condition to go on, the carried values, and
// what is collected.
#include "ops/control/subgraph.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  const int64_t attr = context.attrs().Int("num_carried");
  if (body == nullptr || attr < 0 || static_cast<size_t>(attr) + 2 > context.num_inputs()) {
    return context.Error("lacks a body or carried values");
  }
  const auto carried = static_cast<size_t>(attr);
  if (body->inputs.size() != context.num_inputs() || body->outputs.size() < carried + 1 ||
      context.num_outputs() + 1 > body->outputs.size()) {
    return context.Error("the body takes " + std::to_string(body->inputs.size()) + " values and gives " +
                         std::to_string(body->outputs.size()) + "; the node has " +
                         std::to_string(context.num_inputs()) + " inputs and " +
                         std::to_string(context.num_outputs()) + " outputs");
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    Type type = OutputType(*body, i + 1);
    if (i < carried) {
      // Zero iterations give what came in.
      const bool has_input = context.HasInput(i + 2);
      const bool is_kept = has_input && type.shape && context.input(i + 2).shape;
      type = is_kept ? CommonType(type, context.input(i + 2)) : type;
      if (!is_kept) type.shape.reset();
      if (has_input && type.dtype == DType::kNone) type.dtype = context.dtype(i + 2);
      // Shapes may change from one iteration to the next; the body's types speak of the first.
      if (!type.IsStatic()) type.shape.reset();
    } else if (type.shape) {
      type.shape->insert(type.shape->begin(), Dim());
    }
    context.SetOutput(i, std::move(type));
  }
  return Status::Ok();
}

Datum Scalar(DType dtype, int64_t value) {
  Tensor tensor(dtype, {});
  if (dtype == DType::kBool) {
    tensor.as<bool>()[0] = value != 0;
  } else {
    tensor.as<int64_t>()[0] = value;
  }
  return Datum::Of(std::move(tensor));
}

Status Reference(RunContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  const auto carried = static_cast<size_t>(context.attrs().Int("num_carried"));
  const bool has_count = context.HasInput(0) && context.in(0).count() > 0;
  const int64_t count = has_count ? context.in(0).as<int64_t>()[0] : INT64_MAX;
  bool goes_on = !context.HasInput(1) || IsTrue(context.in_datum(1));
  std::vector<Datum> arguments = {Scalar(DType::kI64, 0), Scalar(DType::kBool, goes_on)};
  for (size_t i = 2; i < context.num_inputs(); ++i)
    arguments.push_back(context.HasInput(i) ? context.in_datum(i) : Datum());
  std::vector<std::vector<Tensor>> collected(body->outputs.size() - 1 - carried);
  for (int64_t i = 0; i < count && goes_on; ++i) {
    arguments[0] = Scalar(DType::kI64, i);
    arguments[1] = Scalar(DType::kBool, 1);
    SLIPWAY_ASSIGN_OR_RETURN(std::vector<Datum> results, context.RunGraph(*body, arguments));
    goes_on = IsTrue(results[0]);
    for (size_t k = 0; k < carried; ++k) arguments[k + 2] = std::move(results[k + 1]);
    for (size_t k = 0; k < collected.size(); ++k)
      collected[k].push_back(results[k + 1 + carried].tensor.Clone());
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    if (i < carried) {
      TakeOutput(context, i, arguments[i + 2]);
      continue;
    }
    const Type& type = OutputType(*body, i + 1);
    const Dims none = type.shape && AllKnown(*type.shape) ? KnownDims(*type.shape) : Dims();
    SLIPWAY_ASSIGN_OR_RETURN(
        Tensor stacked, StackTensors(context, collected[i - carried], 0, context.out_type(i).dtype, none));
    TakeOutput(context, i, Datum::Of(std::move(stacked)));
  }
  return Status::Ok();
}

Status Import(ImportContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  if (body == nullptr) return context.Error("has no body");
  std::vector<ValueId> inputs = context.node().inputs;
  if (inputs.size() < 2) inputs.resize(2, kNoValue);
  const auto carried = static_cast<int64_t>(inputs.size()) - 2;
  inputs.insert(inputs.end(), context.node().captures.begin(), context.node().captures.end());
  return context.Emit("Loop", std::move(inputs), {{"body", body}, {"num_carried", carried}});
}

}  // namespace

OpDef MakeLoop() {
  OpDef op;
  op.name = "Loop";
  op.group = "control";
  op.summary =
      "Runs a sub-graph until a count is reached or its condition fails, feeding results back and collecting "
      "others.";
  op.inputs = {{"trip_count", {DType::kI64}, "one number; none: no bound", Arity::kOptional},
               {"condition", kBools, "one element; none: true", Arity::kOptional},
               {"values", kAnyType, "the carried values, then the captures", Arity::kVariadic}};
  op.outputs = {{"results", kAnyType, "the carried values, then what is collected, stacked along axis 0",
                 Arity::kVariadic}};
  op.attrs = {GraphAttr("body", "iteration, condition, carried, captures -> condition, carried, collected"),
              Required(IntAttr("num_carried", 0, "how many values are carried"))};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "Loop", 1, INT_MAX, Import}};
  return op;
}

}  // namespace slipway
