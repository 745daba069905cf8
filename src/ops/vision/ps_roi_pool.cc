// Means of the parts of regions of interest, every part from channels of its own.
//
// Source: PSROIPoolingLayer of Dai et al., "R-FCN: Object Detection via Region-based Fully Convolutional
// Networks" (2016).
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

constexpr int64_t kMaxParts = 1024;  // an axis: far beyond any net

Status Infer(InferContext& context) {
  const int64_t channels = context.attrs().Int("output_dim"), parts = context.attrs().Int("group_size");
  if (channels < 1 || parts < 1 || parts > kMaxParts)
    return context.Error("output_dim is " + std::to_string(channels) + ", group_size " +
                         std::to_string(parts) + "; they must be 1 or more");
  if (!(context.attrs().Float("spatial_scale") > 0)) return context.Error("spatial_scale must be above 0");
  const auto& x = context.shape(0);
  const auto& rois = context.shape(1);
  if (x && x->size() != 4) return context.Error("x must be [N,C,H,W], is " + ToString(*x));
  if (rois && (rois->size() != 2 || ((*rois)[1].IsKnown() && (*rois)[1].value() != 5)))
    return context.Error("rois must be [rois,5], are " + ToString(*rois));
  // Divided, so that no product overflows.
  const bool fits = !x || !(*x)[1].IsKnown() ||
                    ((*x)[1].value() % (parts * parts) == 0 && (*x)[1].value() / (parts * parts) == channels);
  if (!fits)
    return context.Error("x " + ToString(*x) + " must have output_dim * group_size^2 channels: " +
                         std::to_string(channels) + " * " + std::to_string(parts) + "^2");
  context.SetOutput(0, context.dtype(0), {rois ? (*rois)[0] : Dim(), channels, parts, parts});
  return Status::Ok();
}

// One axis of a region.
struct Span {
  float start, part_size;
  int64_t extent;

  static Span Of(float first, float last, float scale, int64_t parts, int64_t extent) {
    const float start = std::round(first) * scale;
    const float end = (std::round(last) + 1) * scale;
    return {start, std::max(end - start, 0.1F) / static_cast<float>(parts), extent};
  }
  int64_t Begin(int64_t part) const { return Clip(std::floor(static_cast<float>(part) * part_size + start)); }
  int64_t End(int64_t part) const {
    return Clip(std::ceil(static_cast<float>(part + 1) * part_size + start));
  }

 private:
  int64_t Clip(float at) const {  // NaN becomes 0
    return at > 0 ? static_cast<int64_t>(std::min(at, static_cast<float>(extent))) : 0;
  }
};

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& rois = context.in(1);
  Tensor& y = context.out(0);
  const float scale = context.attrs().Float("spatial_scale");
  const int64_t parts = y.dim(2), height = x.dim(2), width = x.dim(3);
  const auto roi = [&](int64_t n, int64_t i) {
    return static_cast<float>(LoadReal(rois.dtype(), rois.data(), n * 5 + i));
  };
  for (int64_t i = 0; i < y.count(); ++i) {
    const int64_t column = i % parts, row = i / parts % parts, c = i / parts / parts % y.dim(1);
    const int64_t n = i / parts / parts / y.dim(1);
    const float image = roi(n, 0);
    if (!(image >= 0 && image < static_cast<float>(x.dim(0))))
      return context.Error("region " + std::to_string(n) + " names image " + std::to_string(image) + " of " +
                           std::to_string(x.dim(0)));
    const Span across = Span::Of(roi(n, 1), roi(n, 3), scale, parts, width);
    const Span down = Span::Of(roi(n, 2), roi(n, 4), scale, parts, height);
    const int64_t channel = (c * parts + row) * parts + column;
    const int64_t plane = (static_cast<int64_t>(image) * x.dim(1) + channel) * height * width;
    double sum = 0;
    int64_t area = 0;
    for (int64_t h = down.Begin(row); h < down.End(row); ++h) {
      for (int64_t w = across.Begin(column); w < across.End(column); ++w, ++area)
        sum += LoadReal(x.dtype(), x.data(), plane + h * width + w);
    }
    StoreReal(y.dtype(), y.data(), i, area == 0 ? 0 : sum / static_cast<double>(area));
  }
  return Status::Ok();
}

}  // namespace

OpDef MakePsRoiPool() {
  OpDef op;
  op.name = "PsRoiPool";
  op.group = "vision";
  op.summary =
      "Means of the parts of regions of interest, each part from its own channels (position-sensitive).";
  op.formula = "y[r,c,i,j] = mean of x[image, (c * group_size + i) * group_size + j] over part (i,j)";
  op.inputs = {{"x", kFloats, "[N,output_dim * group_size^2,H,W]"},
               {"rois", kFloats, "[rois,5]: image, x1, y1, x2, y2, ends included"}};
  op.outputs = {{"y", kFloats, "[rois,output_dim,group_size,group_size]; 0 where a part lies outside"}};
  op.attrs = {Required(IntAttr("output_dim", 1, "channels of y")),
              Required(IntAttr("group_size", 1, "parts of a region along an axis")),
              FloatAttr("spatial_scale", 1, "from the regions' coordinates to pixels of x")};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    return std::vector<TestCase>{
        {"two",
         {{.dims = {2, 8, 6, 9}},
          {.dims = {3, 5}, .values = {0, 2, 1, 17, 11, 1, 0, 0, 8, 30, 0, 40, 40, 50, 50}}},
         {{"output_dim", int64_t{2}}, {"group_size", int64_t{2}}, {"spatial_scale", 0.5F}}}};
  };
  op.foreign = {{Format::kCaffe, "PSROIPooling"}};  // read by a function of formats/caffe
  return op;
}

}  // namespace slipway
