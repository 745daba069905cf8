// The decoder against TurboJPEG: what it takes is equal to the byte, and what TurboJPEG so much as warns of
// it does not take. On every instruction set that it is compiled for.
#include "media/jpeg/decoder.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/simd/targets.h"
#include "hwy/targets.h"

namespace slipway::media::jpeg {
namespace {

using Bytes = std::vector<uint8_t>;

enum class Pattern { kNoise, kGradient, kFlat, kExtremes };
constexpr Pattern kPatterns[] = {Pattern::kNoise, Pattern::kGradient, Pattern::kFlat, Pattern::kExtremes};
constexpr int kQualities[] = {1, 30, 75, 95, 100};
constexpr int kSamplings[] = {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440, TJSAMP_GRAY};

// What the encoder does beside its default: with the tables of Annex K, without restarts.
enum class Extra { kNone, kRestartPerRow, kRestartPerBlock, kOptimised };
constexpr Extra kExtras[] = {Extra::kNone, Extra::kRestartPerRow, Extra::kRestartPerBlock, Extra::kOptimised};

Image Draw(Pattern pattern, int width, int height) {
  std::mt19937 random(static_cast<uint32_t>(width * 1000 + height));
  Image image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto noise = static_cast<int>(random() & 255);
        int value = 200 - 60 * c;
        if (pattern == Pattern::kNoise) value = noise;
        if (pattern == Pattern::kGradient) value = 4 * x + 3 * y + 40 * c + noise % 4;
        if (pattern == Pattern::kExtremes) value = noise > 200 || ((x / 3 + y / 5 + c) & 1) != 0 ? 255 : 0;
        image.At(x, y)[c] = static_cast<uint8_t>(value);
      }
    }
  }
  return image;
}

// TurboJPEG takes these from the environment alone.
class EncoderSettings {
 public:
  explicit EncoderSettings(Extra extra) {
    if (extra == Extra::kRestartPerRow) setenv("TJ_RESTART", "1", 1);
    if (extra == Extra::kRestartPerBlock) setenv("TJ_RESTART", "1B", 1);
    if (extra == Extra::kOptimised) setenv("TJ_OPTIMIZE", "1", 1);
  }
  ~EncoderSettings() {
    unsetenv("TJ_RESTART");
    unsetenv("TJ_OPTIMIZE");
  }
};

struct TurboDeleter {
  void operator()(void* handle) const { tjDestroy(handle); }
};

Bytes Encode(const Image& image, int sampling, int quality, Extra extra = Extra::kNone, int flags = 0) {
  const EncoderSettings settings(extra);
  const std::unique_ptr<void, TurboDeleter> turbo(tjInitCompress());
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT: TurboJPEG's type
  const int result = tjCompress2(turbo.get(), image.pixels.data(), image.width, 0, image.height, TJPF_RGB,
                                 &buffer, &size, sampling, quality, flags);
  EXPECT_EQ(result, 0) << tjGetErrorStr2(turbo.get());
  Bytes bytes(buffer, buffer + size);
  tjFree(buffer);
  return bytes;
}

struct Header {
  int width = 0;
  int height = 0;
  int sampling = 0;
};

// A picture of 64 MiB at most.
std::optional<Header> TurboHeader(const Bytes& bytes) {
  const std::unique_ptr<void, TurboDeleter> turbo(tjInitDecompress());
  Header header;
  int space = 0;
  if (tjDecompressHeader3(turbo.get(), bytes.data(), bytes.size(), &header.width, &header.height,
                          &header.sampling, &space) != 0 ||
      int64_t{header.width} * header.height > (1 << 24)) {
    return std::nullopt;
  }
  return header;
}

// Nothing for what it refuses or warns of.
std::optional<Image> TurboDecode(const Bytes& bytes, int channels) {
  const std::optional<Header> header = TurboHeader(bytes);
  if (!header) return std::nullopt;
  const std::unique_ptr<void, TurboDeleter> turbo(tjInitDecompress());
  Image image(header->width, header->height, channels);
  const int result = tjDecompress2(turbo.get(), bytes.data(), bytes.size(), image.pixels.data(), image.width,
                                   0, image.height, channels == 1 ? TJPF_GRAY : TJPF_RGB,
                                   TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING);
  if (result != 0) return std::nullopt;
  return image;
}

