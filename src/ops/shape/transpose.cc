// Permutation of axes.
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"
#include "ops/transpose_tensor.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (!context.shape(0)) {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
    return Status::Ok();
  }
  const DimList& shape = *context.shape(0);
  const Ints perm = PermutationOf(context.attrs(), static_cast<int>(shape.size()));
  if (perm.size() != shape.size()) {
    return context.Error("perm has " + std::to_string(perm.size()) + " axes, the input has rank " +
                         std::to_string(shape.size()));
  }
  DimList result;
  std::vector<bool> seen(perm.size(), false);
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= static_cast<int64_t>(perm.size()) || seen[static_cast<size_t>(axis)]) {
      return context.Error("perm " + ToString(perm) + " is not a permutation");
    }
    seen[static_cast<size_t>(axis)] = true;
    result.push_back(shape[static_cast<size_t>(axis)]);
  }
  context.SetOutput(0, context.dtype(0), std::move(result));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  StridedView from;
  for (int64_t axis : PermutationOf(context.attrs(), x.rank())) {
    from.strides.push_back(strides[static_cast<size_t>(axis)]);
  }
  CopyStrided(x.dtype(), x.data(), from, y.data(), {0, DenseStrides(y.dims())}, y.dims());
  return Status::Ok();
}

// TensorFlow and TFLite: the permutation is the second input.
Status ImportWithInput(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(Ints perm, context.ConstantInts(1));
  return context.Emit("Transpose", {context.in(0)}, {{"perm", perm}});
}

}  // namespace

OpDef MakeTranspose() {
  OpDef op;
  op.name = "Transpose";
  op.group = "shape";
  op.summary = "Permutes axes: axis i of the result is axis perm[i] of x.";
  op.inputs = {{"x", kAnyType, "any shape"}};
  op.outputs = {{"y", kAnyType, "permuted"}};
  op.attrs = {IntsAttr("perm", {}, "the permutation; empty: axes reversed")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"nchw_to_nhwc", {{.dims = {2, 3, 5, 17}}}, {{"perm", Ints{0, 2, 3, 1}}}},
        {"photo", {{.dims = {2, 3, 64, 67}}}, {{"perm", Ints{0, 2, 3, 1}}}},
        {"nhwc_to_nchw", {{.dims = {1, 9, 7, 5}}}, {{"perm", Ints{0, 3, 1, 2}}}},
        {"matrix", {{.dims = {33, 18}}}, {{"perm", Ints{1, 0}}}},
        {"bytes", {{.dtype = DType::kU8, .dims = {4, 6, 3}, .low = 0, .high = 255}}, {}}};
  };
  op.foreign = {{Format::kOnnx, "Transpose"},
                {Format::kTensorflow, "Transpose", 1, INT_MAX, ImportWithInput},
                {Format::kTflite, "TRANSPOSE", 1, INT_MAX, ImportWithInput}};
  return op;
}

}  // namespace slipway
