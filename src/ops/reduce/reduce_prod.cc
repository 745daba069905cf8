// Product over axes.
#include "ops/math/quantized.h"
#include "ops/reduce/quantized.h"
#include "ops/reduce/reduce.h"

namespace slipway {
namespace {

// Pairs of factors from 1 to 4.
TestCase OfSteps(DType dtype, double steps_per_one) {
  TestInput axes{.dtype = DType::kI64, .dims = {1}, .values = {1}};
  axes.is_constant = true;
  const auto quant = [](double scale) { return Quant{{static_cast<float>(scale)}, {0}, -1}; };
  TestCase test{std::string(DTypeName(dtype)),
                {{.dtype = dtype,
                  .dims = {5, 2},
                  .low = steps_per_one,
                  .high = 4 * steps_per_one,
                  .quant = quant(1 / steps_per_one)},
                 std::move(axes)},
                {{"keepdims", int64_t{0}}}};
  test.outputs_quant = {quant(4 / steps_per_one)};
  return test;
}

// The product of extents, some of them symbols, is how models count what an axis shall have.
Status Infer(InferContext& context) {
  SLIPWAY_RETURN_IF_ERROR(InferReduce(context));
  const auto content = context.content(0);
  const Type& result = context.output(0).type;
  if (!content || AllKnown(*content) || !kIndices.Has(context.dtype(0)) || !result.IsStatic())
    return Status::Ok();
  if (CountOf(KnownDims(*result.shape)) != 1) return Status::Ok();  // each number a slice of its own
  Dim product = 1;
  for (const Dim& extent : *content) product = product * extent;
  context.SetContent(0, {product});
  return Status::Ok();
}

}  // namespace

OpDef MakeReduceProd() {
  OpDef op = ReduceOp(kNumbers);
  op.name = "ReduceProd";
  op.summary = "Product over axes; integers wrap around.";
  op.formula = "y = prod(x)";
  op.infer = Infer;
  op.reference = [](RunContext& context) {
    if (IsQuantized(context)) return RunQuantizedProd(context);
    return RunReduce(context, {.real =
                                   [](std::span<const double> x) {
                                     double product = 1;
                                     for (double value : x) product *= value;
                                     return product;
                                   },
                               .integer =
                                   [](std::span<const int64_t> x, DType) {
                                     uint64_t product = 1;
                                     for (int64_t value : x) product *= static_cast<uint64_t>(value);
                                     return static_cast<int64_t>(product);
                                   }});
  };
  op.cases = [] {
    std::vector<TestCase> cases = ReduceCases(0.5, 1.5);
    cases.push_back(OfSteps(DType::kI8, 30));
    cases.push_back(OfSteps(DType::kI16, 5000));
    return cases;
  };
  op.foreign = OnnxReduceRows("ReduceProd", 18);
  op.foreign.push_back(TensorflowReduceRow("Prod"));
  op.foreign.push_back(TfliteReduceRow("REDUCE_PROD"));
  return op;
}

}  // namespace slipway