// What a file with sides like these may be taken for, and nothing else: see kNarrow.
bool IsNarrow(int width, int sampling) {
  return width <= 4 && (sampling == TJSAMP_420 || sampling == TJSAMP_422);
}

// Whether the file was taken, after all that holds of it has been checked.
bool Check(const Bytes& bytes, const Header& header, int channels) {
  const auto image = DecodeBaseline(bytes, header.width, header.height, channels);
  if (!image) return false;
  const std::optional<Image> expected = TurboDecode(bytes, channels);
  EXPECT_TRUE(expected.has_value()) << "TurboJPEG does not take it";
  EXPECT_TRUE(!expected || *image == *expected);
  return true;
}

bool Check(const Bytes& bytes) {
  const std::optional<Header> header = TurboHeader(bytes);
  return header && Check(bytes, *header, 3);
}

class JpegDecoderTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

std::vector<int64_t> Targets() {
  std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  if (targets.empty()) targets.push_back(HWY_STATIC_TARGET);
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Targets, JpegDecoderTest, testing::ValuesIn(Targets()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

TEST_P(JpegDecoderTest, TakesEverySmallSize) {
  size_t turn = 0;
  for (int width = 1; width <= 40; ++width) {
    for (int height = 1; height <= 40; ++height) {
      for (const int sampling : kSamplings) {
        const Image image = Draw(kPatterns[turn % 4], width, height);
        const Bytes bytes = Encode(image, sampling, kQualities[1 + turn / 4 % 4], kExtras[turn / 16 % 4]);
        EXPECT_EQ(Check(bytes), !IsNarrow(width, sampling)) << width << "x" << height << " " << sampling;
        turn += 7;  // no divisor in common with any of the above
      }
    }
  }
}

TEST_P(JpegDecoderTest, TakesEveryKind) {
  int left = 0;
  for (const auto& [width, height] : {std::pair{131, 77}, {64, 161}, {257, 35}}) {
    for (const Pattern pattern : kPatterns) {
      const Image image = Draw(pattern, width, height);
      for (const int sampling : kSamplings) {
        for (const int quality : kQualities) {
          for (const Extra extra : kExtras) {
            const bool is_taken = Check(Encode(image, sampling, quality, extra));
            left += !is_taken;
            // With quantisers of 255 noise goes beyond what libjpeg's variants agree on.
            EXPECT_TRUE(is_taken || quality == 1)
                << sampling << " " << quality << " " << static_cast<int>(extra);
          }
        }
      }
    }
  }
  RecordProperty("left", left);
}

TEST_P(JpegDecoderTest, LeavesOtherKinds) {
  const Image image = Draw(Pattern::kGradient, 50, 30);
  EXPECT_FALSE(Check(Encode(image, TJSAMP_411, 80)));
  EXPECT_FALSE(Check(Encode(image, TJSAMP_420, 80, Extra::kNone, TJFLAG_PROGRESSIVE)));
  const Bytes colour = Encode(image, TJSAMP_420, 80);
  EXPECT_FALSE(Check(colour, *TurboHeader(colour), 1));
  EXPECT_FALSE(DecodeBaseline(colour, 51, 30, 3));
}

TEST_P(JpegDecoderTest, GreyFilesAreGreyOrRgb) {
  const Bytes grey = Encode(Draw(Pattern::kGradient, 50, 30), TJSAMP_GRAY, 80);
  EXPECT_TRUE(Check(grey, *TurboHeader(grey), 1));
  EXPECT_TRUE(Check(grey, *TurboHeader(grey), 3));
}

// Bytes of the file that Encode has written, whose first segment is JFIF's.
constexpr size_t kJfifBegin = 2;
constexpr size_t kJfifBytes = 18;

size_t Find(const Bytes& bytes, uint8_t marker) {
  size_t at = kJfifBegin;
  while (bytes[at + 1] != marker) at += 2 + bytes[at + 2] * size_t{256} + bytes[at + 3];
  return at;
}

Bytes WithoutJfif(Bytes bytes) {
  bytes.erase(bytes.begin() + kJfifBegin, bytes.begin() + kJfifBegin + kJfifBytes);
  return bytes;
}

TEST_P(JpegDecoderTest, ColorIsWhatTheMarkersSay) {
  const Bytes jfif = Encode(Draw(Pattern::kGradient, 50, 30), TJSAMP_444, 80);
  const Bytes plain = WithoutJfif(jfif);
  EXPECT_TRUE(Check(plain));
  for (uint8_t transform = 0; transform < 4; ++transform) {
    const Bytes adobe = {0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, transform};
    Bytes bytes = plain;
    bytes.insert(bytes.begin() + 2, adobe.begin(), adobe.end());
    EXPECT_EQ(Check(bytes), transform == 1);
    bytes = jfif;
    bytes.insert(bytes.begin() + kJfifBegin + kJfifBytes, adobe.begin(), adobe.end());
    EXPECT_TRUE(Check(bytes)) << "JFIF counts for more";
  }
  Bytes rgb = plain;
  for (size_t i = 0; i < 3; ++i) {
    rgb[Find(rgb, 0xC0) + 10 + 3 * i] = static_cast<uint8_t>("RGB"[i]);
    rgb[Find(rgb, 0xDA) + 5 + 2 * i] = static_cast<uint8_t>("RGB"[i]);
  }
  EXPECT_FALSE(Check(rgb));
}

TEST_P(JpegDecoderTest, SamplingOfGreyHasNoMeaning) {
  Bytes bytes = Encode(Draw(Pattern::kGradient, 50, 30), TJSAMP_GRAY, 80);
  bytes[Find(bytes, 0xC0) + 11] = 0x22;
  EXPECT_TRUE(Check(bytes));
}

TEST_P(JpegDecoderTest, LooksAtWhatFollowsTheScan) {
  const Bytes whole = Encode(Draw(Pattern::kGradient, 50, 30), TJSAMP_420, 80);
  Bytes bytes = whole;
  bytes.push_back(7);
  EXPECT_TRUE(Check(bytes)) << "behind the end of the image";
  for (const Bytes& stray :
       {Bytes{7}, Bytes{0xFF}, Bytes{0xFF, 0}, Bytes{0xFF, 0xD0}, Bytes{0xFF, 0xDC, 0, 4, 0, 30}}) {
    bytes = whole;
    bytes.insert(bytes.end() - 2, stray.begin(), stray.end());
    EXPECT_FALSE(Check(bytes));
  }
}

std::vector<Bytes> SmallFiles() {
  const Image image = Draw(Pattern::kGradient, 37, 21);
  return {Encode(image, TJSAMP_420, 75), Encode(image, TJSAMP_444, 90, Extra::kRestartPerBlock),
          Encode(image, TJSAMP_422, 60, Extra::kOptimised),
          Encode(image, TJSAMP_GRAY, 95, Extra::kRestartPerRow)};
}

TEST_P(JpegDecoderTest, TakesNoPrefix) {
  for (const Bytes& whole : SmallFiles()) {
    ASSERT_TRUE(Check(whole));
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(Check(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)))) << size;
    }
  }
}

