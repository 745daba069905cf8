// The grid that GridSample reads to move an image by an affine map.
#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& theta = context.shape(0);
  const bool is_theta_known = theta && theta->size() == 3 && (*theta)[1].IsKnown();
  const auto size = context.content(1);
  if (!size) {
    Type type = Type::OfUnknownShape(context.dtype(0));
    if (is_theta_known) type.shape = DimList(static_cast<size_t>((*theta)[1].value()) == 2 ? 4 : 5);
    context.SetOutput(0, std::move(type));
    return Status::Ok();
  }
  if (size->size() != 4 && size->size() != 5)
    return context.Error("size must have 4 or 5 entries, is " + ToString(*size));
  const auto axes = static_cast<int64_t>(size->size()) - 2;
  if (is_theta_known && (*theta)[1].value() != axes) {
    return context.Error("theta is " + ToString(*theta) + ", size " + ToString(*size));
  }
  for (const Dim& dim : *size) {
    if (dim.IsKnown() && dim.value() < 0)
      return context.Error("size " + ToString(*size) + " has a negative extent");
  }
  DimList shape = {(*size)[0]};
  shape.insert(shape.end(), size->begin() + 2, size->end());
  shape.emplace_back(axes);
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& theta = context.in(0);
  Tensor& y = context.AllocateOutput(0, KnownDims(*context.out_type(0).shape));
  const bool is_aligned = context.attrs().Int("align_corners") != 0;
  const auto axes = static_cast<int64_t>(y.rank()) - 2;
  if (theta.count() != y.dim(0) * axes * (axes + 1))
    return context.Error("theta is " + Describe(theta) + " for a grid " + Describe(y));
  const auto coordinate = [&](int64_t i, int64_t extent) {
    if (!is_aligned) return (2.0 * static_cast<double>(i) + 1) / static_cast<double>(extent) - 1;
    return extent == 1 ? -1.0 : 2.0 * static_cast<double>(i) / static_cast<double>(extent - 1) - 1;
  };
  const int64_t points = y.count() / axes;
  const int64_t per_image = y.dim(0) == 0 ? 0 : points / y.dim(0);
  for (int64_t p = 0; p < points; ++p) {
    // [x, y, (z), 1]: the last axis first.
    double place[4] = {0, 0, 0, 0};
    int64_t rest = p % per_image;
    for (int64_t k = 0; k < axes; ++k) {
      const int64_t extent = y.dim(static_cast<int>(axes - k));
      place[k] = coordinate(rest % extent, extent);
      rest /= extent;
    }
    place[axes] = 1;
    for (int64_t row = 0; row < axes; ++row) {
      double sum = 0;
      for (int64_t k = 0; k <= axes; ++k) {
        sum +=
            place[k] * LoadReal(theta.dtype(), theta.data(), ((p / per_image) * axes + row) * (axes + 1) + k);
      }
      StoreReal(y.dtype(), y.data(), p * axes + row, sum);
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeAffineGrid() {
  OpDef op;
  op.name = "AffineGrid";
  op.group = "vision";
  op.summary = "The places, in [-1, 1] per axis, that an affine map sends each pixel of an image to.";
  op.inputs = {{"theta", kFloats, "[N,2,3], or [N,3,4] for volumes"},
               {"size", kIndices, "[N,C,H,W] or [N,C,D,H,W]"}};
  op.outputs = {{"grid", kFloats, "[N,H,W,2] or [N,D,H,W,3]"}};
  op.attrs = {
      IntAttr("align_corners", 0, "1: -1 and 1 are the centres of the corner pixels, not their edges")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"image",
         {{.dims = {2, 2, 3}},
          {.dtype = DType::kI64, .dims = {4}, .values = {2, 3, 4, 5}, .is_constant = true}},
         {}}};
  };
  op.foreign = {{Format::kOnnx, "AffineGrid"}};
  return op;
}

}  // namespace slipway
