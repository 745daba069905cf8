#include "ops/control/subgraph.h"

#include "base/scalar.h"
#include "ops/shape/strided.h"

namespace slipway {

const Type& OutputType(const Graph& graph, size_t i) { return graph.value(graph.outputs[i]).type; }

Type CommonType(const Type& a, const Type& b) {
  Type common = a;
  if (common.dtype == DType::kNone) common.dtype = b.dtype;
  if (!a.shape || !b.shape || a.shape->size() != b.shape->size()) {
    common.shape.reset();
    return common;
  }
  for (size_t i = 0; i < a.shape->size(); ++i) {
    if (!(*a.shape)[i].SurelyEquals((*b.shape)[i])) (*common.shape)[i] = Dim();
  }
  return common;
}

namespace {

Tensor OwnedTensor(const Tensor& tensor) { return tensor.IsNone() ? Tensor() : tensor.Clone(); }

}  // namespace

Datum OwnedCopy(const Datum& datum) {
  Datum copy = datum;
  copy.tensor = OwnedTensor(datum.tensor);
  if (datum.sequence == nullptr) return copy;
  auto tensors = std::make_shared<std::vector<Tensor>>();
  for (const Tensor& tensor : *datum.sequence) tensors->push_back(OwnedTensor(tensor));
  copy.sequence = std::move(tensors);
  return copy;
}

void TakeOutput(const RunContext& context, size_t i, const Datum& datum) {
  if (!context.HasOutput(i)) return;
  const bool is_plain = datum.kind == TypeKind::kTensor && !datum.tensor.IsNone() &&
                        context.out_type(i).dtype == datum.tensor.dtype();
  if (!is_plain) return context.SetOutput(i, OwnedCopy(datum));
  Tensor& y = context.AllocateOutput(i, datum.tensor.dims());
  const StridedView flat{0, {1}};
  CopyStrided(y.dtype(), datum.tensor.data(), flat, y.data(), flat, {y.count()});
}

bool IsTrue(const Datum& datum) {
  return !datum.tensor.IsNone() && datum.tensor.count() > 0 &&
         LoadInt(datum.tensor.dtype(), datum.tensor.data(), 0) != 0;
}

Result<Tensor> StackTensors(const RunContext& context, const std::vector<Tensor>& parts, int64_t axis,
                            DType dtype, const Dims& dims_if_empty) {
  Dims dims = parts.empty() ? dims_if_empty : parts[0].dims();
  const auto rank = static_cast<int64_t>(dims.size()) + 1;
  if (axis < -rank || axis >= rank)
    return context.Error("axis " + std::to_string(axis) + " is outside rank " + std::to_string(rank));
  const auto at = static_cast<size_t>(axis < 0 ? axis + rank : axis);
  for (const Tensor& part : parts) {
    if (part.dims() == dims && part.dtype() == parts[0].dtype()) continue;
    return context.Error("results of the iterations differ: " + Describe(parts[0]) + " and " +
                         Describe(part));
  }
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(at), static_cast<int64_t>(parts.size()));
  Tensor stacked(parts.empty() ? dtype : parts[0].dtype(), dims);
  const std::vector<int64_t> to = DenseStrides(dims);
  Dims slice = dims;
  slice[at] = 1;
  for (size_t k = 0; k < parts.size(); ++k) {
    CopyStrided(stacked.dtype(), parts[k].data(), {0, DenseStrides(slice)}, stacked.data(),
                {static_cast<int64_t>(k) * to[at], to}, slice);
  }
  return stacked;
}

std::vector<ValueId> InputsAndCaptures(const ImportContext& context) {
  std::vector<ValueId> inputs = context.node().inputs;
  inputs.insert(inputs.end(), context.node().captures.begin(), context.node().captures.end());
  return inputs;
}

}  // namespace slipway
