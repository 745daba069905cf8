// libFuzzer entry: any bytes as a multipart body of boundary "XX"; pieces of sizes that the bytes choose give
// what one piece gives, errors included. The first line also goes as a Content-Type.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "server/http/header_value.h"
#include "server/http/multipart.h"

namespace {

using namespace slipway::server;  // NOLINT: the whole program

using Bytes = std::span<const uint8_t>;

constexpr MultipartLimits kLimits{.max_parts = 4, .max_header_bytes = 200, .max_part_bytes = 300};

struct Copies : MultipartListener {
  void OnPart(Part part) override { parts.push_back(std::move(part)); }
  void OnBytes(Bytes bytes) override {
    contents.resize(parts.size()), contents.back().append(bytes.begin(), bytes.end());
  }
  std::vector<Part> parts;
  std::vector<std::string> contents;
};

bool IsSame(const Part& a, const Part& b, std::string_view content) {
  return a.name == b.name && a.filename == b.filename && a.content_type == b.content_type &&
         std::ranges::equal(a.bytes, content, {}, {}, [](char c) { return static_cast<uint8_t>(c); });
}

void CheckPieces(Bytes body) {
  const auto whole = ParseMultipart("multipart/form-data; boundary=XX", body, kLimits);
  Copies copies;
  MultipartParser parser("XX", kLimits, copies);
  slipway::Status status;
  for (size_t at = 0; at < body.size() && status.ok();) {
    const size_t piece = std::min<size_t>(1 + body[at] % 11, body.size() - at);
    const std::vector<uint8_t> gone(body.begin() + at, body.begin() + at + piece);
    status = parser.Feed(gone);
    at += piece;
  }
  if (status.ok()) status = parser.Finish();
  if (status.ToString() != whole.status().ToString()) __builtin_trap();
  if (!status.ok()) return;
  copies.contents.resize(copies.parts.size());
  if (copies.parts.size() != whole->size() || whole->size() > kLimits.max_parts) __builtin_trap();
  for (size_t i = 0; i < whole->size(); ++i) {
    const Part& part = whole->at(i);
    if (!IsSame(part, copies.parts[i], copies.contents[i]) || part.bytes.size() > kLimits.max_part_bytes)
      __builtin_trap();
    if (part.name.empty() || !IsUtf8(part.name) || !IsUtf8(part.filename)) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckPieces({data, size});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto boundary = BoundaryOf(text.substr(0, text.find('\n')));
  if (boundary.ok() && (boundary->empty() || boundary->size() > 70)) __builtin_trap();
  return 0;
}
