#include "media/geometry.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "media/orientation.h"

namespace slipway::media {
namespace {

std::string SizeText(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

// The next step's image with the maps joined.
Placed Extend(const Placed& placed, Image image, const Affine& step) {
  return {.image = std::move(image),
          .to_input = placed.to_input.Then(step),
          .photo_width = placed.photo_width,
          .photo_height = placed.photo_height};
}

Affine ScaleBetween(const Image& from, int width, int height) {
  return Affine::Scale(static_cast<double>(width) / from.width, static_cast<double>(height) / from.height);
}

void Paste(const Image& source, int left, int top, Image* target) {
  for (int y = 0; y < source.height; ++y)
    std::memcpy(target->At(left, top + y), source.Row(y), source.RowElems());
}

int RoundUpToMultiple(int value, int step) { return (value + step - 1) / step * step; }

// Ultralytics splits an odd border as round(half - 0.1) before and the rest after: the smaller part first.
int BorderBefore(int border, Anchor anchor) { return anchor == Anchor::kTopLeft ? 0 : border / 2; }

}  // namespace

BoxF Affine::Map(const BoxF& box) const {
  const PointF a = Map(PointF{box.left, box.top});
  const PointF b = Map(PointF{box.right, box.bottom});
  const PointF c = Map(PointF{box.left, box.bottom});
  const PointF d = Map(PointF{box.right, box.top});
  const auto [left, right] = std::minmax({a.x, b.x, c.x, d.x});
  const auto [top, bottom] = std::minmax({a.y, b.y, c.y, d.y});
  return {left, top, right, bottom};
}

Affine Affine::Then(const Affine& next) const {
  return {.xx = next.xx * xx + next.xy * yx,
          .xy = next.xx * xy + next.xy * yy,
          .dx = next.xx * dx + next.xy * dy + next.dx,
          .yx = next.yx * xx + next.yy * yx,
          .yy = next.yx * xy + next.yy * yy,
          .dy = next.yx * dx + next.yy * dy + next.dy};
}

Affine Affine::Inverse() const {
  const double determinant = xx * yy - xy * yx;
  Affine inverse{
      .xx = yy / determinant, .xy = -xy / determinant, .yx = -yx / determinant, .yy = xx / determinant};
  inverse.dx = -(inverse.xx * dx + inverse.xy * dy);
  inverse.dy = -(inverse.yx * dx + inverse.yy * dy);
  return inverse;
}

PointF Placed::MapPointBack(PointF p) const { return to_input.Inverse().Map(p); }

BoxF Placed::MapBoxBack(const BoxF& box) const {
  const BoxF mapped = to_input.Inverse().Map(box);
  const auto clamp_x = [&](double x) { return std::clamp(x, 0.0, static_cast<double>(photo_width)); };
  const auto clamp_y = [&](double y) { return std::clamp(y, 0.0, static_cast<double>(photo_height)); };
  return {clamp_x(mapped.left), clamp_y(mapped.top), clamp_x(mapped.right), clamp_y(mapped.bottom)};
}

Placed PlaceWhole(Image photo) {
  Placed placed{.photo_width = photo.width, .photo_height = photo.height};
  placed.image = std::move(photo);
  return placed;
}

Result<Placed> Stretch(const Placed& placed, int width, int height, const ResizeOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(Image image, Resize(placed.image, width, height, options));
  return Extend(placed, std::move(image), ScaleBetween(placed.image, width, height));
}

Result<Placed> ResizeShorterSide(const Placed& placed, int side, const ResizeOptions& options) {
  const int64_t width = placed.image.width;
  const int64_t height = placed.image.height;
  if (width < 1 || height < 1 || side < 1) {
    return Status(Code::kInvalidInput, "cannot scale the shorter side of a " +
                                           SizeText(placed.image.width, placed.image.height) + " image to " +
                                           std::to_string(side));
  }
  const int64_t longer =
      std::min<int64_t>(std::max(width, height) * side / std::min(width, height), INT32_MAX);
  const int new_width = width < height ? side : static_cast<int>(longer);
  const int new_height = width < height ? static_cast<int>(longer) : side;
  return Stretch(placed, new_width, new_height, options);
}

LetterboxLayout PlanLetterbox(int photo_width, int photo_height, const LetterboxOptions& options) {
  double ratio = std::min(static_cast<double>(options.width) / photo_width,
                          static_cast<double>(options.height) / photo_height);
  if (options.upscale == LetterboxOptions::Upscale::kNever) ratio = std::min(ratio, 1.0);
  // Halves to even, as Python's round does in the training code.
  const auto scaled = [&](int side, int limit) {
    return std::clamp(static_cast<int>(std::nearbyint(side * ratio)), 1, limit);
  };
  LetterboxLayout layout{.width = options.width,
                         .height = options.height,
                         .scaled_width = scaled(photo_width, options.width),
                         .scaled_height = scaled(photo_height, options.height)};
  if (options.stride > 0) {
    layout.width = RoundUpToMultiple(layout.scaled_width, options.stride);
    layout.height = RoundUpToMultiple(layout.scaled_height, options.stride);
  }
  layout.left = BorderBefore(layout.width - layout.scaled_width, options.anchor);
  layout.top = BorderBefore(layout.height - layout.scaled_height, options.anchor);
  return layout;
}

Result<Placed> Letterbox(const Placed& placed, const LetterboxOptions& options) {
  constexpr int kMaxSide = 65535;
  if (!placed.image.IsValid() || options.width < 1 || options.height < 1 || options.width > kMaxSide ||
      options.height > kMaxSide || options.stride < 0 || options.stride > kMaxSide) {
    return Status(Code::kInvalidInput, "letterbox: cannot place a " +
                                           SizeText(placed.image.width, placed.image.height) +
                                           " image into " + SizeText(options.width, options.height));
  }
  const LetterboxLayout layout = PlanLetterbox(placed.image.width, placed.image.height, options);
  SLIPWAY_ASSIGN_OR_RETURN(const Placed scaled,
                           Stretch(placed, layout.scaled_width, layout.scaled_height, options.resize));
  Image padded(layout.width, layout.height, placed.image.channels, options.pad_value);
  Paste(scaled.image, layout.left, layout.top, &padded);
  return Extend(scaled, std::move(padded), Affine::Shift(layout.left, layout.top));
}

Result<Placed> Crop(const Placed& placed, int x, int y, int width, int height) {
  const Image& image = placed.image;
  const bool is_inside =
      x >= 0 && y >= 0 && width > 0 && height > 0 && width <= image.width - x && height <= image.height - y;
  if (!is_inside || !image.IsValid()) {
    return Status(Code::kInvalidInput, "crop: " + SizeText(width, height) + " at (" + std::to_string(x) +
                                           ", " + std::to_string(y) + ") is not inside the " +
                                           SizeText(image.width, image.height) + " image");
  }
  Image cut(width, height, image.channels);
  for (int row = 0; row < height; ++row) std::memcpy(cut.Row(row), image.At(x, y + row), cut.RowElems());
  return Extend(placed, std::move(cut), Affine::Shift(-x, -y));
}

Result<Placed> CenterCrop(const Placed& placed, int width, int height) {
  // Python's round of the half margin, to even, as torchvision does.
  const auto margin = [](int64_t outer, int64_t inner) {
    return static_cast<int>(std::nearbyint(static_cast<double>(outer - inner) / 2));
  };
  return Crop(placed, margin(placed.image.width, width), margin(placed.image.height, height), width, height);
}

Result<Placed> CenterCropFraction(const Placed& placed, double fraction) {
  if (!(fraction > 0 && fraction <= 1)) {
    return Status(Code::kUsage, "centre crop: fraction " + std::to_string(fraction) + " is not in (0, 1]");
  }
  const int x = static_cast<int>((placed.image.width - placed.image.width * fraction) / 2);
  const int y = static_cast<int>((placed.image.height - placed.image.height * fraction) / 2);
  return Crop(placed, x, y, placed.image.width - 2 * x, placed.image.height - 2 * y);
}

Result<Placed> CenterCropAspect(const Placed& placed, int width, int height) {
  if (width < 1 || height < 1) {
    return Status(Code::kUsage, "centre crop: " + SizeText(width, height) + " is no aspect ratio");
  }
  const int64_t outer_width = placed.image.width;
  const int64_t outer_height = placed.image.height;
  const int64_t fitting_width = std::clamp<int64_t>(outer_height * width / height, 1, outer_width);
  const int64_t fitting_height = std::clamp<int64_t>(outer_width * height / width, 1, outer_height);
  return CenterCrop(placed, static_cast<int>(fitting_width), static_cast<int>(fitting_height));
}

Result<Placed> Rotate90(const Placed& placed, int k) {
  const double width = placed.image.width;
  const double height = placed.image.height;
  const Affine turns[] = {{},
                          {.xx = 0, .xy = 1, .dx = 0, .yx = -1, .yy = 0, .dy = width},
                          {.xx = -1, .xy = 0, .dx = width, .yx = 0, .yy = -1, .dy = height},
                          {.xx = 0, .xy = -1, .dx = height, .yx = 1, .yy = 0, .dy = 0}};
  return Extend(placed, Rot90(placed.image, k), turns[((k % 4) + 4) % 4]);
}

Result<Placed> Mirror(const Placed& placed) {
  const Affine map = {.xx = -1, .dx = static_cast<double>(placed.image.width)};
  return Extend(placed, ApplyExifOrientation(placed.image, 2), map);
}

}  // namespace slipway::media
