#include "type_check.h"

namespace slipway::conformance {

void TypeCheck::Fail(const Value& value, const Tensor& tensor, const std::string& why) {
  if (!status_.ok()) return;
  status_ = Status(Code::kMismatch, "value '" + value.name + "' was inferred as " + ToString(value.type) +
                                        ", a run gave " + Describe(tensor) + why);
}

void TypeCheck::SeeExtent(const Value& value, const Dim& dim, int64_t extent, const Tensor& tensor) {
  if (dim.IsKnown() && dim.value() != extent) return Fail(value, tensor, "");
  if (!dim.IsNamed()) return;
  const auto [known, is_new] = extents_.emplace(dim.symbol(), extent);
  if (is_new || known->second == extent) return;
  Fail(value, tensor, "; " + dim.symbol() + " was " + std::to_string(known->second) + " elsewhere");
}

void TypeCheck::See(ValueId id, const Datum& datum) {
  const Value& value = graph_.value(id);
  if (datum.kind != TypeKind::kTensor || value.type.kind != TypeKind::kTensor) return;
  const Tensor& tensor = datum.tensor;
  if (value.type.dtype != DType::kNone && value.type.dtype != tensor.dtype()) return Fail(value, tensor, "");
  if (!value.type.HasRank()) return;
  if (value.type.rank() != tensor.rank()) return Fail(value, tensor, "");
  for (int axis = 0; axis < tensor.rank(); ++axis) {
    SeeExtent(value, (*value.type.shape)[static_cast<size_t>(axis)], tensor.dim(axis), tensor);
  }
}

Result<std::vector<Datum>> InterpretChecked(const Graph& graph, std::span<const Datum> inputs) {
  TypeCheck check(graph);
  for (size_t i = 0; i < inputs.size() && i < graph.inputs.size(); ++i) check.See(graph.inputs[i], inputs[i]);
  // Inputs that contradict their declaration are the test's affair, not inference's.
  if (!check.status().ok()) return Interpret(graph, inputs);
  auto outputs = Interpret(graph, inputs, [&](ValueId id, const Datum& datum) { check.See(id, datum); });
  if (outputs.ok() && !check.status().ok()) return check.status();
  return outputs;
}

}  // namespace slipway::conformance
