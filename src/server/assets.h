// The page and what belongs to it, built into the program: found by path, revalidated by ETag, compressed
// once.
//
// Left out on purpose: ranges of bytes, and dates: an ETag says more.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "server/asset_list.h"
#include "server/http/message.h"

namespace slipway::server {

// Any thread may ask.
class AssetStore {
 public:
  // What `assets` views is kept alive by the caller; of the program's own page by the program.
  explicit AssetStore(std::span<const Asset> assets = Assets());

  // "/" and the files of the page; nullopt: there is none of that name. 304 where the client has it already.
  // Small texts and what gets no smaller come as they are, with no Content-Encoding.
  std::optional<Response> Find(const Request& request) const;

 private:
  // Hashed and compressed when it is first asked for: a program that shows its page to nobody does neither.
  struct Entry {
    Asset asset;
    std::once_flag is_ready;
    std::string etag;
    std::string gzip;  // empty: not worth it
  };

  Entry* EntryOf(std::string_view path) const;

  const size_t size_;
  const std::unique_ptr<Entry[]> entries_;
};

}  // namespace slipway::server
