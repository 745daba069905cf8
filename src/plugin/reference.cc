// Plugin nodes where there is no engine: constant folding and the bodies of control flow. An instance is made
// for each call.
#include "plugin/instance.h"

namespace slipway {

Status RunPluginNode(RunContext& context) {
  std::vector<Type> input_types(context.num_inputs());
  std::vector<OperandFacts> input_facts(context.num_inputs());
  std::vector<Datum*> inputs(context.num_inputs(), nullptr);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!context.HasInput(i)) continue;
    inputs[i] = const_cast<Datum*>(&context.in_datum(i));  // read only: see PluginArgs
    const Tensor& tensor = context.in(i);
    input_types[i] = Type::Of(tensor.dtype(), ToDimList(tensor.dims()));
    input_facts[i] = {&input_types[i], &tensor, context.in_quant(i)};
  }
  std::vector<Datum> results(context.num_outputs());
  std::vector<Type> output_types(context.num_outputs());
  std::vector<OperandFacts> output_facts(context.num_outputs());
  std::vector<Datum*> outputs(context.num_outputs(), nullptr);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!context.HasOutput(i)) continue;
    results[i].tensor = context.out(i);
    outputs[i] = &results[i];
    output_types[i] = context.out_type(i);
    output_facts[i] = {&output_types[i], nullptr, context.out_quant(i)};
  }
  SLIPWAY_ASSIGN_OR_RETURN(const auto instance,
                           PluginInstance::Make(context.node(), input_facts, output_facts));
  Tensor workspace(DType::kU8, {instance->WorkspaceBytes(input_types, output_types)});
  const PluginArgs args{inputs, outputs, output_types, workspace.values<uint8_t>(), nullptr};
  SLIPWAY_RETURN_IF_ERROR(instance->Run(args));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] != nullptr) context.SetOutput(i, std::move(results[i]));
  }
  return Status::Ok();
}

}  // namespace slipway
