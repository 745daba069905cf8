#include "build/timing_table.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace slipway {
namespace {

constexpr double kMaxUs = 1e12;

// The text before the next tab, which is taken off; nullopt when there is none.
std::optional<std::string> Field(std::string_view& line) {
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos || tab == 0) return std::nullopt;
  std::string field(line.substr(0, tab));
  line.remove_prefix(tab + 1);
  return field;
}

bool ParseLine(std::string_view line, TimingCache& cache) {
  const auto machine = Field(line);
  const auto signature = machine ? Field(line) : std::nullopt;
  const auto tactic = signature ? Field(line) : std::nullopt;
  if (!tactic) return false;
  double us = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), us);
  if (error != std::errc() || end != line.data() + line.size() || !(us > 0 && us <= kMaxUs)) return false;
  cache.tables[*machine].Set(*signature, *tactic, us);
  return true;
}

}  // namespace

std::optional<double> TimingTable::Find(const std::string& signature, const std::string& tactic) const {
  const auto found = times_.find({signature, tactic});
  return found == times_.end() ? std::nullopt : std::optional(found->second);
}

void TimingTable::Set(const std::string& signature, const std::string& tactic, double time_us) {
  times_[{signature, tactic}] = std::max(0.01, std::round(time_us * 100) / 100);
}

void TimingTable::Merge(const TimingTable& other) {
  for (const auto& [key, time] : other.times_) times_[key] = time;
}

void TimingCache::Merge(const TimingCache& other) {
  for (const auto& [machine, table] : other.tables) tables[machine].Merge(table);
  unreadable_lines += other.unreadable_lines;
}

std::string FormatTimingCache(const TimingCache& cache) {
  std::string text(kTimingCacheHeading);
  text += '\n';
  for (const auto& [machine, table] : cache.tables) {
    for (const auto& [key, time] : table.all())
      text += fmt::format("{}\t{}\t{}\t{:.2f}\n", machine, key.first, key.second, time);
  }
  return text;
}

TimingCache ParseTimingCache(std::string_view text) {
  TimingCache cache;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    if (!ParseLine(line, cache)) ++cache.unreadable_lines;
  }
  return cache;
}

}  // namespace slipway
