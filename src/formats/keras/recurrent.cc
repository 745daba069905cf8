#include "formats/keras/recurrent.h"

#include <limits>
#include <numeric>

#include "formats/keras/unique_names.h"

namespace slipway::keras {

Result<CellWeights> ReadCellWeights(LayerContext& context, const Cell& cell, int64_t num_inputs) {
  if (cell.units < 1 || cell.units > (1 << 24))
    return context.Error("its units are " + std::to_string(cell.units));
  const int64_t width = cell.num_gates() * cell.units;
  CellWeights weights;
  SLIPWAY_ASSIGN_OR_RETURN(weights.kernel, context.Weight("kernel", 0, {num_inputs, width}, cell.path));
  SLIPWAY_ASSIGN_OR_RETURN(weights.recurrent,
                           context.Weight("recurrent_kernel", 1, {cell.units, width}, cell.path));
  if (!cell.has_bias) return weights;
  const Dims dims = cell.resets_after ? Dims{2, width} : Dims{width};
  SLIPWAY_ASSIGN_OR_RETURN(weights.bias, context.Weight("bias", 2, dims, cell.path));
  return weights;
}

Result<ValueId> ZeroState(LayerContext& context, ValueId x, const Ints& extents) {
  const Dim& batch = context.shape(x)[0];
  Ints dims = extents;
  if (batch.IsKnown()) {
    dims.insert(dims.begin(), batch.value());
    return context.Add("ConstantOfShape", {context.IntsOf(dims)});
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shape,
                           context.Add("Shape", {x}, {{"start", int64_t{0}}, {"end", int64_t{1}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId wanted,
                           context.Add("Concat", {shape, context.IntsOf(dims)}, {{"axis", int64_t{0}}}));
  return context.Add("ConstantOfShape", {wanted});
}

Result<ValueId> Reversed(LayerContext& context, ValueId x) {
  constexpr int64_t kBeforeAll = std::numeric_limits<int64_t>::min();
  return context.Add("Slice", {x, context.IntsOf({-1}), context.IntsOf({kBeforeAll}), context.IntsOf({1}),
                               context.IntsOf({-1})});
}

Values InitialStates(LayerContext& context) {
  Values states;
  for (size_t i = 1; i < context.num_inputs(); ++i) states.push_back(context.in(i));
  return states.empty() ? context.NamedList("initial_state") : states;
}

Result<Sequence> ReadSequence(LayerContext& context) {
  Sequence sequence;
  sequence.is_reverse = context.config().Bool("go_backwards", false);
  sequence.mask = context.named("mask") != kNoValue ? context.named("mask") : context.MaskOf(context.in());
  sequence.zeroes_masked = context.config().Bool("zero_output_for_mask", false);
  if (context.config().Bool("time_major", false))
    return context.Unsupported("time_major", "put the batch first");
  if (context.config().Bool("stateful", false))
    context.Note("the layer '" + context.FullName() +
                 "' is stateful: here every run starts from its initial state");
  return sequence;
}

namespace {

// [N] to [N,1,...], to choose between values of `rank` axes.
Result<ValueId> Broadcastable(LayerContext& context, ValueId mask, int64_t rank) {
  Ints axes(static_cast<size_t>(rank) - 1);
  std::iota(axes.begin(), axes.end(), 1);
  return context.Add("Unsqueeze", {mask, context.IntsOf(axes)});
}

// Of a masked step the states stay as they were. `states`: the cell's, then the last output.
Result<Values> ApplyMask(LayerContext& context, ValueId mask, const Values& states, Values next) {
  for (size_t i = 0; i < next.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId wide, Broadcastable(context, mask, context.rank(next[i])));
    SLIPWAY_ASSIGN_OR_RETURN(next[i], context.Add("Where", {wide, next[i], states[i]}));
  }
  return next;
}

Type SliceType(const Type& type) {
  DimList dims = *type.shape;
  dims.erase(dims.begin() + 1);
  return Type::Of(type.dtype, std::move(dims));
}

// The body's outputs: the states, with a mask the last output, and what is collected.
Result<Values> Body(LayerContext& context, const Sequence& sequence, const StepFn& step, ValueId x,
                    ValueId mask, const Values& states) {
  const bool has_mask = mask != kNoValue;
  const auto num_states = static_cast<std::ptrdiff_t>(states.size()) - (has_mask ? 1 : 0);
  SLIPWAY_ASSIGN_OR_RETURN(const Values made, step(x, Values(states.begin(), states.begin() + num_states)));
  Values results(made.begin() + 1, made.end());
  // A value of its own: the output may be a state too.
  SLIPWAY_ASSIGN_OR_RETURN(ValueId output, context.Add("Identity", {made[0]}));
  if (has_mask) {
    results.push_back(output);
    SLIPWAY_ASSIGN_OR_RETURN(results, ApplyMask(context, mask, states, std::move(results)));
    if (sequence.zeroes_masked) {
      SLIPWAY_ASSIGN_OR_RETURN(const ValueId wide, Broadcastable(context, mask, context.rank(output)));
      SLIPWAY_ASSIGN_OR_RETURN(output, context.Add("Where", {wide, output, context.Number(0)}));
    } else {
      SLIPWAY_ASSIGN_OR_RETURN(output, context.Add("Identity", {results.back()}));
    }
  }
  results.push_back(output);
  return results;
}

Type StackedType(const Type& slice, const Dim& steps) {
  DimList dims = *slice.shape;
  dims.insert(dims.begin() + 1, steps);
  return Type::Of(slice.dtype, std::move(dims));
}

}  // namespace

Result<Steps> RunSteps(LayerContext& context, const Sequence& sequence, const Values& states,
                       size_t output_state, const StepFn& step) {
  const bool has_mask = sequence.mask != kNoValue;
  Values carried = states;
  if (has_mask) {
    // The last output; before the first it is 0.
    const ValueId like = states[output_state];
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId zero, context.Add("Sub", {like, like}));
    carried.push_back(zero);
  }
  auto body = std::make_shared<Graph>();
  body->name = context.FullName() + "/step";
  GraphBuilder inside(*body);
  GraphBuilder& outside = context.builder();
  Values inputs;
  std::vector<Type> types;
  for (size_t i = 0; i < carried.size(); ++i) {
    types.push_back(outside.type(carried[i]));
    inputs.push_back(inside.Input("state" + std::to_string(i), types[i]));
  }
  const ValueId x = inside.Input("x", SliceType(outside.type(context.in())));
  const ValueId mask = has_mask ? inside.Input("mask", SliceType(outside.type(sequence.mask))) : kNoValue;
  context.SwitchBuilder(inside);
  auto outputs = Body(context, sequence, step, x, mask, inputs);
  context.SwitchBuilder(outside);
  SLIPWAY_RETURN_IF_ERROR(outputs.status());
  body->outputs = *outputs;
  MakeNamesUnique(*body);
  types.push_back(StackedType(inside.type(outputs->back()), context.shape()[1]));
  Values operands = carried;
  operands.push_back(context.in());
  if (has_mask) operands.push_back(sequence.mask);
  const size_t scanned = has_mask ? 2 : 1;
  SLIPWAY_ASSIGN_OR_RETURN(
      const Values results,
      context.AddAll("Scan", operands,
                     {{"body", GraphRef(body)},
                      {"num_states", static_cast<int64_t>(carried.size())},
                      {"num_scan_inputs", static_cast<int64_t>(scanned)},
                      {"scan_input_axes", Ints(scanned, 1)},
                      {"scan_input_directions", Ints(scanned, int64_t{sequence.is_reverse})},
                      {"scan_output_axes", Ints{1}}},
                     types));
  Steps steps;
  steps.all = results.back();
  steps.states.assign(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(states.size()));
  if (!has_mask || !sequence.zeroes_masked) {
    steps.last = results[has_mask ? states.size() : output_state];
    return steps;
  }
  const ValueId end = context.builder().Scalar(DType::kI64, -1);
  SLIPWAY_ASSIGN_OR_RETURN(steps.last, context.Add("Gather", {steps.all, end}, {{"axis", int64_t{1}}}));
  return steps;
}

Result<Values> Results(LayerContext& context, const Steps& steps) {
  const bool wants_all = context.config().Bool("return_sequences", false);
  Values results = {wants_all ? steps.all : steps.last};
  if (context.config().Bool("return_state", false))
    results.insert(results.end(), steps.states.begin(), steps.states.end());
  const ValueId mask = context.MaskOf(context.in());
  if (wants_all && mask != kNoValue) context.SetMask(results[0], mask);
  return results;
}

}  // namespace slipway::keras
