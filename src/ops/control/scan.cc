// A sub-graph run over the slices of its inputs, a state carried along.
//
// Inputs: `num_states` states, `num_scan_inputs` tensors to go through, captures. The body takes states,
// slices and captures; it gives states and slices of the results.
#include "ops/control/scan.h"

#include <algorithm>

#include "ops/control/subgraph.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

int64_t EntryOr(const Ints& list, size_t i, int64_t otherwise) {
  return i < list.size() ? list[i] : otherwise;
}

Status Infer(InferContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  const int64_t states = context.attrs().Int("num_states");
  const int64_t scanned = context.attrs().Int("num_scan_inputs");
  const auto n = static_cast<int64_t>(context.num_inputs());
  const bool fits = body != nullptr && states >= 0 && scanned >= 1 && states <= n && scanned <= n - states &&
                    body->inputs.size() == context.num_inputs() &&
                    static_cast<int64_t>(body->outputs.size()) >= states &&
                    body->outputs.size() >= context.num_outputs();
  if (!fits) return context.Error("the body's inputs and outputs do not fit the node's");
  Dim length;
  for (int64_t i = 0; i < scanned; ++i) {
    const auto& shape = context.shape(static_cast<size_t>(states + i));
    if (!shape) continue;
    SLIPWAY_ASSIGN_OR_RETURN(
        const int axis,
        NormalizeAxis(context, EntryOr(context.attrs().IntList("scan_input_axes"), static_cast<size_t>(i), 0),
                      static_cast<int>(shape->size())));
    const Dim& extent = (*shape)[static_cast<size_t>(axis)];
    if (length.IsKnown() && extent.IsKnown() && length.value() != extent.value()) {
      return context.Error("scan inputs have " + length.ToString() + " and " + extent.ToString() + " slices");
    }
    if (!length.IsKnown()) length = extent;
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    Type type = OutputType(*body, i);
    if (static_cast<int64_t>(i) < states) {
      type = CommonType(type, context.input(i));
      if (!type.IsStatic()) type.shape.reset();
    } else if (type.shape) {
      const auto rank = static_cast<int>(type.shape->size()) + 1;
      const size_t output = i - static_cast<size_t>(states);
      SLIPWAY_ASSIGN_OR_RETURN(
          const int axis,
          NormalizeAxis(context, EntryOr(context.attrs().IntList("scan_output_axes"), output, 0), rank));
      type.shape->insert(type.shape->begin() + axis, length);
      if (!type.IsStatic()) type.shape.reset();
    }
    context.SetOutput(i, std::move(type));
  }
  return Status::Ok();
}

Tensor SliceAt(const Tensor& x, int64_t axis, int64_t index) {
  const auto at = static_cast<size_t>(axis < 0 ? axis + x.rank() : axis);
  Dims dims = x.dims();
  const std::vector<int64_t> from = DenseStrides(dims);
  dims[at] = 1;
  Tensor slice(x.dtype(), dims);
  CopyStrided(x.dtype(), x.data(), {index * from[at], from}, slice.data(), {0, DenseStrides(dims)}, dims);
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(at));
  return slice.Reshaped(std::move(dims));
}

Status Reference(RunContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  const auto states = static_cast<size_t>(context.attrs().Int("num_states"));
  const auto scanned = static_cast<size_t>(context.attrs().Int("num_scan_inputs"));
  const Ints& axes = context.attrs().IntList("scan_input_axes");
  const Ints& directions = context.attrs().IntList("scan_input_directions");
  const int64_t length = context.in(states).dim(static_cast<int>(EntryOr(axes, 0, 0)));
  std::vector<Datum> arguments;
  for (size_t i = 0; i < context.num_inputs(); ++i) arguments.push_back(context.in_datum(i));
  std::vector<std::vector<Tensor>> collected(body->outputs.size() - states);
  for (int64_t step = 0; step < length; ++step) {
    for (size_t i = 0; i < scanned; ++i) {
      const int64_t at = EntryOr(directions, i, 0) != 0 ? length - 1 - step : step;
      arguments[states + i] = Datum::Of(SliceAt(context.in(states + i), EntryOr(axes, i, 0), at));
    }
    SLIPWAY_ASSIGN_OR_RETURN(std::vector<Datum> results, context.RunGraph(*body, arguments));
    for (size_t i = 0; i < states; ++i) arguments[i] = std::move(results[i]);
    for (size_t i = 0; i < collected.size(); ++i) collected[i].push_back(results[states + i].tensor.Clone());
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) {
    if (i < states) {
      TakeOutput(context, i, arguments[i]);
      continue;
    }
    const size_t output = i - states;
    std::vector<Tensor>& parts = collected[output];
    if (EntryOr(context.attrs().IntList("scan_output_directions"), output, 0) != 0)
      std::reverse(parts.begin(), parts.end());
    const Type& type = OutputType(*body, i);
    const Dims none = type.shape && AllKnown(*type.shape) ? KnownDims(*type.shape) : Dims();
    SLIPWAY_ASSIGN_OR_RETURN(
        Tensor stacked,
        StackTensors(context, parts, EntryOr(context.attrs().IntList("scan_output_axes"), output, 0),
                     context.out_type(i).dtype, none));
    TakeOutput(context, i, Datum::Of(std::move(stacked)));
  }
  return Status::Ok();
}

Status Import(ImportContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  const int64_t scanned = context.attrs().Int("num_scan_inputs");
  const auto formal = static_cast<int64_t>(context.num_inputs());
  if (body == nullptr || scanned < 1 || scanned > formal) return context.Error("lacks a body or scan inputs");
  Attrs attrs = {{"body", body}, {"num_scan_inputs", scanned}, {"num_states", formal - scanned}};
  for (const char* name :
       {"scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"}) {
    attrs.Set(name, context.attrs().IntList(name));
  }
  return context.Emit("Scan", InputsAndCaptures(context), std::move(attrs));
}

}  // namespace

OpDef MakeScan() {
  OpDef op;
  op.name = "Scan";
  op.group = "control";
  op.summary = "Runs a sub-graph over the slices of its inputs, carrying a state and stacking its results.";
  op.inputs = {{"values", kAnyType, "the states, what is gone through, the captures", Arity::kVariadic}};
  op.outputs = {{"results", kAnyType, "the states, then the stacked results", Arity::kVariadic}};
  op.attrs = {GraphAttr("body", "states, slices, captures -> states, slices"),
              Required(IntAttr("num_states", 0, "how many states")),
              Required(IntAttr("num_scan_inputs", 1, "how many inputs are gone through")),
              IntsAttr("scan_input_axes", {}, "axis of each such input; none: 0"),
              IntsAttr("scan_input_directions", {}, "1: backwards"),
              IntsAttr("scan_output_axes", {}, "axis along which each result is stacked; none: 0"),
              IntsAttr("scan_output_directions", {}, "1: backwards")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "Scan", 9, INT_MAX, Import},
                {Format::kOnnx, "Scan", 8, 8, ImportBatchedScan}};
  return op;
}

}  // namespace slipway
