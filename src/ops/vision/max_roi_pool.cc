// Largest values of the parts of regions of interest.
//
// Source: ONNX MaxRoiPool; Girshick, "Fast R-CNN" (2015). Regions are rounded to pixels, both ends included.
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const Ints& pooled = context.attrs().IntList("pooled_shape");
  if (pooled.size() != 2 || pooled[0] < 1 || pooled[1] < 1)
    return context.Error("pooled_shape is " + ToString(pooled) + "; it must be [height,width]");
  if (!(context.attrs().Float("spatial_scale") > 0)) return context.Error("spatial_scale must be above 0");
  const auto& x = context.shape(0);
  const auto& rois = context.shape(1);
  const bool is_wrong = (x && x->size() != 4) ||
                        (rois && (rois->size() != 2 || ((*rois)[1].IsKnown() && (*rois)[1].value() != 5)));
  if (is_wrong)
    return context.Error("x is " + (x ? ToString(*x) : "?") + ", rois " + (rois ? ToString(*rois) : "?") +
                         "; they must be [N,C,H,W] and [rois,5]");
  context.SetOutput(0, context.dtype(0),
                    {rois ? (*rois)[0] : Dim(), x ? (*x)[1] : Dim(), pooled[0], pooled[1]});
  return Status::Ok();
}

// One axis of a region, and its parts.
struct Span {
  int64_t start, size, parts, extent;

  static Span Of(float first, float last, float scale, int64_t parts, int64_t extent) {
    const auto start = std::round(first * scale);
    const auto end = std::round(last * scale);
    return {ToInt(start), std::max<int64_t>(ToInt(end) - ToInt(start) + 1, 1), parts, extent};
  }
  int64_t Begin(int64_t part) const { return Clip(std::floor(static_cast<float>(part) * PartSize())); }
  int64_t End(int64_t part) const { return Clip(std::ceil(static_cast<float>(part + 1) * PartSize())); }

 private:
  static int64_t ToInt(float x) {  // far outside any image, NaN too
    constexpr float kFar = 1 << 30;
    return x >= -kFar && x <= kFar ? static_cast<int64_t>(x) : x > 0 ? 1 << 30 : -(1 << 30);
  }
  float PartSize() const { return static_cast<float>(size) / static_cast<float>(parts); }
  int64_t Clip(float offset) const {
    return std::clamp<int64_t>(static_cast<int64_t>(offset) + start, 0, extent);
  }
};

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& rois = context.in(1);
  Tensor& y = context.out(0);
  const float scale = context.attrs().Float("spatial_scale");
  const auto roi = [&](int64_t n, int64_t i) {
    return static_cast<float>(LoadReal(rois.dtype(), rois.data(), n * 5 + i));
  };
  int64_t to = 0;
  for (int64_t n = 0; n < y.dim(0); ++n) {
    const float image = roi(n, 0);
    if (!(image >= 0 && image < static_cast<float>(x.dim(0))))
      return context.Error("region " + std::to_string(n) + " names image " + std::to_string(image) + " of " +
                           std::to_string(x.dim(0)));
    const Span across = Span::Of(roi(n, 1), roi(n, 3), scale, y.dim(3), x.dim(3));
    const Span down = Span::Of(roi(n, 2), roi(n, 4), scale, y.dim(2), x.dim(2));
    for (int64_t c = 0; c < x.dim(1); ++c) {
      const int64_t plane = (static_cast<int64_t>(image) * x.dim(1) + c) * x.dim(2) * x.dim(3);
      for (int64_t row = 0; row < y.dim(2); ++row) {
        for (int64_t column = 0; column < y.dim(3); ++column, ++to) {
          const bool is_empty =
              down.Begin(row) >= down.End(row) || across.Begin(column) >= across.End(column);
          double most = is_empty ? 0 : -INFINITY;
          for (int64_t h = down.Begin(row); h < down.End(row); ++h) {
            for (int64_t w = across.Begin(column); w < across.End(column); ++w)
              most = std::max(most, LoadReal(x.dtype(), x.data(), plane + h * x.dim(3) + w));
          }
          StoreReal(y.dtype(), y.data(), to, most);
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeMaxRoiPool() {
  OpDef op;
  op.name = "MaxRoiPool";
  op.group = "vision";
  op.summary = "Largest values of the parts of regions of interest; 0 where a part lies outside the image.";
  op.inputs = {{"x", kFloats, "[N,C,H,W]"},
               {"rois", kFloats, "[rois,5]: image, x1, y1, x2, y2, ends included"}};
  op.outputs = {{"y", kFloats, "[rois,C,pooled height,pooled width]"}};
  op.attrs = {Required(IntsAttr("pooled_shape", {}, "[height,width]: parts of a region")),
              FloatAttr("spatial_scale", 1, "from the regions' coordinates to pixels of x")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"two",
         {{.dims = {2, 3, 9, 12}},
          {.dims = {3, 5}, .values = {0, 2, 1, 17, 13, 1, 0, 0, 8, 30, 0, 40, 40, 50, 50}}},
         {{"pooled_shape", Ints{3, 2}}, {"spatial_scale", 0.5F}}}};
  };
  op.foreign = {{Format::kOnnx, "MaxRoiPool"}};
  return op;
}

}  // namespace slipway
