#include "server/http/multipart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "server/http/part_headers.h"

namespace slipway::server {
namespace {

Status Bad(std::string what, std::string hint = {}) {
  return Status(Code::kInvalidInput, "multipart body: " + std::move(what), std::move(hint));
}

bool IsBoundaryCharacter(char c) {
  constexpr std::string_view kMarks = "'()+_,-./:=? ";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         kMarks.find(c) != std::string_view::npos;
}

// RFC 2046, section 5.1.1
bool IsBoundary(std::string_view text) {
  return !text.empty() && text.size() <= 70 && text.back() != ' ' &&
         std::ranges::all_of(text, IsBoundaryCharacter);
}

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Of a body fed in one piece the bytes of a part come without gaps, so that views of them join.
class PartCollector : public MultipartListener {
 public:
  void OnPart(Part part) override { parts_.push_back(std::move(part)); }
  void OnBytes(std::span<const uint8_t> bytes) override {
    std::span<const uint8_t>& all = parts_.back().bytes;
    all = all.empty() ? bytes : std::span(all.data(), all.size() + bytes.size());
  }
  std::vector<Part> Take() { return std::move(parts_); }

 private:
  std::vector<Part> parts_;
};

}  // namespace

Result<std::string> BoundaryOf(std::string_view content_type) {
  SLIPWAY_ASSIGN_OR_RETURN(const ParameterizedValue type, ParseParameterizedValue(content_type));
  if (!IsSameIgnoringCase(type.value, "multipart/form-data"))
    return Status(Code::kUnsupported, "content type " + Shown(type.value) + " is not 'multipart/form-data'");
  const std::string* boundary = type.Find("boundary");
  if (!boundary)
    return Status(Code::kInvalidInput, "content type 'multipart/form-data' has no boundary",
                  "let the client library set it");
  if (IsBoundary(*boundary)) return *boundary;
  return Status(Code::kInvalidInput,
                "boundary " + Shown(*boundary) + " is not 1 to 70 of the characters that RFC 2046 allows");
}

MultipartParser::MultipartParser(std::string_view boundary, const MultipartLimits& limits,
                                 MultipartListener& listener)
    : delimiter_("\r\n--" + std::string(boundary)), limits_(limits), listener_(listener) {
  EnterText(State::kPreamble);
}

Status MultipartParser::Feed(std::span<const uint8_t> bytes) {
  if (error_.ok() && bytes.size() > limits_.max_total_bytes - total_bytes_)
    error_ = Bad(fmt::format("larger than the {} bytes allowed", limits_.max_total_bytes));
  total_bytes_ += error_.ok() ? bytes.size() : 0;
  while (error_.ok() && !bytes.empty()) error_ = Step(bytes);
  return error_;
}

Status MultipartParser::Finish() {
  if (!error_.ok() || state_ == State::kEpilogue) return error_;
  const std::string last = delimiter_.substr(2) + "--";
  return error_ = Bad("ends without its last boundary '" + last + "'",
                      "the upload was cut short, or its boundary differs");
}

Status MultipartParser::Step(std::span<const uint8_t>& bytes) {
  switch (state_) {
    case State::kPreamble:
    case State::kData: return TakeText(bytes);
    case State::kHeaders: return TakeHeaders(bytes);
    case State::kEpilogue: bytes = {}; return Status::Ok();
    default: return TakeDelimiterEnd(bytes);
  }
}

// A delimiter may follow at once: its line end is then that of the line before (headers, or the body's
// start).
void MultipartParser::EnterText(State state) {
  state_ = state;
  matched_ = implied_ = 2;
  part_bytes_ = 0;
}

// The text up to the next delimiter, and that. CR is only the delimiter's first byte, so that no match can
// begin within another: where one breaks, the search goes on from there, and is linear.
Status MultipartParser::TakeText(std::span<const uint8_t>& bytes) {
  size_t before = matched_;  // bytes of the match that lie before `bytes`
  size_t i = 0;
  while (i < bytes.size() && matched_ < delimiter_.size()) {
    if (matched_ == 0) {
      const void* found = std::memchr(bytes.data() + i, '\r', bytes.size() - i);
      i = found ? static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data()) + 1 : bytes.size();
      matched_ = found ? 1 : 0;
    } else if (bytes[i] == static_cast<uint8_t>(delimiter_[matched_])) {
      ++matched_;
      ++i;
    } else {  // what was held back is text after all
      SLIPWAY_RETURN_IF_ERROR(Deliver(AsBytes(delimiter_).subspan(implied_, before - implied_)));
      before = implied_ = matched_ = 0;
    }
  }
  const size_t text_bytes = i - (matched_ - before);
  SLIPWAY_RETURN_IF_ERROR(Deliver(bytes.first(text_bytes)));
  bytes = bytes.subspan(i);
  if (matched_ == delimiter_.size()) state_ = State::kDelimiter;
  return Status::Ok();
}

