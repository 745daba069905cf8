// Joins strings element by element.
#include "ops/infer.h"
#include "ops/math/elementwise.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Reference(RunContext& context) {
  const Tensor& a = context.in(0);
  const Tensor& b = context.in(1);
  Tensor& c = context.out(0);
  const Dims shapes[] = {a.dims(), b.dims()};
  ForEachBroadcast(c.dims(), shapes, [&](int64_t i, std::span<const int64_t> at) {
    c.as<std::string>()[i] = a.as<std::string>()[at[0]] + b.as<std::string>()[at[1]];
  });
  return Status::Ok();
}

}  // namespace

OpDef MakeStringConcat() {
  OpDef op = BinaryOp({DType::kString});
  op.name = "StringConcat";
  op.group = "text";
  op.summary = "Each string of a followed by that of b.";
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "StringConcat"}};
  return op;
}

}  // namespace slipway
