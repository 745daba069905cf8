// Measured times of tactics on one machine, and the timing cache: a text file of such tables.
//
//   # slipway timing cache 1
//   <machine> TAB <step signature> TAB <tactic> TAB <microseconds>
//
// One line per time, sorted, so that files can be compared, merged by `sort -u`, and kept in git. Nothing
// depends on the file: what it lacks is measured, lines of other machines are kept and passed over.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway {

// Microseconds by (step signature, tactic). Times are rounded to a hundredth, so that a table is the same
// after a trip through a file.
class TimingTable {
 public:
  using Key = std::pair<std::string, std::string>;

  bool IsEmpty() const { return times_.empty(); }
  std::optional<double> Find(const std::string& signature, const std::string& tactic) const;
  // REQUIRES: time_us is finite and positive; neither name holds a tab or line break.
  void Set(const std::string& signature, const std::string& tactic, double time_us);
  // Times of the other, in place of this one's.
  void Merge(const TimingTable& other);
  const std::map<Key, double>& all() const { return times_; }

 private:
  std::map<Key, double> times_;
};

// Tables by machine.
struct TimingCache {
  std::map<std::string, TimingTable> tables;
  int unreadable_lines = 0;  // met while parsing

  void Merge(const TimingCache& other);
};

// The first line of a file.
inline constexpr std::string_view kTimingCacheHeading = "# slipway timing cache 1";

std::string FormatTimingCache(const TimingCache& cache);
// Lines that are not what they should be are counted and left out: a cache is a convenience, no model.
TimingCache ParseTimingCache(std::string_view text);

}  // namespace slipway
