#include "tasks/vision/decode/priors.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace slipway::tasks {
namespace {

constexpr size_t kMaxPriors = 1'000'000;

// Sides as ratios of the input; several priors share a cell.
struct Shape {
  double w = 1, h = 1;
};

struct Grid {
  int64_t columns = 0, lines = 0;
  // Of a cell, as ratios of the input.
  double step_x = 0, step_y = 0;
  std::vector<Shape> shapes;
};

std::vector<double> RatiosOf(const AnchorSpec& anchors) {
  return anchors.aspect_ratios.empty() ? std::vector<double>{1} : anchors.aspect_ratios;
}

// Sides in pixels; cells as large as the stride, so that the last ones may reach over the edge.
Grid MinSizeGrid(const AnchorSpec& anchors, size_t i, int64_t stride, int width, int height) {
  Grid grid{.columns = (width + stride - 1) / stride,
            .lines = (height + stride - 1) / stride,
            .step_x = static_cast<double>(stride) / width,
            .step_y = static_cast<double>(stride) / height};
  for (double side : anchors.min_sizes[i]) {
    for (double ratio : RatiosOf(anchors))
      grid.shapes.push_back({side * std::sqrt(ratio) / width, side / std::sqrt(ratio) / height});
  }
  return grid;
}

double ScaleOf(const AnchorSpec& anchors, size_t i, size_t count) {
  if (count == 1) return (anchors.min_scale + anchors.max_scale) / 2;
  return anchors.min_scale +
         (anchors.max_scale - anchors.min_scale) * static_cast<double>(i) / static_cast<double>(count - 1);
}

// Strides that follow each other and are equal share their cells, as MediaPipe counts.
Grid ScaleGrid(const OutputSpec& spec, size_t begin, size_t end, int width, int height) {
  const AnchorSpec& anchors = *spec.anchors;
  const size_t count = spec.strides.size();
  const int64_t stride = spec.strides[begin];
  Grid grid{.columns = (width + stride - 1) / stride, .lines = (height + stride - 1) / stride};
  grid.step_x = 1.0 / static_cast<double>(grid.columns);
  grid.step_y = 1.0 / static_cast<double>(grid.lines);
  for (size_t i = begin; i < end; ++i) {
    const double scale = ScaleOf(anchors, i, count);
    for (double ratio : RatiosOf(anchors))
      grid.shapes.push_back({scale * std::sqrt(ratio), scale / std::sqrt(ratio)});
    if (anchors.interpolated_ratio <= 0) continue;
    const double between = std::sqrt(scale * (i + 1 == count ? 1 : ScaleOf(anchors, i + 1, count)));
    const double root = std::sqrt(anchors.interpolated_ratio);
    grid.shapes.push_back({between * root, between / root});
  }
  if (anchors.fixed_size) std::fill(grid.shapes.begin(), grid.shapes.end(), Shape{});
  return grid;
}

Status AddGrid(const Grid& grid, double offset, std::vector<Prior>& priors) {
  const double wanted = static_cast<double>(grid.columns) * static_cast<double>(grid.lines) *
                        static_cast<double>(grid.shapes.size());
  if (wanted + static_cast<double>(priors.size()) > static_cast<double>(kMaxPriors)) {
    return Status(Code::kInvalidModel, "outputs[0].anchors make more than 1000000 priors",
                  "give fewer, or larger strides");
  }
  for (int64_t y = 0; y < grid.lines; ++y) {
    for (int64_t x = 0; x < grid.columns; ++x) {
      const double cx = (static_cast<double>(x) + offset) * grid.step_x;
      const double cy = (static_cast<double>(y) + offset) * grid.step_y;
      for (const Shape& shape : grid.shapes) priors.push_back({cx, cy, shape.w, shape.h});
    }
  }
  return Status::Ok();
}

Result<std::vector<Prior>> ListedPriors(const AnchorSpec& anchors) {
  std::vector<Prior> priors;
  for (const std::vector<double>& box : anchors.boxes) {
    if (box.size() != 4) {
      return Status(Code::kInvalidModel,
                    "outputs[0].anchors.boxes[" + std::to_string(priors.size()) + "] has " +
                        std::to_string(box.size()) + " numbers",
                    "give 4: centre x, centre y, width, height, as ratios of the input");
    }
    priors.push_back({box[0], box[1], box[2], box[3]});
  }
  return priors;
}

bool IsYFirst(BoxOrder order) {
  return order == BoxOrder::kYxyx || order == BoxOrder::kYxhw || order == BoxOrder::kCycxhw;
}

std::array<double, 4> VariancesOf(const AnchorSpec& anchors) {
  std::array<double, 4> variances{1, 1, 1, 1};
  if (anchors.variances.size() == 4)
    std::copy(anchors.variances.begin(), anchors.variances.end(), variances.begin());
  return variances;
}

double SizeOf(SizeCode code, double raw, double prior) {
  switch (code) {
    case SizeCode::kExp: return std::exp(raw) * prior;
    case SizeCode::kLinear: return raw * prior;
    case SizeCode::kSquare: return 4 * raw * raw * prior;
  }
  return 0;
}

}  // namespace