Status MultipartParser::Deliver(std::span<const uint8_t> bytes) {
  if (state_ != State::kData || bytes.empty()) return Status::Ok();
  if (bytes.size() > limits_.max_part_bytes - part_bytes_)
    return Bad(fmt::format("part {} is larger than the {} bytes allowed", name_, limits_.max_part_bytes));
  part_bytes_ += bytes.size();
  listener_.OnBytes(bytes);
  return Status::Ok();
}

// Behind a delimiter: "--" and the epilogue, or spaces, CR, LF and the next part's headers.
Status MultipartParser::TakeDelimiterEnd(std::span<const uint8_t>& bytes) {
  const uint8_t byte = bytes[0];
  bytes = bytes.subspan(1);
  const bool is_space = byte == ' ' || byte == '\t';
  if (state_ == State::kDelimiter && byte == '-') {
    state_ = State::kDash;
  } else if (state_ == State::kDash && byte == '-') {
    state_ = State::kEpilogue;
  } else if (state_ == State::kLineFeed && byte == '\n') {
    if (++parts_ > limits_.max_parts)
      return Bad(fmt::format("more than the {} parts allowed", limits_.max_parts));
    headers_.clear();
    state_ = State::kHeaders;
  } else if ((state_ == State::kDelimiter || state_ == State::kPadding) && (is_space || byte == '\r')) {
    state_ = is_space ? State::kPadding : State::kLineFeed;
  } else {
    return Bad("neither a line's end nor '--' behind boundary '" + delimiter_.substr(4) + "'");
  }
  return Status::Ok();
}

Status MultipartParser::TakeHeaders(std::span<const uint8_t>& bytes) {
  while (!bytes.empty()) {
    if (headers_.size() == limits_.max_header_bytes)
      return Bad(
          fmt::format("a part's headers are larger than the {} bytes allowed", limits_.max_header_bytes));
    headers_ += static_cast<char>(bytes[0]);
    bytes = bytes.subspan(1);
    if (headers_ != "\r\n" && !headers_.ends_with("\r\n\r\n")) continue;
    Result<Part> part = ParsePartHeaders(headers_);
    if (!part.ok()) return part.status().WithContext("multipart body");
    name_ = Shown(part->name);
    listener_.OnPart(std::move(*part));
    EnterText(State::kData);
    return Status::Ok();
  }
  return Status::Ok();
}

Result<std::vector<Part>> ParseMultipart(std::string_view content_type, std::span<const uint8_t> body,
                                         const MultipartLimits& limits) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string boundary, BoundaryOf(content_type));
  PartCollector collector;
  MultipartParser parser(boundary, limits, collector);
  SLIPWAY_RETURN_IF_ERROR(parser.Feed(body));
  SLIPWAY_RETURN_IF_ERROR(parser.Finish());
  return collector.Take();
}

}  // namespace slipway::server
