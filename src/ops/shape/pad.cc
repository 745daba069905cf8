// Padding of any axis.
#include <algorithm>
#include <numeric>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

// Begins, then ends, for every axis of x (axes left out get 0).
Ints Spread(const Ints& pads, const std::optional<Ints>& axes, int rank) {
  Ints all(static_cast<size_t>(2 * rank), 0);
  const size_t n = pads.size() / 2;
  for (size_t i = 0; i < n; ++i) {
    int64_t axis = axes ? (*axes)[i] : static_cast<int64_t>(i);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) continue;
    all[static_cast<size_t>(axis)] = pads[i];
    all[static_cast<size_t>(rank + axis)] = pads[i + n];
  }
  return all;
}

Status Infer(InferContext& context) {
  const auto pads = context.ints(1);
  const auto axes = context.HasInput(3) ? context.ints(3) : std::optional<Ints>();
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  const auto rank = static_cast<int>(shape.size());
  if (!pads || (context.HasInput(3) && !axes)) {
    context.SetOutput(0, context.dtype(0), DimList(shape.size()));
    return Status::Ok();
  }
  const size_t padded = axes ? axes->size() : shape.size();
  if (pads->size() != 2 * padded) {
    return context.Error("pads has " + std::to_string(pads->size()) + " entries, needs " +
                         std::to_string(2 * padded));
  }
  const Ints all = Spread(*pads, axes, rank);
  for (int i = 0; i < rank; ++i) {
    Dim& dim = shape[static_cast<size_t>(i)];
    const int64_t grow = all[static_cast<size_t>(i)] + all[static_cast<size_t>(rank + i)];
    const bool needs_source =
        dim.IsKnown() && dim.value() == 0 && grow > 0 && context.attrs().String("mode") != "constant";
    if (needs_source)
      return context.Error("axis " + std::to_string(i) + " is empty: only constant padding can grow it");
    dim = dim + grow;
    if (dim.IsKnown() && dim.value() < 0)
      return context.Error("pads " + ToString(*pads) + " cut more than " + ToString(*context.shape(0)) +
                           " has");
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// Index into an axis of `extent` for the outside position `at`.
int64_t Wrap(int64_t at, int64_t extent, const std::string& mode) {
  if (at >= 0 && at < extent) return at;
  if (mode == "edge") return std::clamp<int64_t>(at, 0, extent - 1);
  if (mode == "wrap") return ((at % extent) + extent) % extent;
  if (mode == "symmetric") {
    const int64_t period = 2 * extent;
    const int64_t phase = ((at % period) + period) % period;
    return phase < extent ? phase : period - 1 - phase;
  }
  if (extent == 1) return 0;
  const int64_t period = 2 * (extent - 1);
  const int64_t phase = ((at % period) + period) % period;
  return phase < extent ? phase : period - phase;
}

void Fill(RunContext& context, Tensor& y) {
  const bool has_value = context.HasInput(2) && context.in(2).count() == 1;
  const Quant* quant = context.out_quant(0);
  for (int64_t i = 0; i < y.count(); ++i) {
    if (has_value) {
      CopyElement(y.dtype(), context.in(2).data(), 0, y.data(), i);
    } else if (quant != nullptr && IsInteger(y.dtype())) {
      StoreInt(y.dtype(), y.data(), i, quant->zero_points[0]);  // quantised zero
    } else if (y.dtype() != DType::kString) {
      StoreInt(y.dtype(), y.data(), i, 0);
    }
  }
}

Ints IntsOf(const Tensor& tensor) {
  Ints values;
  for (int64_t i = 0; i < tensor.count(); ++i) values.push_back(LoadInt(tensor.dtype(), tensor.data(), i));
  return values;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const int rank = x.rank();
  const std::optional<Ints> axes = context.HasInput(3) ? std::optional(IntsOf(context.in(3))) : std::nullopt;
  const Ints pads = Spread(IntsOf(context.in(1)), axes, rank);
  const std::string& mode = context.attrs().String("mode");
  Dims dims = x.dims();
  for (int i = 0; i < rank; ++i)
    dims[static_cast<size_t>(i)] += pads[static_cast<size_t>(i)] + pads[static_cast<size_t>(rank + i)];
  for (int64_t dim : dims) {
    if (dim < 0) return context.Error("pads cut more than x has");
  }
  Tensor& y = context.AllocateOutput(0, dims);
  const std::vector<int64_t> from_strides = DenseStrides(x.dims());
  const std::vector<int64_t> to_strides = DenseStrides(y.dims());
  if (mode == "constant") {
    Fill(context, y);
    StridedView from{0, from_strides};
    StridedView to{0, to_strides};
    Dims copied = x.dims();
    for (int i = 0; i < rank; ++i) {
      const auto k = static_cast<size_t>(i);
      const int64_t cut = std::max<int64_t>(0, -pads[k]);
      const int64_t cut_end = std::max<int64_t>(0, -pads[static_cast<size_t>(rank) + k]);
      from.offset += cut * from_strides[k];
      to.offset += std::max<int64_t>(0, pads[k]) * to_strides[k];
      copied[k] = std::max<int64_t>(0, copied[k] - cut - cut_end);
    }
    CopyStrided(x.dtype(), x.data(), from, y.data(), to, copied);
    return Status::Ok();
  }
  std::vector<int64_t> index(static_cast<size_t>(rank), 0);
  for (int64_t i = 0; i < y.count(); ++i) {
    int64_t at = 0;
    for (int k = 0; k < rank; ++k) {
      const auto axis = static_cast<size_t>(k);
      at += Wrap(index[axis] - pads[axis], x.dim(k), mode) * from_strides[axis];
    }
    CopyElement(x.dtype(), x.data(), at, y.data(), i);
    for (int k = rank - 1; k >= 0; --k) {
      if (++index[static_cast<size_t>(k)] < y.dim(k)) break;
      index[static_cast<size_t>(k)] = 0;
    }
  }
  return Status::Ok();
}

Status ImportOld(ImportContext& context) {
  const Ints& pads = context.attrs().IntList(context.attrs().Has("pads") ? "pads" : "paddings");
  std::string mode = context.attrs().String("mode");
  if (mode.empty()) mode = "constant";
  const DType dtype = context.type(context.in(0)).dtype;
  const ValueId value = context.builder().Scalar(dtype, context.attrs().Float("value", 0));
  return context.Emit("Pad", {context.in(0), context.ConstInts(pads), value}, {{"mode", mode}});
}

// TensorFlow and TFLite: paddings [rank, 2].
Status ImportPairs(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Ints pairs, context.ConstantInts(1));
  Ints pads;
  for (const size_t side : {0, 1}) {
    for (size_t i = side; i < pairs.size(); i += 2) pads.push_back(pairs[i]);
  }
  std::string mode = "constant";
  const std::string& name = context.attrs().String("mode");
  if (name == "REFLECT") mode = "reflect";
  if (name == "SYMMETRIC") mode = "symmetric";
  std::vector<ValueId> inputs = {context.in(0), context.ConstInts(pads)};
  if (context.HasInput(2)) inputs.push_back(context.in(2));
  return context.Emit("Pad", std::move(inputs), {{"mode", mode}});
}

}  // namespace

