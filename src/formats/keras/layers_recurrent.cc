// SimpleRNN, GRU, LSTM and RNN with their cells; ConvLSTM.
//
// As one operator where its gates have the activations; otherwise, and where steps are masked, as a Scan of
// cells.
#include <array>

#include "formats/keras/recurrent.h"
#include "formats/keras/tensors.h"
#include "ops/transpose_tensor.h"

namespace slipway::keras {
namespace {

std::optional<std::string> KindOf(std::string name) {
  if (name.starts_with("CuDNN")) name = name.substr(5);
  if (name.ends_with("Cell")) name.resize(name.size() - 4);
  if (name == "SimpleRNN" || name == "GRU" || name == "LSTM") return name;
  return std::nullopt;
}

Cell ToCell(const std::string& kind, const Config& config, std::vector<std::string> path) {
  Cell cell{kind, config, std::move(path)};
  cell.units = config.Int("units", 0);
  cell.has_bias = config.Bool("use_bias", true);
  cell.resets_after = kind == "GRU" && config.Bool("reset_after", false);
  return cell;
}

// --- As one operator ---

struct GateActivation {
  const char* name;
  Floats alpha = {}, beta = {};
};

// nullopt: the operators know none like it.
std::optional<GateActivation> ToGate(const LayerContext& context, const Json* activation) {
  if (activation == nullptr) return GateActivation{"Affine", {1}, {0}};
  if (!activation->is_string()) return std::nullopt;
  const auto name = activation->get<std::string>();
  if (name == "tanh") return GateActivation{"Tanh"};
  if (name == "sigmoid") return GateActivation{"Sigmoid"};
  if (name == "hard_sigmoid")
    return GateActivation{"HardSigmoid", {context.IsKeras3() ? 1.0F / 6 : 0.2F}, {0.5F}};
  if (name == "relu") return GateActivation{"Relu"};
  if (name == "softplus") return GateActivation{"Softplus"};
  if (name == "softsign") return GateActivation{"Softsign"};
  if (name == "elu") return GateActivation{"Elu", {1}};
  if (name == "linear") return GateActivation{"Affine", {1}, {0}};
  return std::nullopt;
}

// The cell's activations in the operator's order; false: it lacks one.
bool SetGates(const LayerContext& context, const Cell& cell, Attrs& attrs) {
  Strings names;
  Floats alphas, betas;
  std::vector<const char*> members = {"activation"};
  if (cell.kind == "GRU") members = {"recurrent_activation", "activation"};
  if (cell.kind == "LSTM") members = {"recurrent_activation", "activation", "activation"};
  for (const char* member : members) {
    const auto gate = ToGate(context, cell.config.Find(member));
    if (!gate) return false;
    names.emplace_back(gate->name);
    alphas.insert(alphas.end(), gate->alpha.begin(), gate->alpha.end());
    betas.insert(betas.end(), gate->beta.begin(), gate->beta.end());
  }
  attrs.Set("activations", names);
  attrs.Set("activation_alpha", alphas);
  attrs.Set("activation_beta", betas);
  return true;
}

// LSTM: Keras has input, forget, cell, output; the operator input, output, forget, cell.
Ints GateOrder(const Cell& cell) {
  if (cell.kind == "LSTM") return {0, 3, 1, 2};
  return cell.kind == "GRU" ? Ints{0, 1, 2} : Ints{0};
}

// [inputs,gates*units] to [1,gates*units,inputs].
Tensor ForOperator(const Tensor& kernel, const Cell& cell) {
  Tensor turned = TransposeTensor(BlocksReordered(kernel, 1, GateOrder(cell)), {1, 0});
  return turned.Reshaped({1, turned.dims()[0], turned.dims()[1]});
}

Result<ValueId> BiasForOperator(LayerContext& context, const Cell& cell, const Tensor& bias) {
  const int64_t width = cell.num_gates() * cell.units;
  const Tensor ordered = BlocksReordered(bias, bias.rank() - 1, GateOrder(cell));
  const Tensor both = cell.resets_after ? ordered : Joined(ordered, Filled({width}, 0));
  return context.Const(both.Reshaped({1, 2 * width}));
}

Result<Steps> RunOperator(LayerContext& context, const Cell& cell, const Sequence& sequence,
                          const Values& initial, Attrs attrs) {
  SLIPWAY_ASSIGN_OR_RETURN(const CellWeights weights,
                           ReadCellWeights(context, cell, ExtentOrAny(context, context.in(), 2)));
  attrs.Set("hidden_size", cell.units);
  attrs.Set("direction", std::string(sequence.is_reverse ? "reverse" : "forward"));
  attrs.Set("layout", int64_t{1});
  if (cell.kind == "GRU") attrs.Set("linear_before_reset", int64_t{cell.resets_after});
  Values inputs = {context.in(), context.Const(ForOperator(weights.kernel, cell)),
                   context.Const(ForOperator(weights.recurrent, cell)), kNoValue, kNoValue};
  if (cell.has_bias) {
    SLIPWAY_ASSIGN_OR_RETURN(inputs[3], BiasForOperator(context, cell, weights.bias));
  }
  for (ValueId state : initial) {
    SLIPWAY_ASSIGN_OR_RETURN(state, context.Add("Unsqueeze", {state, context.IntsOf({1})}));
    inputs.push_back(state);
  }
  while (inputs.back() == kNoValue) inputs.pop_back();
  const char* op = cell.kind == "SimpleRNN" ? "RNN" : cell.kind == "GRU" ? "GRU" : "LSTM";
  SLIPWAY_ASSIGN_OR_RETURN(const Values outputs,
                           context.AddAll(op, inputs, attrs, std::vector<Type>(1 + cell.num_states())));
  Steps steps;
  SLIPWAY_ASSIGN_OR_RETURN(steps.all, context.Add("Squeeze", {outputs[0], context.IntsOf({2})}));
  if (sequence.is_reverse) {
    // Keras leaves the outputs in the order in which they were computed.
    SLIPWAY_ASSIGN_OR_RETURN(steps.all, Reversed(context, steps.all));
  }
  for (size_t i = 1; i < outputs.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId state, context.Add("Squeeze", {outputs[i], context.IntsOf({1})}));
    steps.states.push_back(state);
  }
  steps.last = steps.states[0];
  return steps;
}

// --- Step by step ---

Result<ValueId> Product(LayerContext& context, ValueId x, Tensor weights) {
  return context.Add("MatMul", {x, context.Const(std::move(weights))});
}

Result<Values> Gates(LayerContext& context, ValueId x, int64_t count, int64_t axis) {
  return context.AddAll("Split", {x}, {{"axis", axis}, {"num_outputs", count}},
                        std::vector<Type>(static_cast<size_t>(count)));
}

// c' = f c + i g; h' = o act(c').
Result<Values> LstmUpdate(LayerContext& context, const Cell& cell, ValueId gates, ValueId c, int64_t axis) {
  SLIPWAY_ASSIGN_OR_RETURN(const Values parts, Gates(context, gates, 4, axis));
  const Json* recurrent = cell.config.Find("recurrent_activation");
  const Json* activation = cell.config.Find("activation");
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId i, context.Activate(parts[0], recurrent));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId f, context.Activate(parts[1], recurrent));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId g, context.Activate(parts[2], activation));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId o, context.Activate(parts[3], recurrent));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId kept, context.Add("Mul", {f, c}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId added, context.Add("Mul", {i, g}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId next, context.Add("Add", {kept, added}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shown, context.Activate(next, activation));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId h, context.Add("Mul", {o, shown}));
  return Values{h, h, next};
}

