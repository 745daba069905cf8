// Everything is a signed distance: a pixel's coverage is how far its centre lies inside the shape, within a
// pixel.
#include "media/draw.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "media/stroke_font.h"

namespace slipway::media {
namespace {

bool IsDrawable(const Image& image) {
  return image.IsValid() && (image.channels == 3 || image.channels == 4);
}

void Blend(uint8_t* pixel, Color color, double alpha) {
  const uint8_t target[] = {color.r, color.g, color.b};
  for (int c = 0; c < 3; ++c) {
    pixel[c] = static_cast<uint8_t>(std::lround(pixel[c] + (target[c] - pixel[c]) * alpha));
  }
}

double Coverage(double distance_outside) { return std::clamp(0.5 - distance_outside, 0.0, 1.0); }

struct PixelRect {
  int left, top, right, bottom;
};

// The pixels of the image that a shape within `box` may touch.
PixelRect Cover(const Image& image, const BoxF& box) {
  const auto bound = [](double v, int limit) { return static_cast<int>(std::clamp<double>(v, 0, limit)); };
  return {bound(std::floor(box.left - 1), image.width), bound(std::floor(box.top - 1), image.height),
          bound(std::ceil(box.right + 1), image.width), bound(std::ceil(box.bottom + 1), image.height)};
}

BoxF Grow(const BoxF& box, double by) {
  return {box.left - by, box.top - by, box.right + by, box.bottom + by};
}

// Distance from a point to a box with rounded corners; negative inside.
double RoundedBoxDistance(const BoxF& box, double radius, double x, double y) {
  radius = std::min({radius, box.Width() / 2, box.Height() / 2});
  const double dx = std::abs(x - (box.left + box.right) / 2) - box.Width() / 2 + radius;
  const double dy = std::abs(y - (box.top + box.bottom) / 2) - box.Height() / 2 + radius;
  return std::hypot(std::max(dx, 0.0), std::max(dy, 0.0)) + std::min(std::max(dx, dy), 0.0) - radius;
}

double SegmentDistance(const Segment& s, double x, double y) {
  const double dx = s.x1 - s.x0, dy = s.y1 - s.y0;
  const double length2 = dx * dx + dy * dy;
  const double t = length2 == 0 ? 0 : std::clamp(((x - s.x0) * dx + (y - s.y0) * dy) / length2, 0.0, 1.0);
  return std::hypot(x - s.x0 - t * dx, y - s.y0 - t * dy);
}

// `origin`: where the glyph's left end meets the baseline; `scale`: pixels per font unit.
void DrawGlyph(Image* image, const Glyph& glyph, PointF origin, double scale, Color color) {
  if (glyph.strokes.empty()) return;
  const BoxF box{origin.x, origin.y - 17 * scale, origin.x + glyph.advance * scale, origin.y + 6 * scale};
  const PixelRect rect = Cover(*image, box);
  // Thin pens at small sizes fade to grey: never less than 1.1 pixels.
  const double half_pen = std::max(kPenWidth * scale, 1.1) / 2;
  for (int y = rect.top; y < rect.bottom; ++y) {
    for (int x = rect.left; x < rect.right; ++x) {
      const double u = (x + 0.5 - origin.x) / scale, v = (origin.y - y - 0.5) / scale;
      double nearest = 1e9;
      for (const Segment& s : glyph.strokes) nearest = std::min(nearest, SegmentDistance(s, u, v));
      const double alpha = Coverage(nearest * scale - half_pen);
      if (alpha > 0) Blend(image->At(x, y), color, alpha);
    }
  }
}

Color ColorFromHsv(double hue, double saturation, double value) {
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue * 6, 6);
    return static_cast<uint8_t>(
        std::lround(255 * (value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0))));
  };
  return {channel(5), channel(3), channel(1)};
}

// WCAG 2 relative luminance.
double Luminance(Color color) {
  const auto linear = [](uint8_t value) {
    const double v = value / 255.0;
    return v <= 0.03928 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b);
}

