#include "report/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/report_html.h"

namespace slipway {
namespace {

constexpr double kWidth = 860, kHeight = 500;
constexpr double kLeft = 62, kRight = 150, kTop = 18, kBottom = 48;  // right: names of the flat roofs

// A logarithmic axis from pixels to numbers.
struct Axis {
  double low = 0, high = 0;  // log10
  double from = 0, to = 0;   // pixels

  // What lies outside is drawn at the edge.
  double At(double value) const {
    return from + std::clamp((std::log10(value) - low) / (high - low), 0.0, 1.0) * (to - from);
  }
};

struct Dot {
  size_t step;
  double x, y;  // flops per byte, GFLOP/s
};

struct FlatRoof {
  std::string name;
  double gflops;
};

std::vector<Dot> DotsOf(const Profile& profile) {
  std::vector<Dot> dots;
  for (size_t i = 0; i < profile.steps.size(); ++i) {
    const StepProfile& step = profile.steps[i];
    if (!step.error.empty() || !step.gflops() || !step.bytes) continue;
    if (*step.flops <= 0 || *step.bytes <= 0) continue;
    dots.push_back({i, *step.flops / *step.bytes, *step.gflops()});
  }
  return dots;
}

// Of the arithmetic that the steps use.
std::vector<FlatRoof> FlatRoofsOf(const Profile& profile) {
  const auto uses = [&](const char* arithmetic) {
    return std::ranges::any_of(profile.steps,
                               [&](const StepProfile& step) { return step.arithmetic == arithmetic; });
  };
  std::vector<FlatRoof> roofs = {{"f32", profile.peak.f32_gflops}};
  if (uses("bf16") && profile.peak.bf16_gflops > 0) roofs.push_back({"bf16", profile.peak.bf16_gflops});
  if (uses("int8")) roofs.push_back({"int8", profile.peak.int8_gops});
  return roofs;
}

std::string Text(double x, double y, const char* anchor, const std::string& text,
                 const std::string& more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     EscapeHtml(text));
}

std::string Line(const char* look, double x1, double y1, double x2, double y2) {
  return fmt::format("<line {} x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", look, x1, y1, x2,
                     y2);
}

constexpr const char* kGridLook = "class=\"grid\" stroke=\"#8884\" stroke-width=\"1\"";
constexpr const char* kLeaderLook = "class=\"leader\" stroke=\"#111\" stroke-width=\"0.8\"";
// A rim in the colour of the paper keeps it legible on dots and lines.
constexpr const char* kNumberLook =
    " class=\"number\" font-weight=\"bold\" stroke=\"#fff\" stroke-width=\"3\" paint-order=\"stroke\"";
constexpr const char* kRoofLook = "class=\"roof\" stroke=\"#888\" stroke-width=\"1.5\"";

std::string Power(int exponent) {
  return exponent >= 0 ? fmt::format("{:.0f}", std::pow(10.0, exponent))
                       : fmt::format("{:.{}f}", std::pow(10.0, exponent), -exponent);
}

std::string GridOf(const Axis& x, const Axis& y) {
  std::string svg;
  for (int e = static_cast<int>(std::ceil(x.low)); e <= static_cast<int>(std::floor(x.high)); ++e) {
    const double at = x.At(std::pow(10.0, e));
    svg += Line(kGridLook, at, y.from, at, y.to) + Text(at, y.from + 17, "middle", Power(e));
  }
  for (int e = static_cast<int>(std::ceil(y.low)); e <= static_cast<int>(std::floor(y.high)); ++e) {
    const double at = y.At(std::pow(10.0, e));
    svg += Line(kGridLook, x.from, at, x.to, at) + Text(x.from - 8, at + 4, "end", Power(e));
  }
  svg += Text((x.from + x.to) / 2, kHeight - 8, "middle",
              "arithmetic intensity: floating-point operations per byte");
  const double middle = (y.from + y.to) / 2;
  svg += Text(14, middle, "middle", "GFLOP/s", fmt::format(" transform=\"rotate(-90 14 {:.1f})\"", middle));
  return svg;
}

// Slanted: what the memory levels feed, up to the highest flat roof. Names stand above the lines, near the
// left.
std::string SlantedRoofs(const Profile& profile, const Axis& x, const Axis& y, double top_gflops) {
  std::string svg;
  double last_named = -1e9;
  const double slope = std::atan2((y.from - y.to) / (y.high - y.low), (x.to - x.from) / (x.high - x.low));
  for (const MemoryLevel& level : profile.peak.levels) {
    if (level.gbytes <= 0) continue;
    const double low = std::max(std::pow(10.0, x.low), std::pow(10.0, y.low) / level.gbytes);
    const double high = std::min(std::pow(10.0, x.high), top_gflops / level.gbytes);
    if (low >= high) continue;
    svg += Line(kRoofLook, x.At(low), y.At(low * level.gbytes), x.At(high), y.At(high * level.gbytes));
    const double name_x = std::max(x.At(low), x.from) + 10;
    const double name_y = y.At(low * level.gbytes) - 10 * std::tan(slope) - 5;
    // Two levels of about one speed: the second name would stand on the first.
    if (std::abs(name_y - last_named) < 13) continue;
    last_named = name_y;
    svg += Text(name_x, name_y, "start", fmt::format("{} {:.0f} GB/s", level.name, level.gbytes),
                fmt::format(" class=\"name\" transform=\"rotate({:.1f} {:.1f} {:.1f})\"", -slope * 180 / M_PI,
                            name_x, name_y));
  }
  return svg;
}

std::string FlatRoofs(const std::vector<FlatRoof>& roofs, const Profile& profile, const Axis& x,
                      const Axis& y) {
  std::string svg;
  const double fastest = profile.peak.levels.empty() ? 0 : profile.peak.levels.front().gbytes;
  for (const FlatRoof& roof : roofs) {
    const double at = y.At(roof.gflops);
    const double from = fastest > 0 ? std::max(x.from, x.At(roof.gflops / fastest)) : x.from;
    svg += Line(kRoofLook, std::min(from, x.to), at, x.to, at);
    svg += Text(x.to + 8, at + 4, "start", fmt::format("{} {:.0f} GFLOP/s", roof.name, roof.gflops),
                " class=\"name\"");
  }
  return svg;
}

std::string TitleOf(const Profile& profile, const StepProfile& step) {
  std::string title =
      fmt::format("{} {}\n{}\n{:.1f} us, {:.1f} % of the time\n{:.1f} GFLOP/s", step.op, step.node,
                  step.tactic, step.us, 100 * profile.ShareOf(step), *step.gflops());
  if (*step.flops < *step.defined_flops)
    title += fmt::format(" of products done; {:.1f} by the definition", *step.defined_gflops());
  if (step.roof) title += fmt::format("\n{:.0f} % of {}", 100 * step.roof->fraction, step.roof->name);
  return title + "\n" + step.shape;
}

double RadiusOf(const Profile& profile, const StepProfile& step) {
  return 3 + 26 * std::sqrt(profile.ShareOf(step));
}

std::string DotSvg(const Profile& profile, const Dot& dot, const Axis& x, const Axis& y) {
  const StepProfile& step = profile.steps[dot.step];
  const char* color = LookOf(KindOf(step)).color;
  return fmt::format(
      "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\" fill-opacity=\"0.6\" "
      "stroke=\"{}\"><title>{}</title></circle>\n",
      x.At(dot.x), y.At(dot.y), RadiusOf(profile, step), color, color, EscapeHtml(TitleOf(profile, step)));
}

struct Point {
  double x, y;
};

// Where a number of a dot may stand: in it, else around it, ever farther; off every number before.
Point PlaceNumber(const Point& dot, const std::vector<Point>& taken) {
  constexpr double kApart = 17;  // of two numbers, so that they can be read
  constexpr int kDirections = 12;
  const auto is_free = [&](const Point& at) {
    return std::ranges::none_of(
        taken, [&](const Point& other) { return std::hypot(at.x - other.x, at.y - other.y) < kApart; });
  };
  if (is_free(dot)) return dot;
  for (double distance = kApart; distance < 6 * kApart; distance += kApart / 2) {
    for (int i = 0; i < kDirections; ++i) {
      const double angle = 2 * M_PI * i / kDirections - M_PI / 2;
      const Point at{dot.x + distance * std::cos(angle), dot.y + distance * std::sin(angle)};
      if (at.y > kTop && at.x < kWidth - 10 && is_free(at)) return at;
    }
  }
  return dot;
}

// The numbers of the dots, above all of them; a line leads to one that found no room in its dot.
std::string NumbersSvg(std::span<const size_t> numbered, const std::vector<Dot>& dots, const Axis& x,
                       const Axis& y) {
  std::string svg;
  std::vector<Point> taken;
  for (size_t i = 0; i < numbered.size(); ++i) {
    const auto dot = std::ranges::find_if(dots, [&](const Dot& each) { return each.step == numbered[i]; });
    if (dot == dots.end()) continue;
    const Point center{x.At(dot->x), y.At(dot->y)};
    const Point at = PlaceNumber(center, taken);
    taken.push_back(at);
    if (std::hypot(at.x - center.x, at.y - center.y) > 1)
      svg += Line(kLeaderLook, center.x, center.y, at.x, at.y);
    svg += Text(at.x, at.y + 4, "middle", std::to_string(i + 1), kNumberLook);
  }
  return svg;
}

// Room for every dot and roof.
Axis FitX(const std::vector<Dot>& dots) {
  double low = -1, high = 2;
  for (const Dot& dot : dots) {
    low = std::min(low, std::log10(dot.x) - 0.2);
    high = std::max(high, std::log10(dot.x) + 0.2);
  }
  return {low, high, kLeft, kWidth - kRight};
}

Axis FitY(const std::vector<Dot>& dots, double top_gflops) {
  const double high = std::log10(std::max(top_gflops, 1.0)) + 0.15;
  double low = high - 2.5;
  for (const Dot& dot : dots) low = std::min(low, std::log10(dot.y) - 0.2);
  return {std::max(low, high - 6), high, kHeight - kBottom, kTop};
}

}  // namespace