// h' = z h + (1 - z) g. `input`: x W + b; `state`: h R (+ its bias), of the candidate only with resets_after.
Result<Values> GruUpdate(LayerContext& context, const Cell& cell, const CellWeights& weights, ValueId input,
                         ValueId h) {
  const int64_t units = cell.units;
  const Json* recurrent = cell.config.Find("recurrent_activation");
  SLIPWAY_ASSIGN_OR_RETURN(const Values from_x, Gates(context, input, 3, -1));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId product, Product(context, h, weights.recurrent));
  if (cell.resets_after && cell.has_bias) {
    const Tensor both = weights.bias;
    Tensor bias(DType::kF32, {3 * units});
    std::copy(both.as<float>() + 3 * units, both.as<float>() + 6 * units, bias.as<float>());
    SLIPWAY_ASSIGN_OR_RETURN(product, context.Add("Add", {product, context.Const(std::move(bias))}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const Values from_h, Gates(context, product, 3, -1));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId z, context.Add("Add", {from_x[0], from_h[0]}));
  SLIPWAY_ASSIGN_OR_RETURN(z, context.Activate(z, recurrent));
  SLIPWAY_ASSIGN_OR_RETURN(ValueId r, context.Add("Add", {from_x[1], from_h[1]}));
  SLIPWAY_ASSIGN_OR_RETURN(r, context.Activate(r, recurrent));
  ValueId state = kNoValue;
  if (cell.resets_after) {
    SLIPWAY_ASSIGN_OR_RETURN(state, context.Add("Mul", {r, from_h[2]}));
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId reset, context.Add("Mul", {r, h}));
    Tensor last(DType::kF32, {units, units});
    for (int64_t row = 0; row < units; ++row) {
      const float* from = weights.recurrent.as<float>() + row * 3 * units + 2 * units;
      std::copy(from, from + units, last.as<float>() + row * units);
    }
    SLIPWAY_ASSIGN_OR_RETURN(state, Product(context, reset, std::move(last)));
  }
  SLIPWAY_ASSIGN_OR_RETURN(ValueId g, context.Add("Add", {from_x[2], state}));
  SLIPWAY_ASSIGN_OR_RETURN(g, context.Activate(g, cell.config.Find("activation")));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId kept, context.Add("Mul", {z, h}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId share, context.Add("Sub", {context.Number(1), z}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId added, context.Add("Mul", {share, g}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId next, context.Add("Add", {kept, added}));
  return Values{next, next};
}

// The output, then the new states.
Result<Values> Step(LayerContext& context, const Cell& cell, const CellWeights& weights, ValueId x,
                    const Values& states) {
  SLIPWAY_ASSIGN_OR_RETURN(ValueId input, Product(context, x, weights.kernel));
  if (cell.has_bias) {
    Tensor bias(DType::kF32, {cell.num_gates() * cell.units});
    std::copy(weights.bias.as<float>(), weights.bias.as<float>() + bias.count(), bias.as<float>());
    SLIPWAY_ASSIGN_OR_RETURN(input, context.Add("Add", {input, context.Const(std::move(bias))}));
  }
  if (cell.kind == "GRU") return GruUpdate(context, cell, weights, input, states[0]);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId product, Product(context, states[0], weights.recurrent));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {input, product}));
  if (cell.kind == "LSTM") return LstmUpdate(context, cell, sum, states[1], -1);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId h, context.Activate(sum, cell.config.Find("activation")));
  return Values{h, h};
}

