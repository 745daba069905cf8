// TFLite's LSTM layers: LSTM, UNIDIRECTIONAL_SEQUENCE_LSTM and, twice, BIDIRECTIONAL_SEQUENCE_LSTM.
//
// What TFLite keeps in variable tensors is an operand and a result here: h and c. LSTM's basic kernel is
// BasicLSTM.
#include "ops/rnn/projected_lstm.h"

#include "ops/activation.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/rnn/operand_shape.h"
#include "ops/rnn/row_flops.h"
#include "ops/rnn/two_directions.h"

namespace slipway {

LstmCall LstmCallOf(const RunContext& context) {
  const Tensor& x = context.in(kLstmX);
  LstmCall call{};
  call.is_time_major = x.rank() == 2 || context.attrs().Int("time_major") != 0;
  call.is_backwards = context.attrs().Int("reverse") != 0;
  call.inputs = x.dim(-1);
  call.batch = x.dim(x.rank() == 3 && call.is_time_major ? 1 : 0);
  call.steps = x.rank() == 2 ? 1 : x.dim(call.is_time_major ? 0 : 1);
  const Tensor& from_state = context.in(kLstmFromState + kLstmForget);
  call.cells = from_state.dim(0);
  call.outputs = from_state.dim(1);
  return call;
}

namespace {

struct Sizes {
  Dim batch, inputs, cells, outputs;
};

Status CheckOperands(const InferContext& context, const Sizes& sizes) {
  const bool is_coupled = !context.HasInput(kLstmFromInput);
  for (size_t i = 0; i < kNumLstmGates; ++i) {
    const bool is_left_out = i == kLstmInput && is_coupled;
    if (context.HasInput(kLstmFromState + i) == is_left_out ||
        context.HasInput(kLstmFromInput + i) == is_left_out)
      return context.Error("weights of gate " + std::to_string(i) + " are incomplete",
                           "give those from input and from state, or of the input gate neither");
    SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kLstmFromInput + i, {sizes.cells, sizes.inputs}));
    SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kLstmFromState + i, {sizes.cells, sizes.outputs}));
    for (size_t vector : {kLstmBias + i, kLstmNorm + i})
      SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, vector, {sizes.cells}));
    if (i < 3) SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kLstmPeepholes + i, {sizes.cells}));
  }
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kLstmProjection, {sizes.outputs, sizes.cells}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kLstmProjectionBias, {sizes.outputs}));
  SLIPWAY_RETURN_IF_ERROR(CheckOperandShape(context, kLstmH, {sizes.batch, sizes.outputs}));
  return CheckOperandShape(context, kLstmC, {sizes.batch, sizes.cells});
}

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(kLstmX);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  if (context.HasOutput(1)) context.SetOutput(1, context.input(kLstmH));
  if (context.HasOutput(2)) context.SetOutput(2, context.input(kLstmC));
  const auto& x = context.shape(kLstmX);
  const auto& from_state = context.shape(kLstmFromState + kLstmForget);
  if (!x || !from_state) return Status::Ok();
  const bool has_ranks = (x->size() == 2 || x->size() == 3) && from_state->size() == 2;
  if (!has_ranks)
    return context.Error("x " + ToString(*x) + " must have rank 2 or 3, recurrent weights " +
                         ToString(*from_state) + " rank 2");
  const bool is_time_major = context.attrs().Int("time_major") != 0;
  const Sizes sizes{(*x)[x->size() == 3 && is_time_major ? 1 : 0], x->back(), (*from_state)[0],
                    (*from_state)[1]};
  for (const Dim& dim : {sizes.cells, sizes.outputs}) {
    if (dim.IsKnown() && dim.value() < 1)
      return context.Error("recurrent weights are " + ToString(*from_state));
  }
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(context, sizes));
  const bool is_narrow = !context.HasInput(kLstmProjection) && sizes.cells.IsKnown() &&
                         sizes.outputs.IsKnown() && sizes.cells.value() != sizes.outputs.value();
  if (is_narrow)
    return context.Error("has no projection from " + sizes.cells.ToString() + " cells to " +
                         sizes.outputs.ToString() + " outputs");
  DimList shape = *x;
  shape.back() = sizes.outputs;
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const LstmCall call = LstmCallOf(context);
  const DType dtype = context.in(kLstmX).dtype();
  const bool is_uniform = context.in(kLstmH).dtype() == dtype &&
                          context.in(kLstmC).dtype() == (dtype == DType::kF32 ? dtype : DType::kI16);
  if (!is_uniform)
    return context.Error("x is " + std::string(DTypeName(dtype)) + ", h " +
                             std::string(DTypeName(context.in(kLstmH).dtype())) + " and c " +
                             std::string(DTypeName(context.in(kLstmC).dtype())),
                         "all f32, or i8, i8 and i16");
  if (dtype == DType::kF32) return RunRealLstm(context, call);
  const bool is_narrow = context.attrs().FloatList("intermediate_scales").size() == kNumNarrowIntermediates;
  return is_narrow ? RunNarrowIntegerLstm(context, call) : RunIntegerLstm(context, call);
}

