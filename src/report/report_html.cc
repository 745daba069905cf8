#include "report/report_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/page_style.h"
#include "report/roofline.h"

namespace slipway {
namespace {

constexpr size_t kNumbered = 8;  // steps that the chart numbers

std::string Us(double us) {
  return us >= 1e4 ? fmt::format("{:.1f} ms", us / 1e3) : fmt::format("{:.1f} us", us);
}

std::string Bytes(double bytes) {
  if (bytes >= 1e9) return fmt::format("{:.1f} GB", bytes / 1e9);
  if (bytes >= 1e6) return fmt::format("{:.1f} MB", bytes / 1e6);
  return fmt::format("{:.0f} kB", bytes / 1e3);
}

// Of a cache: a power of two, or nearly.
std::string CacheSize(int64_t bytes) {
  if (bytes == 0) return "unknown";
  return bytes >= 1 << 20 ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
}

std::string Operations(double flops) {
  return flops >= 1e9 ? fmt::format("{:.2f} G", flops / 1e9) : fmt::format("{:.2f} M", flops / 1e6);
}

// A figure and what it means.
std::string Tile(const std::string& figure, const std::string& meaning) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", EscapeHtml(figure),
                     EscapeHtml(meaning));
}

std::string TilesHtml(const Profile& profile) {
  std::string html = "<section class=\"tiles\">\n";
  html += Tile(fmt::format("{:.2f} ms", profile.median_ms),
               fmt::format("a run, median of {}, {} thread{}", profile.runs, profile.threads,
                           profile.threads == 1 ? "" : "s"));
  if (profile.median_ms > 0 && profile.flops() > 0) {
    const double gflops = profile.flops() / profile.median_ms / 1e6;
    html += Tile(fmt::format("{:.0f} GFLOP/s", gflops),
                 fmt::format("{}FLOP by the operators' definitions", Operations(profile.flops())));
  }
  double on_roof = 0;
  for (const StepProfile& step : profile.steps) on_roof += step.roof ? step.us * step.roof->fraction : 0;
  if (profile.steps_us() > 0)
    html += Tile(fmt::format("{:.0f} %", 100 * on_roof / profile.steps_us()),
                 "of the nearest roofs, mean over the time");
  html += Tile(std::to_string(profile.steps.size()), "steps");
  html += Tile(Bytes(static_cast<double>(profile.weight_bytes)), "of weights");
  html += Tile(Bytes(static_cast<double>(profile.arena_bytes)), "of activations and scratch");
  return html + "</section>\n";
}

std::string MachineHtml(const Profile& profile) {
  const MachineFacts& machine = profile.machine;
  const Peak& peak = profile.peak;
  std::string html = "<dl class=\"machine\">\n";
  const auto add = [&](const std::string& what, const std::string& fact) {
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", EscapeHtml(what), EscapeHtml(fact));
  };
  add("processor", fmt::format("{}, {} core{}", machine.cpu, machine.cores, machine.cores == 1 ? "" : "s"));
  add("kernels", profile.backend + (machine.isa.empty() ? "" : " on " + machine.isa));
  add("caches", fmt::format("L1 {}, L2 {}, L3 {}", CacheSize(machine.caches.l1_bytes),
                            CacheSize(machine.caches.l2_bytes), CacheSize(machine.caches.l3_bytes)));
  std::string arithmetic = fmt::format("f32 {:.0f}", peak.f32_gflops);
  if (peak.bf16_gflops > 0) arithmetic += fmt::format(", bf16 {:.0f}", peak.bf16_gflops);
  add("measured peak, GFLOP/s", arithmetic + fmt::format(", int8 {:.0f}", peak.int8_gops));
  std::string levels;
  for (const MemoryLevel& level : peak.levels)
    levels += fmt::format("{}{} {:.0f}", levels.empty() ? "" : ", ", level.name, level.gbytes);
  add("measured loads, GB/s", levels);
  return html + "</dl>\n";
}

std::string ErrorsHtml(const Profile& profile) {
  std::string items;
  for (const StepProfile& step : profile.steps) {
    if (step.error.empty()) continue;
    items += fmt::format("<li>{} <code>{}</code>: {}</li>\n", EscapeHtml(step.op), EscapeHtml(step.node),
                         EscapeHtml(step.error));
  }
  if (items.empty()) return "";
  return "<section class=\"wrong\"><h2>This measurement is wrong</h2>\n<p>Rates above what the machine can "
         "do; measure "
         "again with nothing else running.</p>\n<ul>\n" +
         items + "</ul></section>\n";
}

struct Part {
  double us = 0;
  int count = 0;
  const char* color = "";
};

