// Glyphs are little paths: M x y moves, L x y draws a line, Q cx cy x y a quadratic curve, E cx cy rx ry a b
// the part of an ellipse from a to b degrees (counter-clockwise, 0 is right).
#include "media/stroke_font.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <utility>

namespace slipway::media {
namespace {

constexpr char32_t kFirst = 32;
constexpr char32_t kLast = 126;
constexpr double kBearing = 1.75;  // half the gap between neighbours
constexpr double kSpaceAdvance = 6;
constexpr int kCurveSteps = 8;
constexpr double kDegreesPerStep = 12;

constexpr std::array<const char*, kLast - kFirst + 2> kPaths = {
    /*   */ "",
    /* ! */ "M1 14 L1 5 M1 .2 L1 .2",
    /* " */ "M.5 14 L.5 10.5 M4 14 L4 10.5",
    /* # */ "M3.4 14 L1.8 0 M8.2 14 L6.6 0 M.5 9.6 L9.7 9.6 M.2 4.4 L9.4 4.4",
    /* $ */
    "M8.2 10.9 Q7.4 12.9 4.5 12.9 Q.7 12.9 .7 10 Q.7 7.9 4.5 7.1 Q8.9 6.2 8.9 3.9 Q8.9 1 4.6 1 Q1 1 .1 3.4 "
    "M4.5 15.6 L4.5 -1.6",
    /* % */ "E2.5 10.9 2.5 3.1 0 360 E10.3 3.1 2.5 3.1 0 360 M10.2 14 L2.6 0",
    /* & */
    "M10 0 L2.2 9.2 Q.9 11 1.8 12.6 Q2.8 14 4.5 14 Q6.4 14 7.1 12.2 Q7.8 10 5 8.4 L3 7.1 Q.3 5.6 .3 3.5 Q.4 "
    "0 "
    "4.2 0 Q8.6 0 9.6 6.4",
    /* ' */ "M.5 14 L.5 10.5",
    /* ( */ "M3.4 16 Q-2.4 6.5 3.4 -3",
    /* ) */ "M0 16 Q5.8 6.5 0 -3",
    /* * */ "M3.5 14 L3.5 7 M.5 12.2 L6.5 8.8 M6.5 12.2 L.5 8.8",
    /* + */ "M4.2 10.7 L4.2 2.7 M.2 6.7 L8.2 6.7",
    /* , */ "M1.2 .4 L.3 -2.6",
    /* - */ "M.2 6 L5.2 6",
    /* . */ "M.6 .3 L.6 .3",
    /* / */ "M0 -1.5 L6 15.5",
    /* 0 */ "E4.4 7 4.4 7 0 360",
    /* 1 */ "M.6 11.2 L4.4 14 L4.4 0",
    /* 2 */ "M.4 10.5 Q.8 14 4.4 14 Q8.2 14 8.2 10.4 Q8.2 8.2 5.8 5.7 L.2 0 L8.6 0",
    /* 3 */ "M.6 14 L8 14 L4 8.6 Q8.6 8.5 8.6 4.3 Q8.4 0 4.2 0 Q1 0 0 2.8",
    /* 4 */ "M6.6 0 L6.6 14 L0 4.2 L9 4.2",
    /* 5 */ "M7.8 14 L1.5 14 L.9 7.7 Q2.2 8.9 4.4 8.9 Q8.6 8.8 8.6 4.5 Q8.5 0 4.2 0 Q1.2 0 0 2.4",
    /* 6 */ "E4.4 4.4 4.4 4.4 0 360 M6.2 14 L.9 7",
    /* 7 */ "M.2 14 L8.6 14 L3 0",
    /* 8 */ "E4.4 10.6 3.7 3.4 0 360 E4.4 3.6 4.4 3.6 0 360",
    /* 9 */ "E4.4 9.6 4.4 4.4 0 360 M2.6 0 L7.9 7",
    /* : */ "M.6 .3 L.6 .3 M.6 8.6 L.6 8.6",
    /* ; */ "M1.2 .4 L.3 -2.6 M1.2 8.6 L1.2 8.6",
    /* < */ "M7.4 11 L.4 6.7 L7.4 2.4",
    /* = */ "M.2 8.8 L8.2 8.8 M.2 4.6 L8.2 4.6",
    /* > */ "M.4 11 L7.4 6.7 L.4 2.4",
    /* ? */ "M.2 11 Q.8 14 4 14 Q7.6 14 7.6 10.6 Q7.6 8.7 5.6 7.5 Q3.9 6.5 3.9 4.6 M3.9 .2 L3.9 .2",
    /* @ */ "E6.6 5.8 6.6 7.4 0 305 E6.4 6 2.6 3 0 360 M9.3 9 L9.3 5 Q9.4 3 11 3 Q13.2 3.2 13.2 5.8",
    /* A */ "M0 0 L5 14 L10 0 M1.7 4.6 L8.3 4.6",
    /* B */ "M.5 7.4 L4.6 7.4 Q8.2 7.5 8.2 10.7 Q8.2 14 4.6 14 L.5 14 L.5 0 L4.6 0 Q9 0 9 3.7 Q9 7.4 4.6 7.4",
    /* C */ "E5.6 7 5.6 7 48 312",
    /* D */ "M.5 0 L.5 14 L3.6 14 Q9.9 13.8 9.9 7 Q9.9 .2 3.6 0 L.5 0",
    /* E */ "M8 14 L.5 14 L.5 0 L8 0 M.5 7.3 L7 7.3",
    /* F */ "M8 14 L.5 14 L.5 0 M.5 6.9 L7 6.9",
    /* G */ "E5.6 7 5.6 7 48 352 M6.4 6.4 L11.2 6.4",
    /* H */ "M.5 0 L.5 14 M9.5 0 L9.5 14 M.5 7.3 L9.5 7.3",
    /* I */ "M.5 0 L.5 14",
    /* J */ "M6 14 L6 4.2 Q6 0 2.9 0 Q.5 0 0 2.6",
    /* K */ "M.5 0 L.5 14 M8.8 14 L.5 5.2 M3.5 8.4 L9.2 0",
    /* L */ "M.5 14 L.5 0 L7.6 0",
    /* M */ "M.5 0 L.5 14 L6 4.8 L11.5 14 L11.5 0",
    /* N */ "M.5 0 L.5 14 L9.5 0 L9.5 14",
    /* O */ "E5.8 7 5.8 7 0 360",
    /* P */ "M.5 0 L.5 14 L4.8 14 Q8.8 14 8.8 10.2 Q8.8 6.3 4.8 6.3 L.5 6.3",
    /* Q */ "E5.8 7 5.8 7 0 360 M7.2 3.4 L11.2 -.8",
    /* R */ "M.5 0 L.5 14 L4.8 14 Q8.8 14 8.8 10.2 Q8.8 6.3 4.8 6.3 L.5 6.3 M5.2 6.3 L9.2 0",
    /* S */
    "M8.3 11.5 Q7.4 14 4.5 14 Q.7 14 .7 10.6 Q.7 8.1 4.5 7.2 Q8.9 6.2 8.9 3.5 Q8.9 0 4.6 0 Q1 0 .1 2.8",
    /* T */ "M0 14 L9 14 M4.5 14 L4.5 0",
    /* U */ "M.5 14 L.5 4.8 Q.5 0 5 0 Q9.5 0 9.5 4.8 L9.5 14",
    /* V */ "M0 14 L4.8 0 L9.6 14",
    /* W */ "M0 14 L3.5 0 L7.1 12 L10.7 0 L14.2 14",
    /* X */ "M.2 14 L9 0 M9 14 L0 0",
    /* Y */ "M0 14 L4.6 6.8 L9.2 14 M4.6 6.8 L4.6 0",
    /* Z */ "M.4 14 L8.8 14 L.2 0 L9 0",
    /* [ */ "M3.2 16 L.5 16 L.5 -3 L3.2 -3",
    /* \ */ "M0 15.5 L6 -1.5",
    /* ] */ "M0 16 L2.7 16 L2.7 -3 L0 -3",
    /* ^ */ "M.5 9 L4 14 L7.5 9",
    /* _ */ "M0 -2 L8 -2",
    /* ` */ "M0 14 L2 11.5",
    /* a */
    "M.7 8 Q1.5 10 4 10 Q7.4 10 7.4 6.8 L7.4 0 M7.4 5.8 L3.9 5.6 Q0 5.4 0 2.7 Q0 0 3.2 0 Q6.6 0 7.4 3.2",
    /* b */ "M.5 14 L.5 0 E4.5 5 4 5 0 360",
    /* c */ "E4.2 5 4.2 5 48 312",
    /* d */ "E4 5 4 5 0 360 M8 14 L8 0",
    /* e */ "M.1 5 L8.5 5 E4.3 5 4.2 5 0 318",
    /* f */ "M5.2 14 Q2.2 14.2 2.2 11 L2.2 0 M0 9.6 L4.9 9.6",
    /* g */ "E4 5 4 5 0 360 M8 10 L8 -.4 Q8 -4.3 4 -4.3 Q1.4 -4.3 .5 -2.6",
    /* h */ "M.5 14 L.5 0 M.5 5.8 Q.9 10 4.2 10 Q7.5 10 7.5 6 L7.5 0",
    /* i */ "M.5 10 L.5 0 M.5 13.6 L.5 13.6",
    /* j */ "M2 10 L2 -1.4 Q2 -4.2 -.6 -4.2 M2 13.6 L2 13.6",
    /* k */ "M.5 14 L.5 0 M6.9 10 L.5 3.7 M2.9 6 L7.3 0",
    /* l */ "M.5 14 L.5 2.4 Q.5 0 2.6 0",
    /* m */
    "M.5 10 L.5 0 M.5 5.8 Q.8 10 3.6 10 Q6.2 10 6.2 6.4 L6.2 0 M6.2 5.8 Q6.6 10 9.3 10 Q12 10 12 6.4 L12 0",
    /* n */ "M.5 10 L.5 0 M.5 5.8 Q.9 10 4.2 10 Q7.5 10 7.5 6 L7.5 0",
    /* o */ "E4.3 5 4.3 5 0 360",
    /* p */ "M.5 10 L.5 -4.2 E4.5 5 4 5 0 360",
    /* q */ "E4 5 4 5 0 360 M8 10 L8 -4.2",
    /* r */ "M.5 10 L.5 0 M.5 5.4 Q1 9.9 4.8 9.9",
    /* s */ "M6.5 8.2 Q5.8 10 3.5 10 Q.6 10 .6 7.6 Q.6 5.8 3.5 5.2 Q7 4.5 7 2.5 Q7 0 3.6 0 Q.9 0 .1 2",
    /* t */ "M2.4 13 L2.4 3 Q2.4 0 5 0 M0 9.8 L5 9.8",
    /* u */ "M.5 10 L.5 4 Q.5 0 3.8 0 Q7.1 0 7.5 4.2 M7.5 10 L7.5 0",
    /* v */ "M0 10 L3.8 0 L7.6 10",
    /* w */ "M0 10 L2.9 0 L5.8 8.6 L8.7 0 L11.6 10",
    /* x */ "M.2 10 L7.2 0 M7.2 10 L0 0",
    /* y */ "M0 10 L3.9 .2 M7.8 10 L3.5 -2 Q2.6 -4.3 .4 -4.2",
    /* z */ "M.3 10 L7 10 L.2 0 L7.2 0",
    /* { */ "M4 16 Q2 16 2 13.5 L2 9 Q2 6.5 0 6.5 Q2 6.5 2 4 L2 -.5 Q2 -3 4 -3",
    /* | */ "M.5 16 L.5 -3",
    /* } */ "M0 16 Q2 16 2 13.5 L2 9 Q2 6.5 4 6.5 Q2 6.5 2 4 L2 -.5 Q2 -3 0 -3",
    /* ~ */ "M0 5.6 Q2 8.8 4.5 6.7 Q7 4.6 9 7.6",
    /* box */ "M.5 0 L.5 14 L7.5 14 L7.5 0 L.5 0",
};

// Walks one path and collects its strokes.
class PathReader {
 public:
  explicit PathReader(const char* path) : at_(path) {}

