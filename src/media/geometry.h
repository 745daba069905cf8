// How a photo was placed into a model's input, and the way back for points and boxes.
//
// Coordinates are continuous: a pixel x covers [x, x + 1), an image [0, width] x [0, height]. Every placement
// is an axis-aligned affine map, quarter turns and mirrors included, so that steps compose and each has an
// exact inverse.
#pragma once

#include <cstdint>
#include <vector>

#include "media/image.h"
#include "media/resize.h"
#include "slipway/status.h"

namespace slipway::media {

struct PointF {
  double x = 0;
  double y = 0;
  bool operator==(const PointF&) const = default;
};

// Corners; an ordinary box has left <= right and top <= bottom.
struct BoxF {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  bool operator==(const BoxF&) const = default;
  double Width() const { return right - left; }
  double Height() const { return bottom - top; }
};

// x' = xx * x + xy * y + dx;  y' = yx * x + yy * y + dy
struct Affine {
  double xx = 1, xy = 0, dx = 0;
  double yx = 0, yy = 1, dy = 0;

  static Affine Scale(double sx, double sy) { return {.xx = sx, .yy = sy}; }
  static Affine Shift(double dx, double dy) { return {.dx = dx, .dy = dy}; }

  PointF Map(PointF p) const { return {xx * p.x + xy * p.y + dx, yx * p.x + yy * p.y + dy}; }
  // The box around the mapped corners.
  BoxF Map(const BoxF& box) const;
  // First this, then `next`.
  Affine Then(const Affine& next) const;
  // REQUIRES: not degenerate (no zero scale), which the placements below never are.
  Affine Inverse() const;
};

enum class Anchor { kCenter, kTopLeft };

struct LetterboxOptions {
  int width = 0;  // of the model's input
  int height = 0;
  // > 0: instead of the full width x height the smallest multiple of `stride` that holds the scaled photo
  // (YOLO's "auto" rectangle, for inputs of dynamic size).
  int stride = 0;
  uint8_t pad_value = 114;  // YOLO's grey
  Anchor anchor = Anchor::kCenter;
  // Small photos are enlarged too; kNever pads them only.
  enum class Upscale { kAllow, kNever } upscale = Upscale::kAllow;
  ResizeOptions resize;
};

// An image of the model's size, and the map from photo coordinates to it.
struct Placed {
  Image image;
  Affine to_input;
  int photo_width = 0;
  int photo_height = 0;

  // From input coordinates (pixels of `image`) back to the photo.
  PointF MapPointBack(PointF p) const;
  // The same for a box, clamped to the photo.
  BoxF MapBoxBack(const BoxF& box) const;
};

// The identity: where placing begins.
Placed PlaceWhole(Image photo);

// Each step takes what the one before gave, and adds its map.

// Scales to width x height, ignoring the aspect ratio.
Result<Placed> Stretch(const Placed& placed, int width, int height, const ResizeOptions& options = {});
// Scales the shorter side to `side`, keeping the aspect ratio; the longer is rounded down (torchvision's
// Resize).
Result<Placed> ResizeShorterSide(const Placed& placed, int side, const ResizeOptions& options = {});
// Scales by the smaller of the two ratios, rounds to whole pixels, pads with pad_value.
Result<Placed> Letterbox(const Placed& placed, const LetterboxOptions& options);
// Cuts [x, x + width) x [y, y + height), which must lie inside.
Result<Placed> Crop(const Placed& placed, int x, int y, int width, int height);
// The middle width x height. Larger than the image: an error.
Result<Placed> CenterCrop(const Placed& placed, int width, int height);
// The middle `fraction` of both sides (0 < fraction <= 1), as TensorFlow's central_crop.
Result<Placed> CenterCropFraction(const Placed& placed, double fraction);
// The largest middle square (or window of the aspect ratio width : height).
Result<Placed> CenterCropAspect(const Placed& placed, int width, int height);
// k quarter turns counter-clockwise.
Result<Placed> Rotate90(const Placed& placed, int k);
// Left and right change places.
Result<Placed> Mirror(const Placed& placed);

// Where a letterbox puts a photo: the scaled size and the borders. Exposed for planning input shapes.
struct LetterboxLayout {
  int width = 0;  // of the whole result
  int height = 0;
  int scaled_width = 0;
  int scaled_height = 0;
  int left = 0;
  int top = 0;
};
LetterboxLayout PlanLetterbox(int photo_width, int photo_height, const LetterboxOptions& options);

}  // namespace slipway::media