// Bars of the time by `key`, longest first.
template <class Key>
std::string BarsHtml(const Profile& profile, const char* title, const Key& key) {
  constexpr size_t kMost = 12;
  std::map<std::string, Part> parts;
  for (const StepProfile& step : profile.steps) {
    if (step.us <= 0) continue;
    Part& part = parts[key(step)];
    part.us += step.us;
    ++part.count;
    part.color = LookOf(KindOf(step)).color;
  }
  std::vector<std::pair<std::string, Part>> order(parts.begin(), parts.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.us > b.second.us; });
  const double sum = profile.steps_us(), longest = order.empty() ? 1 : order[0].second.us;
  std::string html = fmt::format("<div><h3>{}</h3>\n<div class=\"bars\">\n", title);
  for (size_t i = 0; i < std::min(order.size(), kMost); ++i) {
    const auto& [name, part] = order[i];
    html += fmt::format(
        "<div class=\"bar\"><span class=\"what\">{} <i>&times;{}</i></span><span class=\"track\"><span "
        "style=\"width:"
        "{:.1f}%;background:{}\"></span></span><span class=\"figure\">{:.1f} %</span></div>\n",
        EscapeHtml(name), part.count, 100 * part.us / longest, part.color, 100 * part.us / sum);
  }
  html += "</div>\n";
  if (order.size() > kMost) html += fmt::format("<p class=\"note\">and {} more</p>\n", order.size() - kMost);
  return html + "</div>\n";
}

std::string NameOf(const StepProfile& step) {
  return step.node.empty() ? step.op : step.op + " " + step.node;
}

std::string LegendHtml(const Profile& profile, const std::vector<size_t>& numbered) {
  std::string html = "<p class=\"kinds\">";
  for (StepKind kind : {StepKind::kConvolution, StepKind::kProduct, StepKind::kElementwise, StepKind::kMove,
                        StepKind::kReference}) {
    if (std::ranges::none_of(profile.steps, [&](const StepProfile& step) { return KindOf(step) == kind; }))
      continue;
    html +=
        fmt::format("<span><i style=\"background:{}\"></i>{}</span> ", LookOf(kind).color, LookOf(kind).name);
  }
  html += "</p>\n<ol class=\"slowest\">\n";
  for (size_t i : numbered) {
    const StepProfile& step = profile.steps[i];
    html += fmt::format(
        "<li><span class=\"long\">{}</span><span>{}, {:.1f} %{}</span></li>\n", EscapeHtml(NameOf(step)),
        Us(step.us), 100 * profile.ShareOf(step),
        step.roof ? fmt::format(", {:.0f} % of {}", 100 * step.roof->fraction, step.roof->name) : "");
  }
  return html + "</ol>\n";
}

std::string ChartHtml(const Profile& profile) {
  std::vector<size_t> numbered = profile.SlowestFirst();
  std::erase_if(numbered, [&](size_t i) {
    const StepProfile& step = profile.steps[i];
    return !step.error.empty() || step.gflops().value_or(0) <= 0 || step.bytes.value_or(0) <= 0;
  });
  if (numbered.size() > kNumbered) numbered.resize(kNumbered);
  return "<section><h2>Roofline</h2>\n<p class=\"note\">A dot is a step, its area the time it takes. Under a "
         "slanted line "
         "memory is the limit, under a flat one arithmetic; the nearer to its line, the less there is to "
         "gain. Products "
         "that Winograd&rsquo;s algorithm saves do not count.</p>\n<div class=\"scroll\">" +
         RooflineSvg(profile, numbered) + "</div>\n" + LegendHtml(profile, numbered) + "</section>\n";
}

// Cell with the number that it is sorted by.
std::string NumberCell(const std::optional<double>& value, const std::string& text) {
  return fmt::format("<td class=\"n\" data-v=\"{:.6g}\">{}</td>", value.value_or(-1),
                     value ? EscapeHtml(text) : "");
}

std::string RateCell(const StepProfile& step) {
  const auto gflops = step.gflops();
  std::string text = gflops && *gflops >= 0.05 ? fmt::format("{:.1f}", *gflops) : "";
  if (gflops && *step.flops < *step.defined_flops)
    text += fmt::format(" (as {:.0f})", *step.defined_gflops());
  return NumberCell(step.error.empty() ? gflops : std::nullopt, text);
}

std::string RoofCell(const StepProfile& step) {
  if (!step.error.empty()) return "<td class=\"bad\" data-v=\"-1\">wrong</td>";
  if (!step.roof) return "<td data-v=\"-1\"></td>";
  const double percent = 100 * step.roof->fraction;
  return fmt::format(
      "<td class=\"n\" data-v=\"{:.6g}\"><span class=\"meter\"><span "
      "style=\"width:{:.0f}%\"></span></span>{:.0f} % {}</td>",
      percent, std::clamp(percent, 0.0, 100.0), percent, EscapeHtml(step.roof->name));
}

