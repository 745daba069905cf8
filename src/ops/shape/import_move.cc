#include "ops/shape/import_move.h"

#include "base/scalar.h"

namespace slipway {

Result<ValueId> AddMove(ImportContext& context, std::string op, std::vector<ValueId> inputs, Attrs attrs,
                        size_t from) {
  const ValueId source = inputs[from];
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId moved,
                           context.Add(std::move(op), std::move(inputs), std::move(attrs)));
  Graph& graph = context.builder().graph();
  graph.value(moved).quant = graph.value(source).quant;
  return moved;
}

Result<ValueId> ShapeOf(ImportContext& context, ValueId value) {
  const Type& type = context.type(value);
  if (type.IsStatic()) return context.ConstInts(KnownDims(*type.shape));
  return context.Add("Shape", {value});
}

ValueId IntsOf(ImportContext& context, DType dtype, const Ints& values) {
  Tensor tensor(dtype, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i)
    StoreInt(dtype, tensor.data(), static_cast<int64_t>(i), values[i]);
  return context.Const(std::move(tensor));
}

}  // namespace slipway