  std::vector<Segment> Read() {
    while (*at_ != 0) {
      switch (*at_++) {
        case 'M': Move(); break;
        case 'L': Line(); break;
        case 'Q': Curve(); break;
        case 'E': Arc(); break;
        default: break;
      }
    }
    return std::move(strokes_);
  }

 private:
  double Number() {
    char* end = nullptr;
    const double value = std::strtod(at_, &end);
    at_ = end;
    return value;
  }
  // Statements of their own, because C++ leaves the order of evaluating arguments open.
  void Move() {
    x_ = Number();
    y_ = Number();
  }
  void Line() {
    const double x = Number();
    LineTo(x, Number());
  }
  void MoveTo(double x, double y) {
    x_ = x;
    y_ = y;
  }
  void LineTo(double x, double y) {
    strokes_.push_back({x_, y_, x, y});
    MoveTo(x, y);
  }
  void Curve() {
    const double cx = Number(), cy = Number(), x = Number(), y = Number();
    const double x0 = x_, y0 = y_;
    for (int i = 1; i <= kCurveSteps; ++i) {
      const double t = static_cast<double>(i) / kCurveSteps;
      const double a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;
      LineTo(a * x0 + b * cx + c * x, a * y0 + b * cy + c * y);
    }
  }
  void Arc() {
    const double cx = Number(), cy = Number(), rx = Number(), ry = Number(), from = Number(), to = Number();
    const int steps = static_cast<int>(std::ceil((to - from) / kDegreesPerStep));
    for (int i = 0; i <= steps; ++i) {
      const double angle = (from + (to - from) * i / steps) * std::numbers::pi / 180;
      const double x = cx + rx * std::cos(angle), y = cy + ry * std::sin(angle);
      i == 0 ? MoveTo(x, y) : LineTo(x, y);
    }
  }

