// Where a tensor is not zero.
#include "ops/import.h"
#include "ops/index/indices.h"
#include "ops/infer.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const Dim rank = context.shape(0) ? Dim(static_cast<int64_t>(context.shape(0)->size())) : Dim();
  context.SetOutput(0, DType::kI64, {rank, Dim()});
  return Status::Ok();
}

bool IsSet(const Tensor& x, int64_t i) {
  if (x.dtype() == DType::kString) return !x.as<std::string>()[i].empty();
  return LoadReal(x.dtype(), x.data(), i) != 0;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  std::vector<int64_t> found;
  for (int64_t i = 0; i < x.count(); ++i) {
    if (IsSet(x, i)) found.push_back(i);
  }
  const auto n = static_cast<int64_t>(found.size());
  Tensor& y = context.AllocateOutput(0, {x.rank(), n});
  for (int64_t k = 0; k < n; ++k) {
    int64_t rest = found[static_cast<size_t>(k)];
    for (int64_t axis = x.rank(); axis-- > 0;) {
      y.as<int64_t>()[axis * n + k] = rest % x.dim(static_cast<int>(axis));
      rest /= x.dim(static_cast<int>(axis));
    }
  }
  return Status::Ok();
}

// One input: the places as rows.
Status ImportRows(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId columns, context.Add("NonZero", {context.in(0)}));
  return context.Emit("Transpose", {columns}, {{"perm", Ints{1, 0}}});
}

}  // namespace

OpDef MakeNonZero() {
  OpDef op;
  op.name = "NonZero";
  op.group = "index";
  op.summary = "The places where x is not zero, in row-major order, a column each.";
  op.inputs = {{"x", kNumbers | kBools | DTypeSet{DType::kString}, "any shape"}};
  op.outputs = {{"y", {DType::kI64}, "[rank of x, number of places]"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"matrix", {{.dtype = DType::kI32, .dims = {2, 3}, .values = {0, 1, 0, 2, 0, 3}}}, {}}};
  };
  op.foreign = {{Format::kOnnx, "NonZero"},
                {Format::kTensorflow, "Where", 1, INT_MAX, ImportRows},
                {Format::kTflite, "WHERE", 1, INT_MAX, ImportRows}};
  return op;
}

}  // namespace slipway