double Flops(const InferContext& context) {
  double weights = 0;
  for (size_t i = kLstmFromInput; i < kLstmPeepholes; ++i) {
    if (context.HasInput(i)) weights += context.CountOfInput(i);
  }
  if (context.HasInput(kLstmProjection)) weights += context.CountOfInput(kLstmProjection);
  return RowFlops(context.output(0).type.shape, weights);
}

// ---- Import ----

Result<Attrs> LayerAttrs(const ImportContext& context) {
  const Attrs& from = context.attrs();
  const std::string_view activation = ActivationFromTflite(from.String("fused_activation_function"));
  if (activation.empty())
    return context.Unsupported("fused activation " + from.String("fused_activation_function"));
  return Attrs{{"activation", std::string(activation)},
               {"cell_clip", from.Float("cell_clip")},
               {"proj_clip", from.Float("proj_clip")},
               {"time_major", from.Int("time_major")},
               {"asymmetric_quantize_inputs", from.Int("asymmetric_quantize_inputs")}};
}

// Recurrent weights of one axis stand for a matrix that is 0 beside its diagonal; always reals in TFLite.
Status SpreadDiagonals(ImportContext& context, std::vector<ValueId>& operands) {
  for (size_t i = kLstmFromState; i < kLstmFromState + kNumLstmGates; ++i) {
    if (operands[i] == kNoValue) continue;
    const Type& type = context.type(operands[i]);
    if (!type.shape || type.shape->size() != 1) continue;
    if (type.dtype != DType::kF32)
      return context.Unsupported("diagonal recurrent weights of " + std::string(DTypeName(type.dtype)),
                                 "they are f32 in TFLite");
    SLIPWAY_ASSIGN_OR_RETURN(operands[i], context.Add("MatrixDiag", {operands[i]}));
  }
  return Status::Ok();
}

}  // namespace

Status ImportLstmLayer(ImportContext& context) {
  if (context.num_inputs() < kLstmNorm || !context.HasInput(kLstmH) || !context.HasInput(kLstmC)) {
    return context.Unsupported(std::to_string(context.num_inputs()) +
                               " operands: the form before states were variables");
  }
  SLIPWAY_ASSIGN_OR_RETURN(Attrs attrs, LayerAttrs(context));
  for (const char* name : {"intermediate_scales", "intermediate_zero_points"}) {
    if (const Attr* given = context.attrs().Find(name)) attrs.Set(name, *given);
  }
  std::vector<ValueId> operands = context.node().inputs;
  SLIPWAY_RETURN_IF_ERROR(SpreadDiagonals(context, operands));
  return context.Emit("ProjectedLSTM", std::move(operands), std::move(attrs));
}

