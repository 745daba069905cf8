#include "ops/reduce/arg_extreme.h"

#include "base/scalar.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) { return InferAlongAxis(context, context.attrs().Type("dtype")); }

// a goes before b, for the extreme sought.
bool Beats(const Tensor& x, int64_t a, int64_t b, Extreme extreme) {
  const bool is_largest = extreme == Extreme::kLargest;
  if (IsFloat(x.dtype())) {
    const double left = LoadReal(x.dtype(), x.data(), a);
    const double right = LoadReal(x.dtype(), x.data(), b);
    return is_largest ? left > right : left < right;
  }
  if (x.dtype() == DType::kU64) {
    const uint64_t left = x.as<uint64_t>()[a];
    const uint64_t right = x.as<uint64_t>()[b];
    return is_largest ? left > right : left < right;
  }
  const int64_t left = LoadInt(x.dtype(), x.data(), a);
  const int64_t right = LoadInt(x.dtype(), x.data(), b);
  return is_largest ? left > right : left < right;
}

}  // namespace

OpDef ArgOp() {
  OpDef op;
  op.group = "reduce";
  op.inputs = {{"data", kNumbers | kBools, "any shape of rank 1 or more"}};
  op.outputs = {{"reduced", kIndices, "data's shape without the axis, or with extent 1 there"}};
  op.attrs = {IntAttr("axis", 0, "negative from the end"),
              IntAttr("keepdims", 1, "1: the axis stays with extent 1; 0: it goes"),
              IntAttr("select_last_index", 0, "among equals, 0: the first; 1: the last"),
              DTypeAttr("dtype", DType::kI64, "i64 or i32")};
  op.infer = Infer;
  op.flops = [](const InferContext& context) { return context.CountOfInput(0); };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (int64_t axis : {0, 1, -1}) {
      cases.push_back({"axis_" + std::to_string(axis), {{.dims = {3, 5, 19}}}, {{"axis", axis}}});
    }
    cases.push_back({"ties_last",
                     {{.dtype = DType::kI32, .dims = {4, 33}, .low = 0, .high = 5}},
                     {{"axis", int64_t{1}}, {"select_last_index", int64_t{1}}, {"keepdims", int64_t{0}}}});
    cases.push_back({"i32", {{.dims = {2, 21}}}, {{"axis", int64_t{1}}, {"dtype", DType::kI32}}});
    return cases;
  };
  return op;
}

Status RunArg(RunContext& context, Extreme extreme) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const int64_t given = context.attrs().Int("axis");
  std::vector<bool> is_reduced(x.dims().size(), false);
  is_reduced[static_cast<size_t>(given < 0 ? given + x.rank() : given)] = true;
  const bool is_last = context.attrs().Int("select_last_index") != 0;
  const Slices slices = SlicesAlong(x.dims(), is_reduced);
  if (slices.offsets.empty() && !slices.starts.empty()) return context.Error("the axis has no elements");
  for (size_t s = 0; s < slices.starts.size(); ++s) {
    size_t best = 0;
    for (size_t k = 1; k < slices.offsets.size(); ++k) {
      const int64_t candidate = slices.starts[s] + slices.offsets[k];
      const int64_t champion = slices.starts[s] + slices.offsets[best];
      const bool is_better =
          is_last ? !Beats(x, champion, candidate, extreme) : Beats(x, candidate, champion, extreme);
      if (is_better) best = k;
    }
    StoreInt(y.dtype(), y.data(), static_cast<int64_t>(s), static_cast<int64_t>(best));
  }
  return Status::Ok();
}

Status ImportArg(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const double axis, context.ConstantScalar(1, 0));
  DType dtype = context.attrs().Type("output_type");
  if (dtype == DType::kNone) dtype = context.node().outputs[0].type.dtype;
  if (dtype == DType::kNone) dtype = DType::kI64;
  return context.Emit(context.op().name, {context.in(0)},
                      {{"axis", static_cast<int64_t>(axis)}, {"keepdims", int64_t{0}}, {"dtype", dtype}});
}

}  // namespace slipway
