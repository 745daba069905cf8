// The upper or lower triangle of matrices.
#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (context.shape(0) && context.shape(0)->size() < 2) return context.Error("x must have rank 2 or more");
  context.SetOutput(0, context.input(0));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const bool is_upper = context.attrs().Int("upper") != 0;
  const int64_t k = context.HasInput(1) && context.in(1).count() > 0 ? context.in(1).as<int64_t>()[0] : 0;
  const int64_t rows = x.dim(-2);
  const int64_t columns = x.dim(-1);
  for (int64_t i = 0; i < x.count(); ++i) {
    const int64_t row = i / columns % rows;
    const int64_t diagonal = i % columns - row;
    if (is_upper ? diagonal >= k : diagonal <= k) {
      CopyElement(x.dtype(), x.data(), i, y.data(), i);
    } else {
      StoreInt(y.dtype(), y.data(), i, 0);
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeTrilu() {
  OpDef op;
  op.name = "Trilu";
  op.group = "shape";
  op.summary = "The upper or lower triangle of each matrix; what is outside becomes 0.";
  op.inputs = {{"x", kNumbers | kBools, "[...,rows,columns]"},
               {"k",
                {DType::kI64},
                "the diagonal that bounds it; none: 0, positive: further right",
                Arity::kOptional}};
  op.outputs = {{"y", kNumbers | kBools, "the shape of x"}};
  op.attrs = {IntAttr("upper", 1, "0: the lower triangle")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{{"upper", {{.dims = {2, 4, 5}}}, {}},
                                 {"lower", {{.dims = {4, 5}}}, {{"upper", int64_t{0}}}}};
  };
  op.foreign = {{Format::kOnnx, "Trilu"}, {Format::kOnnx, "Trilu", 1, INT_MAX, nullptr, "com.microsoft"}};
  return op;
}

}  // namespace slipway