namespace {

// TFLite: x; 17 operands from weights to projection forwards, and backwards; h and c forwards, and backwards;
// the auxiliary input; four weights on it forwards, and backwards.
Status ImportTwoDirections(ImportContext& context) {
  constexpr size_t kWeights = kLstmH - 1;  // of a direction
  constexpr size_t kStates = 1 + 2 * kWeights;
  constexpr size_t kAuxiliary = kStates + 4;
  SLIPWAY_ASSIGN_OR_RETURN(const Attrs attrs, LayerAttrs(context));
  std::array<std::vector<ValueId>, 2> operands;
  for (size_t d = 0; d < 2; ++d) {
    operands[d] = {context.in(0)};
    for (size_t i = 1; i <= kWeights; ++i) operands[d].push_back(context.in(d * kWeights + i));
    for (size_t i = 0; i < 2; ++i) operands[d].push_back(context.in(kStates + 2 * d + i));
    if (operands[d][kLstmH] == kNoValue || operands[d][kLstmC] == kNoValue)
      return context.Unsupported("states that are no operands");
  }
  std::vector<std::pair<ValueId*, ValueId>> matrices;
  for (size_t i = 0; i < 2 * kNumLstmGates; ++i)
    matrices.emplace_back(&operands[i / kNumLstmGates][kLstmFromInput + i % kNumLstmGates],
                          context.in(kAuxiliary + 1 + i));
  SLIPWAY_ASSIGN_OR_RETURN(const TwoInputs x, JoinAuxiliary(context, context.in(kAuxiliary), matrices));
  operands[0][kLstmX] = x.forward;
  operands[1][kLstmX] = x.backward;
  return EmitTwoDirections(context, "ProjectedLSTM", std::move(operands), attrs, 2);
}

std::vector<TestCase> Cases() {
  struct Form {
    const char* label;
    bool is_coupled, has_peepholes, has_projection, is_normalized;
    DType weights;
  };
  constexpr Form kForms[] = {{"plain", false, false, false, false, DType::kF32},
                             {"coupled", true, false, false, false, DType::kF32},
                             {"everything", false, true, true, true, DType::kF32},
                             {"hybrid", false, false, true, false, DType::kI8}};
  constexpr int64_t kSteps = 4, kBatch = 2, kInputs = 5, kCells = 6, kOutputs = 3;
  std::vector<TestCase> cases;
  for (const Form& form : kForms) {
    const int64_t outputs = form.has_projection ? kOutputs : kCells;
    const auto matrix = [&](Dims dims, bool is_there) {
      TestInput input{.dtype = form.weights, .dims = std::move(dims), .low = -1, .high = 1};
      if (form.weights == DType::kI8)
        input.low = -127, input.high = 127, input.quant = Quant{{0.01F}, {0}, -1};
      input.is_constant = true;
      input.is_absent = !is_there;
      return input;
    };
    const auto vector = [](int64_t size, bool is_there) {
      return TestInput{.dims = {size}, .low = -1, .high = 1, .is_constant = true, .is_absent = !is_there};
    };
    TestCase test;
    test.label = form.label;
    test.inputs.push_back({.dims = {kBatch, kSteps, kInputs}, .low = -1, .high = 1});
    for (bool is_state : {false, true}) {
      for (size_t i = 0; i < kNumLstmGates; ++i)
        test.inputs.push_back(matrix({kCells, is_state ? outputs : kInputs}, i > 0 || !form.is_coupled));
    }
    for (int i = 0; i < 3; ++i) test.inputs.push_back(vector(kCells, form.has_peepholes));
    for (size_t i = 0; i < kNumLstmGates; ++i)
      test.inputs.push_back(vector(kCells, i > 0 || !form.is_coupled));
    test.inputs.push_back(matrix({outputs, kCells}, form.has_projection));
    test.inputs.push_back(vector(outputs, form.has_projection));
    test.inputs.push_back({.dims = {kBatch, outputs}, .low = -1, .high = 1});
    test.inputs.push_back({.dims = {kBatch, kCells}, .low = -1, .high = 1});
    for (size_t i = 0; i < kNumLstmGates; ++i) test.inputs.push_back(vector(kCells, form.is_normalized));
    test.attrs = {{"activation", std::string("tanh")}};
    if (form.is_normalized) test.attrs.Set("cell_clip", 0.5F);
    test.num_outputs = 3;
    cases.push_back(std::move(test));
  }
  return cases;
}

std::vector<Port> Ports() {
  const DTypeSet real = {DType::kF32};
  const DTypeSet weight = {DType::kF32, DType::kI8, DType::kU8};
  const DTypeSet vector = {DType::kF32, DType::kI8, DType::kU8, DType::kI16};
  const DTypeSet bias = {DType::kF32, DType::kI32};
  const char* const gates[] = {"input", "forget", "cell", "output"};
  std::vector<Port> ports = {
      {"x", real | DTypeSet{DType::kI8}, "[batch,steps,inputs], or one step [batch,inputs]"}};
  const auto add = [&](std::string name, DTypeSet dtypes, const char* doc, bool is_required = false) {
    ports.push_back({std::move(name), dtypes, doc, is_required ? Arity::kRequired : Arity::kOptional});
  };
  for (size_t i = 0; i < kNumLstmGates; ++i)
    add(std::string("input_to_") + gates[i], weight, "[cells,inputs]", i > 0);
  for (size_t i = 0; i < kNumLstmGates; ++i)
    add(std::string("state_to_") + gates[i], weight, "[cells,outputs]", i > 0);
  for (size_t i : {0U, 1U, 3U}) add(std::string("cell_to_") + gates[i], vector, "[cells]: peephole");
  for (const char* gate : gates) add(std::string(gate) + "_bias", bias, "[cells]");
  add("projection", weight, "[outputs,cells]");
  add("projection_bias", bias, "[outputs]");
  add("h", real | DTypeSet{DType::kI8}, "[batch,outputs]: the state that y repeats", true);
  add("c", real | DTypeSet{DType::kI16}, "[batch,cells]: the cells", true);
  for (const char* gate : gates)
    add(std::string(gate) + "_norm", DTypeSet{DType::kF32, DType::kI16},
        "[cells]: scales the normalised gate");
  return ports;
}

}  // namespace

