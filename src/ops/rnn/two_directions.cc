#include "ops/rnn/two_directions.h"

namespace slipway {

Result<TwoInputs> JoinAuxiliary(ImportContext& context, ValueId auxiliary,
                                const std::vector<std::pair<ValueId*, ValueId>>& matrices) {
  const ValueId x = context.in(0);
  if (auxiliary == kNoValue) return TwoInputs{x, x};
  bool has_weights = false;
  for (const auto& [matrix, on_auxiliary] : matrices) has_weights |= on_auxiliary != kNoValue;
  if (!has_weights) return TwoInputs{x, auxiliary};
  const Attrs last = {{"axis", int64_t{-1}}};
  for (const auto& [matrix, on_auxiliary] : matrices) {
    if (*matrix == kNoValue && on_auxiliary == kNoValue) continue;
    if (*matrix == kNoValue || on_auxiliary == kNoValue)
      return context.Error("has weights on its auxiliary input for some gates only");
    if (context.type(*matrix).dtype != DType::kF32)
      return context.Unsupported("8-bit weights on an auxiliary input");
    SLIPWAY_ASSIGN_OR_RETURN(*matrix, context.Add("Concat", {*matrix, on_auxiliary}, last));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId both, context.Add("Concat", {x, auxiliary}, last));
  return TwoInputs{both, both};
}

Status EmitTwoDirections(ImportContext& context, const std::string& op,
                         std::array<std::vector<ValueId>, 2> operands, const Attrs& attrs,
                         size_t num_states) {
  const std::vector<Value>& declared = context.node().outputs;
  const bool is_merged = context.attrs().Int("merge_outputs") != 0;
  const size_t num_results = is_merged ? 1 : 2;
  const bool has_states = declared.size() == num_results + 2 * num_states;
  if (declared.size() != num_results && !has_states)
    return context.Unsupported(std::to_string(declared.size()) + " results and variables; expected " +
                               std::to_string(num_results + 2 * num_states));
  std::vector<ValueId> sequences;
  for (size_t d = 0; d < 2; ++d) {
    Node node;
    node.op = op;
    node.name = context.node().name + (d == 0 ? "/forward" : "/backward");
    node.inputs = std::move(operands[d]);
    while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
    node.attrs = attrs;
    node.attrs.Set("reverse", static_cast<int64_t>(d));
    std::vector<GraphBuilder::Output> outputs = {{is_merged ? node.name : declared[d].name, {}, {}, false}};
    const size_t first = num_results + d * num_states;
    for (size_t i = first; has_states && i < first + num_states; ++i)
      outputs.push_back({declared[i].name, declared[i].quant, declared[i].type, false});
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> ids,
                             context.builder().Add(std::move(node), std::move(outputs)));
    sequences.push_back(ids[0]);
    if (!is_merged) context.Bind(d, ids[0]);
    for (size_t i = 1; i < ids.size(); ++i) context.Bind(first + i - 1, ids[i]);
  }
  if (!is_merged) return Status::Ok();
  Node merge;
  merge.op = "Concat";
  merge.name = context.node().name;
  merge.inputs = sequences;
  merge.attrs = {{"axis", int64_t{-1}}};
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ValueId> merged,
                           context.builder().Add(std::move(merge), {{declared[0].name, {}, {}, false}}));
  context.Bind(0, merged[0]);
  return Status::Ok();
}

}  // namespace slipway
