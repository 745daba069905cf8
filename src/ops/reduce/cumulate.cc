#include "ops/reduce/cumulate.h"

#include "base/scalar.h"

namespace slipway {
namespace {

template <class T, class Load, class Store>
void Cumulate(const Slices& lines, bool is_exclusive, T start, T (*f)(T, T), const Load& load,
              const Store& store) {
  for (int64_t first : lines.starts) {
    T so_far = start;
    for (int64_t offset : lines.offsets) {
      const int64_t at = first + offset;
      const T next = f(so_far, load(at));
      store(at, is_exclusive ? so_far : next);
      so_far = next;
    }
  }
}

Status Infer(InferContext& context) {
  if (context.shape(0) && context.shape(0)->empty())
    return context.Error("a scalar has no axis to run along");
  return InferSameAsInput(context);
}

}  // namespace

OpDef CumulateOp() {
  OpDef op;
  op.group = "reduce";
  op.inputs = {{"x", kNumbers, "any shape of rank 1 or more"},
               {"axis", kIndices, "one number, negative from the end"}};
  op.outputs = {{"y", kNumbers, "the shape of x"}};
  op.attrs = {IntAttr("exclusive", 0, "1: an element's own value is left out"),
              IntAttr("reverse", 0, "1: from the end")};
  op.infer = Infer;
  op.cases = [] {
    std::vector<TestCase> cases;
    const auto add = [&](const char* label, double axis, int64_t exclusive, int64_t reverse) {
      TestInput at{.dtype = DType::kI64, .values = {axis}, .is_constant = true};
      cases.push_back({label,
                       {{.dims = {3, 5, 7}, .low = 0.5, .high = 1.5}, at},
                       {{"exclusive", exclusive}, {"reverse", reverse}}});
    };
    add("first", 0, 0, 0);
    add("exclusive", 1, 1, 0);
    add("reverse", -1, 0, 1);
    add("exclusive_reverse", 2, 1, 1);
    return cases;
  };
  return op;
}

Status RunCumulate(RunContext& context, const CumulateFunctions& functions) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (context.in(1).count() != 1)
    return context.Error("axis is " + Describe(context.in(1)) + "; it must be one number");
  const int64_t given = LoadInt(context.in(1).dtype(), context.in(1).data(), 0);
  if (given < -x.rank() || given >= x.rank()) {
    return context.Error("axis " + std::to_string(given) + " is outside rank " + std::to_string(x.rank()));
  }
  std::vector<bool> is_along(x.dims().size(), false);
  is_along[static_cast<size_t>(given < 0 ? given + x.rank() : given)] = true;
  Slices lines = SlicesAlong(x.dims(), is_along);
  if (context.attrs().Int("reverse") != 0) lines.offsets = {lines.offsets.rbegin(), lines.offsets.rend()};
  const bool is_exclusive = context.attrs().Int("exclusive") != 0;
  if (IsInteger(x.dtype())) {
    Cumulate<uint64_t>(
        lines, is_exclusive, static_cast<uint64_t>(functions.start), functions.integer,
        [&](int64_t i) { return static_cast<uint64_t>(LoadInt(x.dtype(), x.data(), i)); },
        [&](int64_t i, uint64_t value) { StoreInt(y.dtype(), y.data(), i, static_cast<int64_t>(value)); });
    return Status::Ok();
  }
  Cumulate<double>(
      lines, is_exclusive, functions.start, functions.real,
      [&](int64_t i) { return LoadReal(x.dtype(), x.data(), i); },
      [&](int64_t i, double value) { StoreReal(y.dtype(), y.data(), i, value); });
  return Status::Ok();
}

}  // namespace slipway
