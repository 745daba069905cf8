#include "base/scalar.h"
#include "ops/nn/softmax.h"

namespace slipway {

std::vector<AttrDef> SoftmaxAttrs() {
  return {IntAttr("axis", -1, "the axis to normalise over"),
          IntAttr("coerce_2d", 0, "1: over all axes from `axis` to the last, taken together")};
}

Status InferSoftmax(InferContext& context) {
  context.SetOutput(0, context.input(0));
  if (!context.shape(0)) return Status::Ok();
  const int rank = static_cast<int>(context.shape(0)->size());
  const int64_t axis = context.attrs().Int("axis", -1);
  if (rank == 0 && (axis == 0 || axis == -1)) return Status::Ok();
  const bool is_flat = context.attrs().Int("coerce_2d") != 0 && axis == rank;
  return is_flat ? Status::Ok() : NormalizeAxis(context, axis, rank).status();
}

RowSplit SplitRows(const Attrs& attrs, const Dims& dims) {
  RowSplit split;
  if (dims.empty()) return split;
  const auto rank = static_cast<int64_t>(dims.size());
  int64_t axis = attrs.Int("axis", -1);
  if (axis < 0) axis += rank;
  const bool is_coerced = attrs.Int("coerce_2d") != 0;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t extent = dims[static_cast<size_t>(i)];
    if (i < axis) {
      split.outer *= extent;
    } else if (i == axis || is_coerced) {
      split.length *= extent;
    } else {
      split.inner *= extent;
    }
  }
  return split;
}

Status RunRows(RunContext& context, const std::function<void(std::vector<double>&)>& row) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  if (x.count() == 0) return Status::Ok();
  const RowSplit split = SplitRows(context.attrs(), x.dims());
  std::vector<double> values(static_cast<size_t>(split.length));
  for (int64_t o = 0; o < split.outer; ++o) {
    for (int64_t i = 0; i < split.inner; ++i) {
      const int64_t first = o * split.length * split.inner + i;
      for (int64_t k = 0; k < split.length; ++k) {
        values[static_cast<size_t>(k)] = LoadReal(x.dtype(), x.data(), first + k * split.inner);
      }
      row(values);
      for (int64_t k = 0; k < split.length; ++k) {
        StoreReal(y.dtype(), y.data(), first + k * split.inner, values[static_cast<size_t>(k)]);
      }
    }
  }
  return Status::Ok();
}

std::vector<TestCase> SoftmaxCases() {
  std::vector<TestCase> cases;
  const std::tuple<const char*, Dims, int64_t> list[] = {
      {"vector", {37}, 0},      {"matrix", {3, 65}, -1},     {"first_axis", {5, 9}, 0},
      {"middle", {2, 7, 5}, 1}, {"image", {1, 21, 6, 6}, 1}, {"last_of_four", {1, 3, 4, 91}, 3},
      {"one", {4, 1}, 1},       {"classes", {1, 1001}, -1},  {"empty", {0, 3}, 1}};
  for (const auto& [label, dims, axis] : list) {
    cases.push_back({label, {{.dims = dims, .low = -8, .high = 8}}, {{"axis", axis}}});
  }
  cases.push_back({"coerced", {{.dims = {2, 3, 5}}}, {{"axis", int64_t{1}}, {"coerce_2d", int64_t{1}}}});
  cases.push_back({"far_apart", {{.dims = {3}, .values = {-1000, 0, 1000}}}, {}});
  return cases;
}

Status ImportOldOnnxSoftmax(ImportContext& context) {
  return context.EmitSame({{"axis", context.attrs().Int("axis", 1)}, {"coerce_2d", int64_t{1}}});
}

Status ImportLastAxisSoftmax(ImportContext& context) {
  Attrs attrs = {{"axis", int64_t{-1}}};
  if (context.attrs().Has("beta")) attrs.Set("beta", context.attrs().Float("beta", 1));
  return context.Emit(context.op().name, {context.in(0)}, std::move(attrs));
}

}  // namespace slipway
