#include "server/assets.h"

#include <fmt/format.h>

#include "server/http/content_coding.h"
#include "server/http/header_value.h"

namespace slipway::server {
namespace {

constexpr size_t kWorthCoding = 1024;  // bytes

// Scripts, frames and sockets of the server itself alone; styles of elements, which Svelte and Swagger UI
// set; pictures that the page makes (blob:) or that its sheets hold (data:).
constexpr std::string_view kContentPolicy =
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

struct Type {
  std::string_view ending;
  std::string_view name;
  bool is_text;
};

Type TypeOf(std::string_view path) {
  constexpr Type kTypes[] = {{".html", "text/html; charset=utf-8", true},
                             {".js", "text/javascript; charset=utf-8", true},
                             {".css", "text/css; charset=utf-8", true},
                             {".svg", "image/svg+xml", true},
                             {".json", "application/json", true},
                             {".txt", "text/plain; charset=utf-8", true},
                             {".png", "image/png", false}};
  for (const Type& type : kTypes) {
    if (path.ends_with(type.ending)) return type;
  }
  return {"", "application/octet-stream", false};
}

// FNV-1a: tells versions of a file apart, and is no guard against forgery.
uint64_t HashOf(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

// The file of a path: pages of the page itself are one, whose script reads the path.
std::string_view FileOf(std::string_view path) {
  if (path == "/" || path.starts_with("/models/")) return "/index.html";
  if (path == "/docs" || path == "/docs/") return "/docs/index.html";
  return path;
}

// If-None-Match: a list of tags, or "*".
bool HasTag(std::string_view field, std::string_view etag) {
  for (std::string_view tag : SplitUnquoted(field, ',')) {
    if (tag == "*" || tag == etag) return true;
  }
  return false;
}

void AddHeaders(std::string_view path, Response& response) {
  // Built files carry a hash of what they hold in their names; the others are asked for anew, and mostly
  // answered by 304.
  response.headers.Add("Cache-Control",
                       path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.Add("X-Content-Type-Options", "nosniff");
  response.headers.Add("Content-Security-Policy", std::string(kContentPolicy));
  response.headers.Add("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.Add("Referrer-Policy", "no-referrer");
}

}  // namespace

AssetStore::AssetStore(std::span<const Asset> assets)
    : size_(assets.size()), entries_(std::make_unique<Entry[]>(assets.size())) {
  for (size_t i = 0; i < size_; ++i) entries_[i].asset = assets[i];
}

AssetStore::Entry* AssetStore::EntryOf(std::string_view path) const {
  for (size_t i = 0; i < size_; ++i) {
    if (entries_[i].asset.path == path) return &entries_[i];
  }
  return nullptr;
}

std::optional<Response> AssetStore::Find(const Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  const std::string_view path = FileOf(request.path);
  Entry* const entry = EntryOf(path);
  if (entry == nullptr) return std::nullopt;
  const Type type = TypeOf(path);
  const std::string_view bytes = entry->asset.bytes;
  std::call_once(entry->is_ready, [&] {
    // Weak: it holds for every coding of the file.
    entry->etag = fmt::format("W/\"{:016x}\"", HashOf(bytes));
    if (!type.is_text || bytes.size() < kWorthCoding) return;
    auto coded = Encode(Coding::kGzip, bytes);
    if (coded.ok() && coded->size() < bytes.size()) entry->gzip = std::move(*coded);
  });
  Response response;
  response.content_type = std::string(type.name);
  AddHeaders(path, response);
  response.headers.Add("ETag", entry->etag);
  if (!entry->gzip.empty()) response.headers.Add("Vary", "Accept-Encoding");
  if (HasTag(request.headers.Get("If-None-Match"), entry->etag)) {
    response.status = 304;
    return response;
  }
  const bool is_coded =
      !entry->gzip.empty() && Negotiate(request.headers.Get("Accept-Encoding")) == Coding::kGzip;
  if (is_coded) response.headers.Add("Content-Encoding", "gzip");
  response.body = is_coded ? entry->gzip : std::string(bytes);
  return response;
}

}  // namespace slipway::server
