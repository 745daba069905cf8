#include "cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace slipway::cli {

bool IsTerminal(int fd) { return ::isatty(fd) == 1; }

void PrintError(const Status& status) {
  const bool has_color = IsTerminal(2);
  fmt::print(stderr, "{}error:{} {}\n", has_color ? "\033[1;31m" : "", has_color ? "\033[0m" : "",
             status.message());
  if (!status.hint().empty()) fmt::print(stderr, "  hint: {}\n", status.hint());
}

void PrintNote(const std::string& text) { fmt::print(stderr, "note: {}\n", text); }

void PrintNotes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) PrintNote(note);
}

Table::Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}

void Table::Row(std::vector<std::string> cells) {
  cells.resize(headers_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<size_t> widths;
  std::vector<bool> is_right;
  std::vector<std::string> titles;
  for (const std::string& header : headers_) {
    is_right.push_back(!header.empty() && header[0] == '>');
    titles.push_back(is_right.back() ? header.substr(1) : header);
    widths.push_back(titles.back().size());
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i) line += "  ";
      line += is_right[i] ? fmt::format("{:>{}}", cells[i], widths[i])
                          : fmt::format("{:<{}}", cells[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add(titles);
  for (const auto& row : rows_) add(row);
  return text;
}

std::string HumanCount(double count) {
  if (count >= 1e9) return fmt::format("{:.2f} G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.2f} M", count / 1e6);
  if (count >= 1e3) return fmt::format("{:.1f} k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

std::string HumanBytes(double bytes) {
  if (bytes >= 1e9) return fmt::format("{:.2f} GB", bytes / 1e9);
  if (bytes >= 1e6) return fmt::format("{:.1f} MB", bytes / 1e6);
  if (bytes >= 1e3) return fmt::format("{:.1f} kB", bytes / 1e3);
  return fmt::format("{:.0f} B", bytes);
}

Progress::Progress(std::string label, size_t total)
    : label_(std::move(label)),
      total_(total),
      is_visible_(total > 1 && IsTerminal(2)),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() { Clear(); }

void Progress::Clear() {
  if (!is_drawn_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  is_drawn_ = false;
}

void Progress::Advance() {
  ++done_;
  if (!is_visible_) return;
  const auto now = std::chrono::steady_clock::now();
  // A bar that was cleared for a result comes back at once, or it would flicker.
  if (is_drawn_ && done_ < total_ && now - last_draw_ < std::chrono::milliseconds(100)) return;
  last_draw_ = now;
  Draw();
}

void Progress::Draw() {
  constexpr size_t kWidth = 30;
  const size_t filled = kWidth * done_ / total_;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left = elapsed / static_cast<double>(done_) * static_cast<double>(total_ - done_);
  fmt::print(stderr, "\r\033[K{} [{}{}] {}/{}  {:.0f} s left", label_, std::string(filled, '#'),
             std::string(kWidth - filled, '.'), done_, total_, left);
  std::fflush(stderr);
  is_drawn_ = true;
}

}  // namespace slipway::cli
