// General matrix product of two matrices with a broadcast addend and a fused activation.
#include "base/scalar.h"
#include "ops/activation.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/matmul.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

Transpose TransposeOf(const Attrs& attrs, const char* name) {
  return attrs.Int(name) != 0 ? Transpose::kYes : Transpose::kNo;
}

Status Infer(InferContext& context) {
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  if (!context.shape(0) || !context.shape(1)) return Status::Ok();
  const DimList& a = *context.shape(0);
  const DimList& b = *context.shape(1);
  if (a.size() != 2 || b.size() != 2)
    return context.Error("inputs " + ToString(a) + " and " + ToString(b) + " must be matrices");
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, MatMulShape(context, a, b, TransposeOf(context.attrs(), "transA"),
                                                      TransposeOf(context.attrs(), "transB")));
  if (context.HasInput(2) && context.shape(2)) {
    SLIPWAY_ASSIGN_OR_RETURN(const DimList both, BroadcastShapes(context, {&shape, &*context.shape(2)}));
    const bool is_grown = both.size() != 2 || (AllKnown(both) && AllKnown(shape) && both != shape);
    if (is_grown)
      return context.Error("c " + ToString(*context.shape(2)) + " does not broadcast to " + ToString(shape));
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const MatMulCall call = PlanMatMul(context.in(0).dims(), context.in(1).dims(), TransposeOf(attrs, "transA"),
                                     TransposeOf(attrs, "transB"));
  const double alpha = static_cast<double>(attrs.Float("alpha", 1));
  const double beta = static_cast<double>(attrs.Float("beta", 1));
  const ActivationSpec activation = ActivationOf(attrs);
  const std::vector<double> c = context.HasInput(2) ? Reals(context.in(2)) : std::vector<double>();
  Dims c_dims = context.HasInput(2) ? context.in(2).dims() : Dims{1, 1};
  while (c_dims.size() < 2) c_dims.insert(c_dims.begin(), 1);
  Tensor& y = context.out(0);
  const std::vector<double> a = Reals(context.in(0));
  const std::vector<double> b = Reals(context.in(1));
  MultiplyMatrices<double, double>(call, a.data(), b.data(), [&](int64_t to, double sum) {
    double value = alpha * sum;
    if (!c.empty() && beta != 0) {
      const int64_t row = c_dims[0] == 1 ? 0 : to / call.n;
      const int64_t column = c_dims[1] == 1 ? 0 : to % call.n;
      value += beta * c[static_cast<size_t>(row * c_dims[1] + column)];
    }
    StoreReal(y.dtype(), y.data(), to, ApplyActivation(activation, value));
  });
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  std::vector<TestCase> cases;
  struct Case {
    const char* label;
    Dims a, b, c;
    Attrs attrs;
  };
  const Case list[] = {
      {"plain", {5, 17}, {17, 9}, {9}, {}},
      {"transB", {1, 64}, {33, 64}, {33}, {{"transB", int64_t{1}}}},
      {"transA", {17, 5}, {17, 9}, {5, 1}, {{"transA", int64_t{1}}}},
      {"scaled", {4, 8}, {8, 6}, {4, 6}, {{"alpha", 0.5F}, {"beta", -1.5F}}},
      {"scalar_c", {3, 7}, {7, 4}, {}, {}},
      {"relu", {6, 33}, {19, 33}, {19}, {{"transB", int64_t{1}}, {"activation", std::string("relu")}}},
      {"both", {9, 3}, {12, 9}, {1, 12}, {{"transA", int64_t{1}}, {"transB", int64_t{1}}}}};
  for (const Case& each : list) {
    const TestInput a{.dims = each.a, .low = -1, .high = 1};
    const TestInput b{.dims = each.b, .low = -1, .high = 1, .is_constant = true};
    cases.push_back(
        {each.label, {a, b, {.dims = each.c, .low = -1, .high = 1, .is_constant = true}}, each.attrs});
    cases.push_back({std::string(each.label) + "_without_c", {a, b}, each.attrs});
  }
  return cases;
}

}  // namespace

OpDef MakeGemm() {
  OpDef op;
  op.name = "Gemm";
  op.group = "nn";
  op.summary = "Product of two matrices, each possibly transposed, plus a broadcast addend.";
  op.formula = "y = act(alpha * a x b + beta * c)";
  op.inputs = {{"a", kNumbers, "[m,k]; transA: [k,m]"},
               {"b", kNumbers, "[k,n]; transB: [n,k]"},
               {"c", kNumbers, "broadcasts to [m,n]", Arity::kOptional}};
  op.outputs = {{"y", kNumbers, "[m,n]"}};
  op.attrs = {FloatAttr("alpha", 1, "scales the product"), FloatAttr("beta", 1, "scales c"),
              IntAttr("transA", 0, "1: a is transposed"), IntAttr("transB", 0, "1: b is transposed")};
  for (AttrDef& attr : ActivationAttrs()) op.attrs.push_back(std::move(attr));
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    const auto& a = context.shape(0);
    if (!a || a->size() != 2) return 0.0;
    const Dim& inner = (*a)[context.attrs().Int("transA") != 0 ? 0 : 1];
    return inner.IsKnown() ? 2 * context.CountOfOutput(0) * static_cast<double>(inner.value()) : 0.0;
  };
  op.cases = Cases;
  op.tolerance = {.relative = 1e-5, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "Gemm", 1}};
  for (ForeignRow& row : ContribGemmRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
