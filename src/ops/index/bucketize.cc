// The interval between ascending boundaries that each number lies in.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr DTypeSet kTypes = {DType::kF32, DType::kF64, DType::kI32, DType::kI64};

Status Infer(InferContext& context) {
  const Floats& boundaries = context.attrs().FloatList("boundaries");
  if (!std::is_sorted(boundaries.begin(), boundaries.end()))
    return context.Error("the boundaries must ascend");
  Type type = context.input(0);
  type.dtype = DType::kI32;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Floats& boundaries = context.attrs().FloatList("boundaries");
  const Tensor& x = context.in(0);
  // Numbers of f32 and i32 are exact as doubles.
  for (int64_t i = 0; i < x.count(); ++i) {
    const auto above =
        std::upper_bound(boundaries.begin(), boundaries.end(), LoadReal(x.dtype(), x.data(), i),
                         [](double value, float boundary) { return value < double{boundary}; });
    context.out(0).as<int32_t>()[i] = static_cast<int32_t>(above - boundaries.begin());
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeBucketize() {
  OpDef op;
  op.name = "Bucketize";
  op.group = "index";
  op.summary = "How many boundaries each number has reached.";
  op.formula = "y = the number of boundaries b with b <= x";
  op.inputs = {{"x", kTypes, "any shape"}};
  op.outputs = {{"y", {DType::kI32}, "the shape of x"}};
  op.attrs = {FloatsAttr("boundaries", {}, "ascending")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"three", {{.dims = {3, 7}}}, {{"boundaries", Floats{-2, 0, 1.5F}}}}};
  };
  op.foreign = {{Format::kTflite, "BUCKETIZE"}, {Format::kTensorflow, "Bucketize"}};
  return op;
}

}  // namespace slipway
