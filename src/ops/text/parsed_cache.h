// Keeps what tokenizers make of their vocabularies and models, so that a run does not parse them again.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "slipway/status.h"

namespace slipway {

// The last few results of a parser, by the bytes that were parsed. Thread-safe; results are shared and
// immutable. Errors are not kept.
template <class T>
class ParsedCache {
 public:
  using Bytes = std::span<const uint8_t>;
  using ParseFn = Result<std::shared_ptr<const T>> (*)(Bytes);

  explicit ParsedCache(ParseFn parse) : parse_(parse) {}

  Result<std::shared_ptr<const T>> Get(Bytes bytes) {
    if (auto found = Find(bytes)) return found;
    SLIPWAY_ASSIGN_OR_RETURN(std::shared_ptr<const T> parsed, parse_(bytes));
    const std::lock_guard lock(mutex_);
    entries_.push_front({{bytes.begin(), bytes.end()}, parsed});
    if (entries_.size() > kMaxEntries) entries_.pop_back();
    return parsed;
  }

 private:
  static constexpr size_t kMaxEntries = 4;  // more than one pipeline has

  struct Entry {
    std::vector<uint8_t> bytes;
    std::shared_ptr<const T> parsed;
  };

  std::shared_ptr<const T> Find(Bytes bytes) {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      const Bytes known(entry->bytes);
      if (known.size() != bytes.size() || !std::equal(known.begin(), known.end(), bytes.begin())) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front().parsed;
    }
    return nullptr;
  }

  ParseFn parse_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last one used first
};

}  // namespace slipway