std::string AlternativesHtml(const StepProfile& step) {
  if (step.alternatives.size() + step.rejected.size() < 2) return EscapeHtml(step.tactic);
  std::string html =
      fmt::format("<details><summary>{}</summary><table class=\"inner\">\n", EscapeHtml(step.tactic));
  html += "<tr><th>fits</th><th>timed</th><th>estimate, 1 thread</th></tr>\n";
  for (const Alternative& each : step.alternatives) {
    html += fmt::format("<tr{}><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                        each.tactic == step.tactic ? " class=\"chosen\"" : "", EscapeHtml(each.tactic),
                        each.time_us ? Us(*each.time_us) : "", Us(each.estimate_us));
  }
  html += "</table>\n";
  std::string reasons;
  for (const Choice::Rejection& each : step.rejected)
    reasons += fmt::format("<li>{}: {}</li>\n", EscapeHtml(each.tactic), EscapeHtml(each.reason));
  if (!reasons.empty()) html += "<p>does not fit:</p><ul>" + reasons + "</ul>";
  return html + "</details>";
}

std::string SourcesHtml(const StepProfile& step) {
  std::string sources;
  for (const std::string& source : step.sources)
    sources += (sources.empty() ? "" : ", ") + EscapeHtml(source);
  std::string html =
      fmt::format("<b>{}</b> <span class=\"long\">{}</span>", EscapeHtml(step.op), EscapeHtml(step.node));
  const bool says_more =
      step.sources.size() > 1 || (step.sources.size() == 1 && step.sources[0] != step.node);
  if (says_more) html += "<div class=\"made\">made of <span class=\"long\">" + sources + "</span></div>";
  return html;
}

std::string RowHtml(const Profile& profile, size_t i) {
  const StepProfile& step = profile.steps[i];
  std::string html =
      fmt::format("<tr><td class=\"n\" data-v=\"{0}\">{0}</td><td>{1}</td>", i, SourcesHtml(step));
  html += NumberCell(step.us, step.within          ? fmt::format("in step {}", *step.within)
                              : step.moves_nothing ? "in place"
                                                   : fmt::format("{:.1f}", step.us));
  html += NumberCell(100 * profile.ShareOf(step), fmt::format("{:.1f}", 100 * profile.ShareOf(step)));
  html += RateCell(step);
  const auto gbytes = step.error.empty() ? step.gbytes() : std::nullopt;
  html += NumberCell(gbytes, fmt::format("{:.1f}", gbytes.value_or(0)));
  html += RoofCell(step);
  html += fmt::format("<td>{}</td><td><code>{}</code>{}</td></tr>\n", AlternativesHtml(step),
                      EscapeHtml(step.shape),
                      step.layout == "channels_first" ? "<div class=\"made\">channels first</div>" : "");
  return html;
}

std::string StepsHtml(const Profile& profile) {
  std::string html =
      "<section><h2>Steps</h2>\n<p class=\"note\">Click a heading to sort, a kernel to see what else would "
      "have fitted. "
      "A rate in brackets is what Winograd&rsquo;s saving makes it look like.</p>\n<div "
      "class=\"scroll\"><table "
      "class=\"steps\">\n<thead><tr>";
  for (const char* title :
       {"step", "what", "us", "%", "GFLOP/s", "GB/s", "of the nearest roof", "kernel", "result"})
    html += fmt::format("<th><button type=\"button\">{}</button></th>", title);
  html += "</tr></thead>\n<tbody>\n";
  for (size_t i : profile.SlowestFirst()) html += RowHtml(profile, i);
  return html + "</tbody></table></div></section>\n";
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  }
  return escaped;
}

std::string ToHtml(const Profile& profile) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>{0} &middot; "
      "slipway</title>\n<style>\n{1}</style>\n"
      "</head>\n<body>\n<header><p class=\"by\">slipway report</p><h1>{0}</h1>\n{2}</header>\n",
      EscapeHtml(profile.model.substr(profile.model.find_last_of('/') + 1)), kPageStyle,
      MachineHtml(profile));
  html += ErrorsHtml(profile) + TilesHtml(profile);
  html += "<section><h2>Where the time goes</h2>\n<div class=\"columns\">\n";
  html += BarsHtml(profile, "by operator", [](const StepProfile& step) { return step.op; });
  html += BarsHtml(profile, "by kernel", [](const StepProfile& step) { return step.tactic; });
  html += "</div></section>\n" + ChartHtml(profile) + StepsHtml(profile);
  return html + fmt::format("<script>\n{}</script>\n</body>\n</html>\n", kPageScript);
}

}  // namespace slipway
