// What the user sees: errors, notes, tables, a progress bar.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "slipway/status.h"

namespace slipway::cli {

bool IsTerminal(int fd);

// "error: <message>" and the hint, to stderr.
void PrintError(const Status& status);
// "note: <text>" to stderr.
void PrintNote(const std::string& text);
void PrintNotes(const std::vector<std::string>& notes);

// Left-aligned columns; a column whose header begins with '>' is right-aligned.
class Table {
 public:
  explicit Table(std::vector<std::string> headers);
  void Row(std::vector<std::string> cells);
  size_t row_count() const { return rows_.size(); }
  std::string ToString() const;

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

// "1.2 M", "18.0 MB"
std::string HumanCount(double count);
std::string HumanBytes(double bytes);

// A bar with the time left on stderr; silent when stderr is no terminal or there is only one step.
class Progress {
 public:
  Progress(std::string label, size_t total);
  ~Progress();
  void Advance();
  // Takes the bar off the line, so that something can be printed there; the next Advance draws it anew.
  void Clear();

 private:
  void Draw();

  std::string label_;
  size_t total_;
  size_t done_ = 0;
  bool is_visible_;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_draw_;
};

}  // namespace slipway::cli
