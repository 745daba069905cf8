// What element-wise records share: each record states its function on one element, the rest is here.
#pragma once

#include "base/function_ref.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// y[i] = f(x[i]) in double; x and y of one float type (or integers within 2^53, if the record allows them).
Status RunUnary(RunContext& context, double (*f)(double));
// The same on integers, in int64 with wrap-around: f_int for integer dtypes, f_real for floats.
Status RunUnary(RunContext& context, double (*f_real)(double), int64_t (*f_int)(int64_t));

// The same with a closure, for functions with parameters.
Status RunUnaryWith(RunContext& context, FunctionRef<double(double)> f);

// Rounds toward minus infinity; x / 0 gives 0, INT64_MIN / -1 wraps.
int64_t FloorDivide(int64_t a, int64_t b);

// z = f(a, b) under numpy broadcasting. Floats in double; integers in int64 (wrap), told apart by signedness
// where that matters (u64 keeps its bits: compare and divide with care).
struct BinaryFunctions {
  double (*real)(double, double) = nullptr;
  int64_t (*signed_integer)(int64_t, int64_t) = nullptr;
  uint64_t (*unsigned_integer)(uint64_t, uint64_t) = nullptr;  // null: signed_integer serves
};
Status RunBinary(RunContext& context, const BinaryFunctions& functions);

// Calls visit(i_out, {i_in0, i_in1, ...}) for each output element in order, inputs broadcast to `out`.
// REQUIRES: every shape broadcasts to `out`.
void ForEachBroadcast(const Dims& out, std::span<const Dims> shapes,
                      const std::function<void(int64_t, std::span<const int64_t>)>& visit);

// Test cases over one real input in [low, high]: scalars, vectors with tails, matrices; f32, and f16 / f64 if
// asked.
std::vector<TestCase> UnaryCases(double low, double high);
// Two inputs: equal shapes, scalars, rows, columns, both broadcast.
std::vector<TestCase> BinaryCases(double low, double high, DType dtype = DType::kF32);

// The reals that an operand's quantised integers are to cover.
struct RealRange {
  double low, high;
};
// One scale and zero point under which the steps of `dtype` cover the range; 16-bit steps are symmetric.
Quant QuantOver(DType dtype, RealRange range);
// `cases` and, for each of `dtypes`, their largest case once more with quantised integers in place of f32
// operands: the first covers `in`, each further one a little less, the outputs `out`.
inline constexpr DTypeSet kStepTypes = {DType::kU8, DType::kI8, DType::kI16};
std::vector<TestCase> WithQuantized(std::vector<TestCase> cases, RealRange in, RealRange out,
                                    DTypeSet dtypes = kStepTypes);

// A record of y = f(x), all parts but name, summary, formula, reference, cases and foreign rows filled in.
OpDef UnaryOp(DTypeSet dtypes);
OpDef BinaryOp(DTypeSet dtypes);
// One or more operands of one type, folded from the left.
OpDef VariadicOp(DTypeSet dtypes);
Status RunFold(RunContext& context, const BinaryFunctions& functions);

}  // namespace slipway
