// Bodies of multipart/form-data (RFC 7578, RFC 2046): what browsers, curl -F and `requests` send files as.
//
// The parser takes the body in pieces of any size, holds no more of it than the headers of one part, and
// looks at every byte a bounded number of times, whatever the body. Left out on purpose: other multipart
// types, nested ones, line ends without CR, folded header lines, %22 for a quote in a name (as browsers write
// it: it stays %22), and contents in base64 or quoted-printable, which RFC 7578 deprecates and no browser
// sends.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/status.h"

namespace slipway::server {

struct MultipartLimits {
  size_t max_parts = 64;
  size_t max_header_bytes = 8 << 10;  // of one part
  size_t max_part_bytes = size_t{64} << 20;
  size_t max_total_bytes = size_t{64} << 20;  // of the body, boundaries and headers included
};

struct Part {
  std::string name;      // of the form's field; UTF-8; several parts may have the same
  std::string filename;  // as the client calls it: a label, never a path; UTF-8; empty where there is none
  std::string content_type;  // as sent; empty where there is none
  std::span<const uint8_t> bytes;
};

class MultipartListener {
 public:
  virtual ~MultipartListener() = default;
  // A part begins; it has no bytes yet.
  virtual void OnPart(Part part) = 0;
  // More bytes of the latest part; gone after the call unless the caller of Feed() keeps its own.
  virtual void OnBytes(std::span<const uint8_t> bytes) = 0;
};

// The boundary that a Content-Type names. kUnsupported: the type is not multipart/form-data.
Result<std::string> BoundaryOf(std::string_view content_type);

// After an error every call returns that error.
class MultipartParser {
 public:
  // REQUIRES: a boundary as BoundaryOf() returns; `listener` outlives the parser.
  MultipartParser(std::string_view boundary, const MultipartLimits& limits, MultipartListener& listener);

  Status Feed(std::span<const uint8_t> bytes);
  // An error where the body ends before its last boundary.
  Status Finish();

 private:
  enum class State {
    kPreamble,   // up to the first delimiter, thrown away
    kDelimiter,  // behind a delimiter: "--", or padding
    kDash,       // behind its first "-"
    kPadding,    // spaces up to the line's end
    kLineFeed,   // behind the line's CR
    kHeaders,
    kData,
    kEpilogue,  // thrown away
  };

  // Each takes what is its own from the front of `bytes`.
  Status Step(std::span<const uint8_t>& bytes);
  Status TakeText(std::span<const uint8_t>& bytes);
  Status TakeHeaders(std::span<const uint8_t>& bytes);
  Status TakeDelimiterEnd(std::span<const uint8_t>& bytes);
  Status Deliver(std::span<const uint8_t> bytes);
  void EnterText(State state);

  const std::string delimiter_;  // "\r\n--boundary"
  const MultipartLimits limits_;
  MultipartListener& listener_;
  Status error_;
  State state_ = State::kPreamble;
  size_t matched_ = 0;  // bytes of the delimiter that the text so far ends with
  size_t implied_ = 0;  // of those, bytes that are none of the text (see EnterText)
  std::string headers_;
  std::string name_;  // of the latest part
  size_t parts_ = 0;
  size_t part_bytes_ = 0;
  size_t total_bytes_ = 0;
};

// A whole body. The parts' bytes lie in `body`, which has to outlive them.
Result<std::vector<Part>> ParseMultipart(std::string_view content_type, std::span<const uint8_t> body,
                                         const MultipartLimits& limits);

}  // namespace slipway::server
