// The files of the page: the list that the build makes of them (embed_assets.cmake).
#pragma once

#include <span>
#include <string_view>

namespace slipway::server {

struct Asset {
  std::string_view path;  // "/index.html"
  std::string_view bytes;
};

// Empty where the program was built without the page.
std::span<const Asset> Assets();

}  // namespace slipway::server