  const char* at_;
  double x_ = 0, y_ = 0;
  std::vector<Segment> strokes_;
};

Glyph MakeGlyph(const char* path) {
  Glyph glyph{.strokes = PathReader(path).Read()};
  if (glyph.strokes.empty()) {
    glyph.advance = kSpaceAdvance;
    return glyph;
  }
  double left = glyph.strokes[0].x0, right = left;
  for (const Segment& s : glyph.strokes) {
    left = std::min({left, s.x0, s.x1});
    right = std::max({right, s.x0, s.x1});
  }
  for (Segment& s : glyph.strokes) {
    s.x0 += kBearing - left;
    s.x1 += kBearing - left;
  }
  glyph.advance = right - left + 2 * kBearing;
  return glyph;
}

}  // namespace

const Glyph& GlyphOf(char32_t code) {
  static const std::vector<Glyph> glyphs = [] {
    std::vector<Glyph> made;
    for (const char* path : kPaths) made.push_back(MakeGlyph(path));
    return made;
  }();
  return code >= kFirst && code <= kLast ? glyphs[code - kFirst] : glyphs.back();
}

std::vector<char32_t> CodesOf(std::string_view text) {
  std::vector<char32_t> codes;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) {
      codes.push_back(lead);
      continue;
    }
    // One box per character: what the continuation bytes spell makes no difference.
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) ++i;
    codes.push_back(0xFFFD);
  }
  return codes;
}

}  // namespace slipway::media