Result<std::vector<Prior>> MakePriors(const OutputSpec& spec, int width, int height) {
  if (!spec.anchors) return std::vector<Prior>();
  const AnchorSpec& anchors = *spec.anchors;
  if (!anchors.boxes.empty()) return ListedPriors(anchors);
  const bool has_sizes = !anchors.min_sizes.empty();
  if (spec.strides.empty())
    return Status(Code::kInvalidModel, "outputs[0].anchors need outputs[0].strides or anchors.boxes");
  if (has_sizes && anchors.min_sizes.size() != spec.strides.size()) {
    return Status(Code::kInvalidModel, "outputs[0].anchors.min_sizes has " +
                                           std::to_string(anchors.min_sizes.size()) +
                                           " lists, outputs[0].strides has " +
                                           std::to_string(spec.strides.size()) + " entries; they must agree");
  }
  if (!has_sizes && !anchors.fixed_size && anchors.max_scale <= 0) {
    return Status(
        Code::kInvalidModel, "outputs[0].anchors say nothing about sizes",
        "give min_sizes, or min_scale and max_scale, or boxes; or fixed_size where only centres count");
  }
  std::vector<Prior> priors;
  for (size_t i = 0; i < spec.strides.size();) {
    size_t end = i + 1;
    while (!has_sizes && end < spec.strides.size() && spec.strides[end] == spec.strides[i]) ++end;
    const Grid grid = has_sizes ? MinSizeGrid(anchors, i, spec.strides[i], width, height)
                                : ScaleGrid(spec, i, end, width, height);
    SLIPWAY_RETURN_IF_ERROR(AddGrid(grid, anchors.offset, priors));
    i = end;
  }
  return priors;
}

media::BoxF BoxAgainst(const DecodeCall& call, const Prior& prior, std::span<const float> row) {
  const AnchorSpec& anchors = *call.spec.anchors;
  const auto variances = VariancesOf(anchors);
  const size_t first = IsYFirst(call.spec.box_order) ? 1 : 0;
  const bool is_pixel = call.spec.coordinates == CoordinateKind::kPixel;
  const double sx = is_pixel ? 1.0 / call.width : 1, sy = is_pixel ? 1.0 / call.height : 1;
  const double w = SizeOf(anchors.size_code, row[2 + first] * sx * variances[2], prior.w) * call.width;
  const double h = SizeOf(anchors.size_code, row[3 - first] * sy * variances[3], prior.h) * call.height;
  const media::PointF centre = PointAgainst(call, prior, row[0], row[1]);
  return {centre.x - w / 2, centre.y - h / 2, centre.x + w / 2, centre.y + h / 2};
}

media::PointF PointAgainst(const DecodeCall& call, const Prior& prior, float first, float second) {
  const auto variances = VariancesOf(*call.spec.anchors);
  const bool is_pixel = call.spec.coordinates == CoordinateKind::kPixel;
  const double x = IsYFirst(call.spec.box_order) ? second : first;
  const double y = IsYFirst(call.spec.box_order) ? first : second;
  const double sx = is_pixel ? 1.0 / call.width : 1, sy = is_pixel ? 1.0 / call.height : 1;
  return {(x * sx * variances[0] * prior.w + prior.cx) * call.width,
          (y * sy * variances[1] * prior.h + prior.cy) * call.height};
}

}  // namespace slipway::tasks