bool Overlap(const BoxF& a, const BoxF& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// A label on its plate, measured but not yet placed.
struct Plate {
  std::string text;
  double cap_height = 0;
  double padding = 0;
  double width = 0;
  double height = 0;
};

double PaddingFor(double cap_height) { return std::max(2.0, cap_height * 0.45); }

// Takes letters off the end, but leaves a score behind ("parall.. 11%") while that leaves a word to read.
std::string Shorten(const std::string& text, double cap_height, double width) {
  const size_t space = text.rfind(' ');
  const bool has_score = space != std::string::npos && text.back() == '%';
  const std::string end = has_score ? ".." + text.substr(space) : "..";
  std::string cut = text.substr(0, has_score ? space : text.size());
  while (!cut.empty() && TextWidth(cut + end, cap_height) > width) {
    cut.pop_back();
    while (!cut.empty() && (static_cast<unsigned char>(cut.back()) & 0x80) != 0) cut.pop_back();
  }
  if (has_score && cut.size() < 3) return Shorten(text.substr(0, space), cap_height, width);
  return cut + end;
}

// Smaller letters first, down to a legible size; then fewer.
Plate MakePlate(const std::string& text, double cap_height, double max_width) {
  constexpr double kLegible = 7;
  Plate plate{.text = text, .cap_height = cap_height};
  const double natural = TextWidth(text, cap_height) + 2 * PaddingFor(cap_height);
  if (natural > max_width)
    plate.cap_height = std::max(cap_height * max_width / natural, std::min(cap_height, kLegible));
  plate.padding = PaddingFor(plate.cap_height);
  const double room = max_width - 2 * plate.padding;
  if (TextWidth(text, plate.cap_height) > room + 0.5) plate.text = Shorten(text, plate.cap_height, room);
  plate.width = TextWidth(plate.text, plate.cap_height) + 2 * plate.padding;
  plate.height = plate.cap_height + 2 * plate.padding;
  return plate;
}

BoxF KeepInside(BoxF box, const Image& image) {
  const double dx = std::max(std::min(0.0, image.width - box.right), -box.left);
  const double dy = std::max(std::min(0.0, image.height - box.bottom), -box.top);
  return {box.left + dx, box.top + dy, box.right + dx, box.bottom + dy};
}

// Above the box, inside its top, inside its bottom, below it, at the right end: the first that hides no other
// label.
BoxF PlacePlate(const Plate& plate, const BoxF& box, double thickness, const Image& image,
                const std::vector<BoxF>& taken) {
  const double half = thickness / 2;
  const double left = box.left - half, right = box.right + half - plate.width;
  const double above = box.top - half - plate.height + std::min(half, 1.0);
  const std::array<PointF, 6> corners = {PointF{left, above},
                                         {left, box.top - half},
                                         {right, above},
                                         {right, box.top - half},
                                         {left, box.bottom + half - plate.height},
                                         {left, box.bottom + half}};
  BoxF fallback;
  for (size_t i = 0; i < corners.size(); ++i) {
    const PointF corner = corners[i];
    const BoxF wanted{corner.x, corner.y, corner.x + plate.width, corner.y + plate.height};
    const BoxF placed = KeepInside(wanted, image);
    if (i == 1) fallback = placed;
    if (std::abs(placed.top - wanted.top) > thickness) continue;  // pushed far from its place
    const bool is_free =
        std::none_of(taken.begin(), taken.end(), [&](const BoxF& t) { return Overlap(placed, t); });
    if (is_free) return placed;
  }
  return fallback;
}

void DrawPlate(Image* image, const Plate& plate, const BoxF& at, Color color) {
  FillBox(image, at, plate.cap_height * 0.3, color);
  DrawText(image, {at.left + plate.padding, at.top + plate.padding + plate.cap_height}, plate.text,
           plate.cap_height, TextColorOn(color));
}

}  // namespace

Color ClassColor(int index) {
  constexpr double kGoldenRatio = 0.61803398874989485;
  constexpr double kFirstHue = 0.38;  // a fresh green
  constexpr double kSaturation[] = {0.78, 0.62, 0.9};
  constexpr double kValue[] = {0.95, 1.0, 0.85};
  const auto i = static_cast<unsigned>(index);
  const double hue = kFirstHue + i * kGoldenRatio;
  return ColorFromHsv(hue - std::floor(hue), kSaturation[i / 7 % 3], kValue[i / 5 % 3]);
}

Color TextColorOn(Color background) {
  // White while its contrast, 1.05 / (L + 0.05), is at least 3.5: it reads better than black on saturated
  // colours.
  constexpr double kWhiteUpTo = 0.25;
  return Luminance(background) > kWhiteUpTo ? Color{0, 0, 0} : Color{255, 255, 255};
}

DrawStyle StyleFor(int width, int height) {
  const double size = std::sqrt(static_cast<double>(width) * height);
  return {.thickness = std::clamp(size / 220, 1.5, 40.0), .cap_height = std::clamp(size / 46, 7.0, 400.0)};
}

double TextWidth(std::string_view text, double cap_height) {
  double width = 0;
  for (const char32_t code : CodesOf(text)) width += GlyphOf(code).advance;
  return width * cap_height / kCapHeight;
}

void DrawText(Image* image, PointF baseline, std::string_view text, double cap_height, Color color) {
  if (!IsDrawable(*image) || !(cap_height > 0)) return;
  const double scale = cap_height / kCapHeight;
  for (const char32_t code : CodesOf(text)) {
    const Glyph& glyph = GlyphOf(code);
    DrawGlyph(image, glyph, baseline, scale, color);
    baseline.x += glyph.advance * scale;
  }
}

