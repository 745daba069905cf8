// Private to draw: a stroke font for printable ASCII, drawn for this project.
//
// A glyph is a set of pen strokes, rendered by distance to them: sharp and smooth at every size without font
// files. Other characters (UTF-8 beyond ASCII) appear as a hollow box.
#pragma once

#include <string_view>
#include <vector>

namespace slipway::media {

// Font units: the y axis points up, 0 is the baseline.
inline constexpr double kCapHeight = 14;
inline constexpr double kDescent = 4.4;
inline constexpr double kPenWidth = 1.9;

struct Segment {
  double x0, y0, x1, y1;
};

struct Glyph {
  double advance = 0;
  std::vector<Segment> strokes;  // a dot is a segment of no length
};

// The glyph of a character code; a box for those outside 32..126.
const Glyph& GlyphOf(char32_t code);
// ASCII as it is; every other UTF-8 character is U+FFFD.
std::vector<char32_t> CodesOf(std::string_view text);

}  // namespace slipway::media
