#include "perf/caches.h"

#include <fstream>
#include <string>

namespace slipway {
namespace {

constexpr const char* kFolder = "/sys/devices/system/cpu/cpu0/cache/index";

// The first word of a file; "" where there is none.
std::string Word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

// "48K", "32M"; 0 for anything else.
int64_t BytesOf(const std::string& text) {
  if (text.size() < 2 || text.size() > 9 || text.find_first_not_of("0123456789") != text.size() - 1) return 0;
  const int64_t count = std::stoll(text);
  return text.back() == 'K' ? count << 10 : text.back() == 'M' ? count << 20 : 0;
}

}  // namespace

CacheSizes FindCacheSizes() {
  CacheSizes sizes;
  for (int i = 0; i < 8; ++i) {
    const std::string folder = kFolder + std::to_string(i) + "/";
    const int64_t bytes = BytesOf(Word(folder + "size"));
    if (bytes == 0 || Word(folder + "type") == "Instruction") continue;
    const std::string level = Word(folder + "level");
    if (level == "1") sizes.l1_bytes = bytes;
    if (level == "2") sizes.l2_bytes = bytes;
    if (level == "3") sizes.l3_bytes = bytes;
  }
  return sizes;
}

}  // namespace slipway