// Cells on top of each other.
Result<Steps> RunCells(LayerContext& context, const std::vector<Cell>& cells, const Sequence& sequence,
                       Values states) {
  std::vector<CellWeights> weights;
  int64_t num_inputs = ExtentOrAny(context, context.in(), 2);
  for (const Cell& cell : cells) {
    SLIPWAY_ASSIGN_OR_RETURN(CellWeights each, ReadCellWeights(context, cell, num_inputs));
    weights.push_back(std::move(each));
    num_inputs = cell.units;
  }
  size_t output_state = 0, count = 0;
  for (const Cell& cell : cells) {
    output_state = count;
    count += cell.num_states();
    for (size_t i = 0; states.size() < count && i < cell.num_states(); ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(const ValueId zero, ZeroState(context, context.in(), {cell.units}));
      states.push_back(zero);
    }
  }
  return RunSteps(
      context, sequence, states, output_state, [&](ValueId x, const Values& now) -> Result<Values> {
        Values made = {x};
        size_t at = 0;
        for (size_t i = 0; i < cells.size(); ++i) {
          const Values own(now.begin() + static_cast<std::ptrdiff_t>(at),
                           now.begin() + static_cast<std::ptrdiff_t>(at + cells[i].num_states()));
          SLIPWAY_ASSIGN_OR_RETURN(const Values next, Step(context, cells[i], weights[i], made[0], own));
          made[0] = next[0];
          made.insert(made.end(), next.begin() + 1, next.end());
          at += own.size();
        }
        return made;
      });
}

