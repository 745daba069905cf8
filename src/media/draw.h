// Drawing results on a photo: boxes, labels and masks, anti-aliased and sized to the picture.
//
// Images: 3 or 4 channels (alpha is left alone); others are left as they are. Coordinates are continuous
// pixels of the image; whatever lies outside is cut off.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "media/geometry.h"
#include "media/image.h"

namespace slipway::media {

struct Color {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Color&) const = default;
};

// A vivid colour for each class: hues step by the golden ratio, so neighbours differ most. Any index.
Color ClassColor(int index);
// White where it reaches a WCAG contrast of 3.5 on `background`, black elsewhere (which then reaches 6).
Color TextColorOn(Color background);

// Line width and text height in pixels that suit a picture of this size.
struct DrawStyle {
  double thickness = 2;
  double cap_height = 10;  // of a capital letter
};
DrawStyle StyleFor(int width, int height);

// Opaque text from the left end of its baseline.
void DrawText(Image* image, PointF baseline, std::string_view text, double cap_height, Color color);
double TextWidth(std::string_view text, double cap_height);

// A rounded frame whose line is centred on the box's edges.
void DrawFrame(Image* image, const BoxF& box, double thickness, double radius, Color color,
               double opacity = 1);
void FillBox(Image* image, const BoxF& box, double radius, Color color, double opacity = 1);

struct Annotation {
  BoxF box;
  std::string label;  // "cat 93%"; empty: the box alone
  Color color;
};
// All boxes, then all labels on top: each beside its box where it hides no earlier label, always inside the
// picture, made smaller or shortened where the picture is too narrow for it.
void DrawAnnotations(Image* image, std::span<const Annotation> annotations);

// Tints every pixel by the colour of its category. categories: [height, width] of the image; `background`
// pixels stay. Edges between categories are drawn solid. opacity: 0..1.
void OverlayCategories(Image* image, std::span<const uint8_t> categories, std::span<const Color> palette,
                       double opacity = 0.5, int background = 0);

// Lines of text on a plate in the top left corner (a classification's answers, a legend). Each with its own
// swatch of colour.
struct LegendLine {
  std::string text;
  Color color;
};
void DrawLegend(Image* image, std::span<const LegendLine> lines);

}  // namespace slipway::media