OpDef MakeProjectedLSTM() {
  OpDef op;
  op.name = "ProjectedLSTM";
  op.group = "rnn";
  op.summary =
      "A layer of long short-term memory cells with projection, peepholes and normalised gates, as TFLite "
      "has it.";
  op.formula = "c' = f(forget) c + f(input) g(cell); h' = projection (f(output) g(c')) + projection_bias";
  op.inputs = Ports();
  op.outputs = {{"y", {DType::kF32, DType::kI8}, "h of every step, shaped as x"},
                {"next_h", {DType::kF32, DType::kI8}, "h after the last step", Arity::kOptional},
                {"next_c", {DType::kF32, DType::kI16}, "c after the last step", Arity::kOptional}};
  op.attrs = ActivationAttrs();
  op.attrs.insert(
      op.attrs.end(),
      {FloatAttr("cell_clip", 0, "c is clipped to [-cell_clip,cell_clip]; 0: not"),
       FloatAttr("proj_clip", 0, "likewise what is projected"),
       IntAttr("time_major", 0, "1: x and y are [steps,batch,...]"),
       IntAttr("reverse", 0, "1: from the last step to the first"),
       IntAttr("asymmetric_quantize_inputs", 0, "8-bit weights: rows of x and h get a zero point"),
       FloatsAttr("intermediate_scales", {}, "integers: scales of the four gates and of what is projected"),
       IntsAttr("intermediate_zero_points", {}, "likewise")});
  op.infer = Infer;
  op.reference = Reference;
  op.flops = Flops;
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kTflite, "UNIDIRECTIONAL_SEQUENCE_LSTM", 1, INT_MAX, ImportLstmLayer},
                {Format::kTflite, "BIDIRECTIONAL_SEQUENCE_LSTM", 1, INT_MAX, ImportTwoDirections}};
  return op;
}

}  // namespace slipway