Result<Values> RunLayer(LayerContext& context, const std::vector<Cell>& cells) {
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(3, 3));
  SLIPWAY_ASSIGN_OR_RETURN(const Sequence sequence, ReadSequence(context));
  const Values initial = InitialStates(context);
  size_t num_states = 0;
  for (const Cell& cell : cells) num_states += cell.num_states();
  if (!initial.empty() && initial.size() != num_states)
    return context.Error("is handed " + std::to_string(initial.size()) + " initial states, has " +
                         std::to_string(num_states));
  SLIPWAY_RETURN_IF_ERROR(context.error());
  Attrs attrs;
  const bool is_plain = cells.size() == 1 && sequence.mask == kNoValue && SetGates(context, cells[0], attrs);
  SLIPWAY_ASSIGN_OR_RETURN(const Steps steps, is_plain
                                                  ? RunOperator(context, cells[0], sequence, initial, attrs)
                                                  : RunCells(context, cells, sequence, initial));
  return Results(context, steps);
}

Result<Values> Recurrent(LayerContext& context) {
  return RunLayer(context, {ToCell(*KindOf(context.class_name()), context.config(), {})});
}

// RNN(cell), or a list of cells as StackedRNNCells.
Result<Values> RnnOfCells(LayerContext& context) {
  const Json* json = context.config().Find("cell");
  if (json == nullptr) return context.Error("its config has no cell");
  Status error;
  std::vector<Cell> cells;
  const auto add = [&](const Json& each, std::vector<std::string> path) {
    const auto kind = KindOf(ClassOf(each));
    if (!kind || ConfigOf(each) == nullptr) return false;
    cells.push_back(ToCell(*kind, Config(ConfigOf(each), error), std::move(path)));
    return true;
  };
  const Json* inner = ConfigOf(*json);
  const Json* list = json->is_array()                               ? json
                     : ClassOf(*json) == "StackedRNNCells" && inner ? Given(*inner, "cells")
                                                                    : nullptr;
  const Json single = list == nullptr ? Json::array({*json}) : Json();
  const Json& all = list == nullptr ? single : *list;
  if (!all.is_array() || all.empty()) return context.Error("its cell is no cell and no list of them");
  for (const Json& each : all) {
    const Json* config = ConfigOf(each);
    const std::string name = config ? TextOf(*config, "name") : "";
    if (!add(each, list == nullptr || name.empty() ? std::vector<std::string>() : std::vector{name}))
      return context.Unsupported("the cell of class '" + ClassOf(each) + "'",
                                 "SimpleRNN, GRU and LSTM cells are read");
  }
  auto results = RunLayer(context, cells);
  if (!error.ok()) return context.Error(error.message());
  return results;
}

// --- ConvLSTM ---

