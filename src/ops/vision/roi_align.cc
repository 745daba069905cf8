// Pools regions of interest from a feature map without rounding them (Mask R-CNN, He et al., 2017).
#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& rois = context.shape(1);
  const int64_t height = context.attrs().Int("output_height");
  const int64_t width = context.attrs().Int("output_width");
  if (height < 1 || width < 1) return context.Error("output_height and output_width must be 1 or more");
  if (x && x->size() != 4) return context.Error("x must be [N,C,H,W], is " + ToString(*x));
  if (rois && (rois->size() != 2 || ((*rois)[1].IsKnown() && (*rois)[1].value() != 4))) {
    return context.Error("rois must be [n,4], are " + ToString(*rois));
  }
  context.SetOutput(0, context.dtype(0), {rois ? (*rois)[0] : Dim(), x ? (*x)[1] : Dim(), height, width});
  return Status::Ok();
}

// Four neighbours of a place and their weights; no weight outside the map.
struct Corners {
  int64_t at[4] = {0, 0, 0, 0};
  double weight[4] = {0, 0, 0, 0};
};

Corners CornersAt(double y, double x, int64_t height, int64_t width) {
  Corners corners;
  if (!(y >= -1 && y <= static_cast<double>(height) && x >= -1 && x <= static_cast<double>(width)))
    return corners;
  y = std::max(y, 0.0);
  x = std::max(x, 0.0);
  const int64_t top = std::min(static_cast<int64_t>(y), height - 1);
  const int64_t left = std::min(static_cast<int64_t>(x), width - 1);
  const int64_t bottom = std::min(top + 1, height - 1);
  const int64_t right = std::min(left + 1, width - 1);
  const double dy = top == height - 1 ? 0 : y - static_cast<double>(top);
  const double dx = left == width - 1 ? 0 : x - static_cast<double>(left);
  return {{top * width + left, top * width + right, bottom * width + left, bottom * width + right},
          {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
}

struct Region {
  double top, left, bin_height, bin_width;
  int64_t rows, columns;  // samples per bin
};

// The mean, or the greatest weighted neighbour, of a bin's samples.
double PoolBin(const Tensor& x, int64_t plane, const Region& region, int64_t bin_y, int64_t bin_x,
               bool is_max) {
  const int64_t height = x.dim(2);
  const int64_t width = x.dim(3);
  double sum = 0;
  double most = -INFINITY;
  for (int64_t row = 0; row < region.rows; ++row) {
    const double y = region.top + (static_cast<double>(bin_y) +
                                   (static_cast<double>(row) + 0.5) / static_cast<double>(region.rows)) *
                                      region.bin_height;
    for (int64_t column = 0; column < region.columns; ++column) {
      const double at_x =
          region.left + (static_cast<double>(bin_x) +
                         (static_cast<double>(column) + 0.5) / static_cast<double>(region.columns)) *
                            region.bin_width;
      const Corners corners = CornersAt(y, at_x, height, width);
      for (int k = 0; k < 4; ++k) {
        const double part = corners.weight[k] * LoadReal(x.dtype(), x.data(), plane + corners.at[k]);
        sum += part;
        most = std::max(most, part);
      }
    }
  }
  const int64_t count = region.rows * region.columns;
  if (count == 0) return 0;
  return is_max ? most : sum / static_cast<double>(count);
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& rois = context.in(1);
  const Tensor& images = context.in(2);
  Tensor& y = context.out(0);
  const Attrs& attrs = context.attrs();
  const bool is_half_pixel = attrs.String("coordinate_transformation_mode") == "half_pixel";
  const double scale = attrs.Float("spatial_scale");
  const double offset = is_half_pixel ? 0.5 : 0;
  const int64_t ratio = attrs.Int("sampling_ratio");
  const bool is_max = attrs.String("mode") == "max";
  if (x.dim(2) == 0 || x.dim(3) == 0) return context.Error("x has no pixels");
  constexpr double kMostSamples = 4096;  // per bin and axis: a hostile region must not run forever
  for (int64_t r = 0; r < y.dim(0); ++r) {
    double corner[4];
    for (int64_t k = 0; k < 4; ++k)
      corner[k] = LoadReal(rois.dtype(), rois.data(), r * 4 + k) * scale - offset;
    double width = corner[2] - corner[0];
    double height = corner[3] - corner[1];
    if (!is_half_pixel) {
      width = std::max(width, 1.0);
      height = std::max(height, 1.0);
    }
    const auto samples = [&](double bin) {
      return ratio > 0 ? ratio : static_cast<int64_t>(std::clamp(std::ceil(bin), 0.0, kMostSamples));
    };
    Region region{
        corner[1], corner[0], height / static_cast<double>(y.dim(2)), width / static_cast<double>(y.dim(3)),
        0,         0};
    region.rows = samples(region.bin_height);
    region.columns = samples(region.bin_width);
    const int64_t image = LoadInt(images.dtype(), images.data(), r);
    if (image < 0 || image >= x.dim(0))
      return context.Error("batch index " + std::to_string(image) + " is outside " + Describe(x));
    for (int64_t c = 0; c < y.dim(1); ++c) {
      const int64_t plane = (image * x.dim(1) + c) * x.dim(2) * x.dim(3);
      for (int64_t i = 0; i < y.dim(2) * y.dim(3); ++i) {
        const double value = PoolBin(x, plane, region, i / y.dim(3), i % y.dim(3), is_max);
        StoreReal(y.dtype(), y.data(), (r * y.dim(1) + c) * y.dim(2) * y.dim(3) + i, value);
      }
    }
  }
  return Status::Ok();
}

// Opset 10 knew no half-pixel shift.
Status ImportOld(ImportContext& context) {
  return context.EmitSame({{"coordinate_transformation_mode", std::string("output_half_pixel")}});
}

}  // namespace

OpDef MakeRoiAlign() {
  OpDef op;
  op.name = "RoiAlign";
  op.group = "vision";
  op.summary = "Pools each region of interest into a small grid of bins, sampling between pixels.";
  op.inputs = {{"x", kFloats, "[N,C,H,W]"},
               {"rois", kFloats, "[n,4]: x1, y1, x2, y2"},
               {"batch_indices", kIndices, "[n]"}};
  op.outputs = {{"y", kFloats, "[n,C,output_height,output_width]"}};
  op.attrs = {StringAttr("mode", "avg", {"avg", "max"}, "how samples of a bin combine"),
              IntAttr("output_height", 1, "bins"),
              IntAttr("output_width", 1, "bins"),
              IntAttr("sampling_ratio", 0, "samples per bin and axis; 0: one per pixel"),
              FloatAttr("spatial_scale", 1, "from the rois' coordinates to the map's"),
              StringAttr("coordinate_transformation_mode", "half_pixel", {"half_pixel", "output_half_pixel"},
                         "half_pixel shifts the rois by half a pixel")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "RoiAlign", 16}, {Format::kOnnx, "RoiAlign", 1, 15, ImportOld}};
  return op;
}

}  // namespace slipway
