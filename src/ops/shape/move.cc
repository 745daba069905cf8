#include "ops/shape/move.h"

#include "ops/shape/strided.h"

namespace slipway {

Status RunMove(RunContext& context) {
  const Tensor& x = context.in(0);
  const StridedView flat{0, {1}};
  if (context.out_type(0).IsStatic() && context.out(0).count() != x.count()) {
    return context.Error("cannot move " + Describe(x) + " to " + Describe(context.out(0)));
  }
  CopyStrided(x.dtype(), x.data(), flat, context.out(0).data(), flat, {x.count()});
  return Status::Ok();
}

std::optional<Ints> AxesOf(const InferContext& context, size_t index) {
  if (context.HasInput(index)) return context.ints(index);
  return context.attrs().IntList("axes");
}

}  // namespace slipway
