#include "server/supervisor/seat.h"

#include <unistd.h>

namespace slipway::server {

void Seat::Tell(Word word) const {
  const char byte = static_cast<char>(word);
  (void)!write(wire, &byte, 1);
}

// The code as a letter, the message, and behind a zero the hint.
void Seat::TellFailure(const Status& status) const {
  std::string text(1, static_cast<char>(Word::kFailed));
  text += static_cast<char>('0' + static_cast<int>(status.code()));
  text += status.message();
  text += '\0';
  text += status.hint();
  (void)!write(wire, text.data(), text.size());
}

std::string_view Hearing::Take(std::string_view bytes) {
  words_.clear();
  if (!has_failed_) {
    const size_t at = bytes.find(static_cast<char>(Word::kFailed));
    words_ = bytes.substr(0, at);
    if (at == std::string_view::npos) return words_;
    has_failed_ = true;
    bytes.remove_prefix(at + 1);
  }
  error_ += bytes;
  return words_;
}

std::optional<Status> Hearing::failure() const {
  if (!has_failed_ || error_.empty()) return std::nullopt;
  const std::string_view text = std::string_view(error_).substr(1);
  const size_t end = text.find('\0');
  const std::string hint(end == std::string_view::npos ? "" : text.substr(end + 1));
  const int code = error_[0] - '0';
  const bool is_known = code > static_cast<int>(Code::kOk) && code <= static_cast<int>(Code::kIo);
  return Status(is_known ? static_cast<Code>(code) : Code::kInternal, std::string(text.substr(0, end)), hint);
}

}  // namespace slipway::server