// A flipped bit may well leave a valid file: what matters is what Check compares.
TEST_P(JpegDecoderTest, AgreesOnEveryDamagedByte) {
  for (const Bytes& whole : SmallFiles()) {
    int taken = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const int change : {1, 2, 4, 8, 16, 32, 64, 128, 255, int{whole[at]}, int{whole[at]} ^ 0xFF}) {
        Bytes bytes = whole;
        bytes[at] = static_cast<uint8_t>(bytes[at] ^ change);
        taken += Check(bytes);
        if (HasFailure()) FAIL() << "byte " << at << " xor " << change;
      }
    }
    EXPECT_GT(taken, 0);
  }
}

std::vector<std::string> AssetPhotos() {
  const char* set = std::getenv("SLIPWAY_ASSETS");
  const std::string root = set != nullptr ? set : SLIPWAY_SOURCE_DIR "/../shared/assets";
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root + "/images", error)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".jpg" || extension == ".jpeg" || extension == ".JPEG")
      paths.push_back(entry.path().string());
  }
  return paths;
}

TEST_P(JpegDecoderTest, TakesMostPhotos) {
  const std::vector<std::string> paths = AssetPhotos();
  if (paths.empty()) GTEST_SKIP() << "there are no photos in ../shared/assets/images";
  size_t taken = 0;
  for (const std::string& path : paths) {
    const Result<std::string> text = ReadFile(path);
    ASSERT_TRUE(text.ok()) << text.status().ToString();
    taken += Check(Bytes(text->begin(), text->end()));
    EXPECT_FALSE(HasFailure()) << path;
  }
  EXPECT_GE(taken, paths.size() * 9 / 10);
}

}  // namespace
}  // namespace slipway::media::jpeg
