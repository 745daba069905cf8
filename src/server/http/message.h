// A request and its answer, as everything behind the transport sees them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::server {

// Bytes that a message carries; copies share them. Aligned to 64, so that tensors are used in place, and
// followed by kPadding readable bytes, as simdjson wants.
class Body {
 public:
  static constexpr size_t kPadding = 64;

  Body() = default;
  // Uninitialised.
  explicit Body(size_t size);
  static Body Of(std::string_view text) {
    Body body(text.size());
    if (!text.empty()) std::memcpy(body.data(), text.data(), text.size());
    return body;
  }

  uint8_t* data() { return bytes_.get(); }
  const uint8_t* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  std::span<const uint8_t> bytes() const { return {data(), size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data()), size_}; }
  // What keeps the bytes alive.
  std::shared_ptr<const void> owner() const { return bytes_; }
  // Keeps the first `size` bytes. REQUIRES: no more than there are.
  void Shorten(size_t size) { size_ = size; }

 private:
  std::shared_ptr<uint8_t[]> bytes_;
  size_t size_ = 0;
};

// Names are compared without regard to case, as HTTP has it.
class Headers {
 public:
  // The first of that name; empty where there is none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return Count(name) > 0; }
  size_t Count(std::string_view name) const;
  void Add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// A request's place in a trace of several services (trace_context.h); all empty: it belongs to none.
struct TraceContext {
  std::string trace_id;
  std::string span_id;    // of the request here
  std::string parent_id;  // of the span that asks
};

struct Request {
  std::string method;  // "GET"
  std::string path;    // without the query, still percent-encoded
  std::string query;   // behind the "?", still percent-encoded
  Headers headers;
  Body body;         // as it came: its Content-Encoding is not undone
  std::string peer;  // address of the client
  std::string id;    // as the answer's X-Request-ID names it
  TraceContext trace;
  std::chrono::steady_clock::time_point arrived;
  // True once the client has left: nobody waits for the answer. Never null.
  std::shared_ptr<const std::atomic<bool>> has_left;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers;  // beside Content-Type and Content-Length
  std::string body;
};

// {"error": message}: of the transport itself, in printable ASCII.
Response Refusal(int status, std::string_view message);

}  // namespace slipway::server