// x [N,T,spatial...,C] or [N,T,C,spatial...]. Gates are convolutions: of x as configured, of the state with
// padding 'same'.
template <size_t axes>
Result<Values> ConvLstm(LayerContext& context) {
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(axes + 3, axes + 3));
  SLIPWAY_ASSIGN_OR_RETURN(const Sequence sequence, ReadSequence(context));
  const std::string layout = context.config().Text("data_format", "channels_last");
  const bool is_first = layout == "channels_first";
  if (!is_first && layout != "channels_last") return context.Error("its data_format is '" + layout + "'");
  const int64_t filters = context.config().Int("filters", 0);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t channels, context.Extent(context.in(), is_first ? 2 : axes + 2));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints kernel, PerAxis(context, "kernel_size", axes, {}));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints strides, PerAxis(context, "strides", axes, Ints(axes, 1)));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints dilations, PerAxis(context, "dilation_rate", axes, Ints(axes, 1)));
  const std::string padding = context.config().Text("padding", "valid");
  if (kernel.empty() || filters < 1 || filters > (1 << 24))
    return context.Error("it has no kernel_size or no filters");
  Dims dims = kernel;
  dims.insert(dims.end(), {channels, 4 * filters});
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor of_x, context.Weight("kernel", 0, dims));
  dims[axes] = filters;
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor of_h, context.Weight("recurrent_kernel", 1, dims));
  Tensor bias;
  if (context.config().Bool("use_bias", true)) {
    SLIPWAY_ASSIGN_OR_RETURN(bias, context.Weight("bias", 2, {4 * filters}));
  }
  SLIPWAY_RETURN_IF_ERROR(context.error());
  const DataFormat format = FormatOf(layout, axes);
  const auto convolve_x = [&](ValueId x) {
    Values inputs = {x, context.Const(KernelForConv(of_x, format))};
    if (!bias.IsNone()) inputs.push_back(context.Const(bias));
    return context.Add("Conv", inputs,
                       {{"layout", layout},
                        {"strides", strides},
                        {"dilations", dilations},
                        {"auto_pad", std::string(padding == "same" ? "SAME_UPPER" : "VALID")}});
  };
  Values states = InitialStates(context);
  if (states.empty()) {
    // The state has the extents that the convolution leaves; the node itself is of no use.
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId first,
                             context.Add("Gather", {context.in(), context.builder().Scalar(DType::kI64, 0)},
                                         {{"axis", int64_t{1}}}));
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId probe, convolve_x(first));
    Ints extents;
    for (int64_t i = 1; i < static_cast<int64_t>(axes) + 2; ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(const int64_t extent, context.Extent(probe, i));
      extents.push_back(i == format.channel_axis ? filters : extent);
    }
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId zero, ZeroState(context, context.in(), extents));
    states = {zero, zero};
  }
  if (states.size() != 2)
    return context.Error("is handed " + std::to_string(states.size()) + " initial states, has 2");
  const Cell cell{"LSTM", context.config(), {}};
  SLIPWAY_ASSIGN_OR_RETURN(
      const Steps steps,
      RunSteps(context, sequence, states, 0, [&](ValueId x, const Values& now) -> Result<Values> {
        SLIPWAY_ASSIGN_OR_RETURN(const ValueId input, convolve_x(x));
        SLIPWAY_ASSIGN_OR_RETURN(const ValueId state,
                                 context.Add("Conv", {now[0], context.Const(KernelForConv(of_h, format))},
                                             {{"layout", layout}, {"auto_pad", std::string("SAME_UPPER")}}));
        SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, context.Add("Add", {input, state}));
        return LstmUpdate(context, cell, sum, now[1], format.channel_axis);
      }));
  return Results(context, steps);
}

constexpr size_t kMostStates = 64;

constexpr std::array kLayers = {
    LayerDef{"SimpleRNN", Recurrent, 1, 2, MaskRule::kOwn},
    LayerDef{"GRU", Recurrent, 1, 2, MaskRule::kOwn},
    LayerDef{"LSTM", Recurrent, 1, 3, MaskRule::kOwn},
    LayerDef{"RNN", RnnOfCells, 1, kMostStates, MaskRule::kOwn},
    LayerDef{"ConvLSTM1D", ConvLstm<1>, 1, 3, MaskRule::kOwn},
    LayerDef{"ConvLSTM2D", ConvLstm<2>, 1, 3, MaskRule::kOwn},
    LayerDef{"ConvLSTM3D", ConvLstm<3>, 1, 3, MaskRule::kOwn},
};

}  // namespace

std::span<const LayerDef> RecurrentLayers() { return kLayers; }

}  // namespace slipway::keras