StepKind KindOf(const StepProfile& step) {
  if (step.tactic.starts_with("ref/")) return StepKind::kReference;
  if (step.op.find("Conv") != std::string::npos) return StepKind::kConvolution;
  for (const char* op : {"FullyConnected", "MatMul", "Gemm", "Attention", "Linear"}) {
    if (step.op.find(op) != std::string::npos) return StepKind::kProduct;
  }
  return step.flops.value_or(0) > 0 ? StepKind::kElementwise : StepKind::kMove;
}

KindLook LookOf(StepKind kind) {
  switch (kind) {
    case StepKind::kConvolution: return {"convolutions", "#3f7fc1"};
    case StepKind::kProduct: return {"products of matrices", "#2f9e6e"};
    case StepKind::kElementwise: return {"other arithmetic", "#d9902f"};
    case StepKind::kMove: return {"moves", "#8f78c9"};
    case StepKind::kReference: break;
  }
  return {"reference code", "#d1495b"};
}

std::string RooflineSvg(const Profile& profile, std::span<const size_t> numbered) {
  const std::vector<Dot> dots = DotsOf(profile);
  const std::vector<FlatRoof> roofs = FlatRoofsOf(profile);
  double top = 0;
  for (const FlatRoof& roof : roofs) top = std::max(top, roof.gflops);
  const Axis x = FitX(dots), y = FitY(dots, top);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"roofline\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\">\n<title>roofline "
      "of {2}"
      "</title>\n",
      kWidth, kHeight, EscapeHtml(profile.model));
  svg += "<g class=\"frame\" fill=\"#555\">\n" + GridOf(x, y) + SlantedRoofs(profile, x, y, top) +
         FlatRoofs(roofs, profile, x, y) + "</g>\n<g class=\"dots\" fill=\"#111\">\n";
  // Large dots first: small ones stay visible.
  std::vector<Dot> order = dots;
  std::stable_sort(order.begin(), order.end(), [&](const Dot& a, const Dot& b) {
    return profile.steps[a.step].us > profile.steps[b.step].us;
  });
  for (const Dot& dot : order) svg += DotSvg(profile, dot, x, y);
  svg += NumbersSvg(numbered, dots, x, y);
  return svg + "</g>\n</svg>\n";
}

}  // namespace slipway