OpDef MakePad() {
  OpDef op;
  op.name = "Pad";
  op.group = "shape";
  op.summary =
      "Adds elements at both ends of axes (negative numbers cut); quantised tensors are padded with their "
      "zero.";
  op.inputs = {{"x", kAnyType, "any shape"},
               {"pads", kIndices, "[2n]: begins, then ends"},
               {"value", kAnyType, "scalar, constant mode; none: 0", Arity::kOptional},
               {"axes", kIndices, "[n]; none: all", Arity::kOptional}};
  op.outputs = {{"y", kAnyType, "the padded tensor"}};
  op.attrs = {StringAttr("mode", "constant", {"constant", "reflect", "edge", "wrap", "symmetric"},
                         "what the new elements are")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const TestInput pads{
        .dtype = DType::kI64, .dims = {8}, .values = {0, 1, 2, 0, 0, 2, 1, 0}, .is_constant = true};
    std::vector<TestCase> cases;
    for (const char* mode : {"constant", "reflect", "edge", "wrap"}) {
      cases.push_back({mode, {{.dims = {1, 5, 7, 9}}, pads}, {{"mode", std::string(mode)}}});
    }
    return cases;
  };
  op.foreign = {{Format::kOnnx, "Pad", 11},
                {Format::kOnnx, "Pad", 1, 10, ImportOld},
                {Format::kTensorflow, "Pad", 1, INT_MAX, ImportPairs},
                {Format::kTensorflow, "PadV2", 1, INT_MAX, ImportPairs},
                {Format::kTensorflow, "MirrorPad", 1, INT_MAX, ImportPairs},
                {Format::kTflite, "PAD", 1, INT_MAX, ImportPairs},
                {Format::kTflite, "PADV2", 1, INT_MAX, ImportPairs},
                {Format::kTflite, "MIRROR_PAD", 1, INT_MAX, ImportPairs}};
  return op;
}

}  // namespace slipway