void FillBox(Image* image, const BoxF& box, double radius, Color color, double opacity) {
  if (!IsDrawable(*image)) return;
  const PixelRect rect = Cover(*image, box);
  for (int y = rect.top; y < rect.bottom; ++y) {
    for (int x = rect.left; x < rect.right; ++x) {
      const double alpha = Coverage(RoundedBoxDistance(box, radius, x + 0.5, y + 0.5)) * opacity;
      if (alpha > 0) Blend(image->At(x, y), color, alpha);
    }
  }
}

void DrawFrame(Image* image, const BoxF& box, double thickness, double radius, Color color, double opacity) {
  if (!IsDrawable(*image)) return;
  const double half = thickness / 2;
  const PixelRect outer = Cover(*image, Grow(box, half));
  // Columns within this are inside the frame on every row that crosses its middle.
  const double skip = half + radius + 1;
  const BoxF hollow = Grow(box, -skip);
  for (int y = outer.top; y < outer.bottom; ++y) {
    const bool has_hollow = y > hollow.top && y + 1 < hollow.bottom && hollow.left < hollow.right;
    for (int x = outer.left; x < outer.right; ++x) {
      if (has_hollow && x > hollow.left && x + 1 < hollow.right) {
        x = std::min(static_cast<int>(hollow.right) - 1, outer.right);
        continue;
      }
      const double alpha =
          Coverage(std::abs(RoundedBoxDistance(box, radius, x + 0.5, y + 0.5)) - half) * opacity;
      if (alpha > 0) Blend(image->At(x, y), color, alpha);
    }
  }
}

void DrawAnnotations(Image* image, std::span<const Annotation> annotations) {
  if (!IsDrawable(*image)) return;
  const DrawStyle style = StyleFor(image->width, image->height);
  const double edge = std::max(1.0, style.thickness * 0.4);
  for (const Annotation& annotation : annotations) {
    // A faint dark rim keeps the line visible on backgrounds of its own colour.
    DrawFrame(image, annotation.box, style.thickness + 2 * edge, style.thickness, {0, 0, 0}, 0.3);
    DrawFrame(image, annotation.box, style.thickness, style.thickness, annotation.color);
  }
  std::vector<BoxF> taken;
  for (const Annotation& annotation : annotations) {
    if (annotation.label.empty()) continue;
    const Plate plate = MakePlate(annotation.label, style.cap_height, image->width);
    const BoxF at = PlacePlate(plate, annotation.box, style.thickness, *image, taken);
    DrawPlate(image, plate, at, annotation.color);
    taken.push_back(at);
  }
}

void OverlayCategories(Image* image, std::span<const uint8_t> categories, std::span<const Color> palette,
                       double opacity, int background) {
  const auto width = static_cast<size_t>(image->width);
  if (!IsDrawable(*image) || palette.empty() ||
      categories.size() != width * static_cast<size_t>(image->height))
    return;
  const int reach = std::max(1, static_cast<int>(StyleFor(image->width, image->height).thickness / 2));
  for (int y = 0; y < image->height; ++y) {
    for (int x = 0; x < image->width; ++x) {
      const auto category_at = [&](int cx, int cy) {
        return categories[static_cast<size_t>(std::clamp(cy, 0, image->height - 1)) * width +
                          static_cast<size_t>(std::clamp(cx, 0, image->width - 1))];
      };
      const int category = category_at(x, y);
      if (category == background) continue;
      const bool is_edge = category_at(x - reach, y) != category || category_at(x + reach, y) != category ||
                           category_at(x, y - reach) != category || category_at(x, y + reach) != category;
      const Color color = palette[static_cast<size_t>(category) % palette.size()];
      Blend(image->At(x, y), color, is_edge ? 1 - (1 - opacity) * 0.2 : opacity);
    }
  }
}

void DrawLegend(Image* image, std::span<const LegendLine> lines) {
  if (!IsDrawable(*image) || lines.empty()) return;
  const DrawStyle style = StyleFor(image->width, image->height);
  std::vector<Plate> plates;
  double cap = style.cap_height;
  double widest = 0;
  const double margin = style.cap_height * 0.6;
  for (const LegendLine& line : lines) {
    plates.push_back(MakePlate(line.text, cap, image->width - 2 * margin - 2 * cap));
    widest = std::max(widest, plates.back().width);
  }
  const double row = cap * 1.9;
  const BoxF panel{margin, margin, margin + widest + 2 * cap,
                   margin + row * static_cast<double>(lines.size()) + cap * 0.6};
  FillBox(image, panel, cap * 0.5, {16, 18, 24}, 0.72);
  for (size_t i = 0; i < lines.size(); ++i) {
    const double top = panel.top + cap * 0.3 + row * (static_cast<double>(i) + 0.5) - cap / 2;
    const double left = panel.left + cap * 0.7;
    FillBox(image, {left, top, left + cap, top + cap}, cap * 0.25, lines[i].color);
    DrawText(image, {left + cap * 1.6, top + cap}, plates[i].text, plates[i].cap_height, {255, 255, 255});
  }
}

}  // namespace slipway::media
