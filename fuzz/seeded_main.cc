// Drives a libFuzzer entry without libFuzzer: mutates the seeds of a folder with a plain generator for a
// while.
//
// usage: PROGRAM [--seconds N] [--seed N] FOLDER. A crash is the finding; the seed and round are printed
// before it by --verbose 1, so that it can be replayed.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

struct Options {
  double seconds = 20;
  uint64_t seed = 1;
  bool is_verbose = false;
  std::string folder;
};

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (has_value && std::strcmp(argv[i], "--seconds") == 0) {
      options.seconds = std::atof(argv[++i]);
    } else if (has_value && std::strcmp(argv[i], "--seed") == 0) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (has_value && std::strcmp(argv[i], "--verbose") == 0) {
      options.is_verbose = std::atoi(argv[++i]) != 0;
    } else {
      options.folder = argv[i];
    }
  }
  return options;
}

std::vector<Bytes> ReadSeeds(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> seeds = {Bytes(), Bytes(64, 0), Bytes(256, 0xff)};
  for (const std::string& path : paths) {
    std::ifstream in(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  Bytes Mutate(const Bytes& seed, const Bytes& other) {
    Bytes bytes = seed;
    const int edits = 1 + static_cast<int>(Below(8));
    for (int i = 0; i < edits; ++i) Edit(bytes, other);
    return bytes;
  }

  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

 private:
  void Edit(Bytes& bytes, const Bytes& other) {
    static constexpr uint64_t kInteresting[] = {0,      1,      0x7f,       0x80,       0xff,
                                                0x7fff, 0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0}};
    if (bytes.empty()) {
      bytes.push_back(static_cast<uint8_t>(random_()));
      return;
    }
    const size_t at = Below(bytes.size());
    switch (Below(7)) {
      case 0: bytes[at] ^= static_cast<uint8_t>(1u << Below(8)); break;
      case 1: bytes[at] = static_cast<uint8_t>(random_()); break;
      case 2: bytes.resize(at); break;
      case 3: {
        const uint64_t value = kInteresting[Below(std::size(kInteresting))];
        const size_t width = std::min<size_t>(size_t{1} << Below(4), bytes.size() - at);
        std::memcpy(bytes.data() + at, &value, width);
        break;
      }
      case 4: {
        const size_t length = std::min(Below(64) + 1, bytes.size() - at);
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
        break;
      }
      case 5: {
        if (other.empty()) break;
        const size_t from = Below(other.size());
        const size_t length = std::min(Below(256) + 1, other.size() - from);
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                     other.begin() + static_cast<std::ptrdiff_t>(from),
                     other.begin() + static_cast<std::ptrdiff_t>(from + length));
        break;
      }
      default: {
        const size_t from = Below(bytes.size());
        const size_t length = std::min({Below(64) + 1, bytes.size() - at, bytes.size() - from});
        std::memmove(bytes.data() + at, bytes.data() + from, length);
      }
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  const std::vector<Bytes> seeds = ReadSeeds(options.folder);
  Mutator mutator(options.seed);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (const Bytes& seed : seeds) LLVMFuzzerTestOneInput(seed.data(), seed.size());
  uint64_t rounds = 0;
  while (elapsed() < options.seconds) {
    const Bytes& seed = seeds[mutator.Below(seeds.size())];
    const Bytes input = mutator.Mutate(seed, seeds[mutator.Below(seeds.size())]);
    if (options.is_verbose)
      std::fprintf(stderr, "seed %llu round %llu\n", static_cast<unsigned long long>(options.seed),
                   static_cast<unsigned long long>(rounds));
    LLVMFuzzerTestOneInput(input.data(), input.size());
    ++rounds;
  }
  std::printf("%llu inputs from %zu seeds, generator seed %llu\n", static_cast<unsigned long long>(rounds),
              seeds.size(), static_cast<unsigned long long>(options.seed));
  return 0;
}
