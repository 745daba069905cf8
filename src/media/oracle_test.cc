// Decoding, resizing, letterboxing and grey conversion against OpenCV, Pillow and numpy.
//
// tests/oracles/media_oracle.py writes the cases; SLIPWAY_ORACLE_DIR names the folder it wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "media/geometry.h"
#include "media/image_io.h"
#include "media/pixels.h"
#include "media/resize.h"

namespace slipway::media {
namespace {

using Words = std::vector<std::string>;

class OracleTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("SLIPWAY_ORACLE_DIR");
    if (folder == nullptr)
      GTEST_SKIP() << "SLIPWAY_ORACLE_DIR is not set (see tests/oracles/media_oracle.py)";
    folder_ = std::string(folder) + "/";
    Result<std::string> text = ReadFile(folder_ + "cases.txt");
    ASSERT_TRUE(text.ok()) << text.status().ToString();
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream stream(line);
      Words words;
      for (std::string word; stream >> word;) words.push_back(word);
      cases_.push_back(words);
    }
  }

  // Cases of one kind, without the kind. Never empty.
  std::vector<Words> CasesOf(const std::string& kind) const {
    std::vector<Words> result;
    for (const Words& words : cases_) {
      if (words[0] == kind) result.emplace_back(words.begin() + 1, words.end());
    }
    EXPECT_THAT(result, testing::Not(testing::IsEmpty()));
    return result;
  }

  Image Load(const std::string& name, DecodeColor color = DecodeColor::kRgb) const {
    Result<Image> image = LoadImage(folder_ + name, {.color = color});
    EXPECT_TRUE(image.ok()) << image.status().ToString();
    return image.ok() ? *image : Image();
  }

  // f32, C order, [h, w] or [h, w, c], as numpy.save writes it.
  ImageF32 LoadArray(const std::string& name) const {
    const std::string bytes = *ReadFile(folder_ + name);
    const size_t header = 10 + static_cast<uint8_t>(bytes[8]) + 256 * static_cast<uint8_t>(bytes[9]);
    int dims[3] = {1, 1, 1};
    std::sscanf(bytes.c_str() + bytes.find("'shape': (", 10) + 10, "%d, %d, %d", &dims[0], &dims[1],
                &dims[2]);
    ImageF32 image(dims[1], dims[0], dims[2]);
    EXPECT_EQ(bytes.size() - header, image.pixels.size() * sizeof(float));
    std::memcpy(image.pixels.data(), bytes.data() + header, image.pixels.size() * sizeof(float));
    return image;
  }

  std::string folder_;
  std::vector<Words> cases_;
};

// Infinite where the shapes differ.
template <class T>
double LargestDifference(const BasicImage<T>& a, const BasicImage<T>& b) {
  if (a.width != b.width || a.height != b.height || a.channels != b.channels) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    largest =
        std::max(largest, std::abs(static_cast<double>(a.pixels[i]) - static_cast<double>(b.pixels[i])));
  }
  return largest;
}

ResizeOptions OptionsOf(const std::string& style, const std::string& filter) {
  ResizeOptions options;
  for (const auto s : {ResizeStyle::kOpenCv, ResizeStyle::kPil}) {
    if (ResizeStyleName(s) == style) options.style = s;
  }
  for (const auto f : {Filter::kNearest, Filter::kBilinear, Filter::kArea, Filter::kBicubic}) {
    if (FilterName(f) == filter) options.filter = f;
  }
  return options;
}

TEST_F(OracleTest, ResizesBytesWithinOneLevel) {
  for (const Words& words : CasesOf("resize")) {
    const Image expected = Load(words[3]);
    const auto resized =
        Resize(Load(words[2]), expected.width, expected.height, OptionsOf(words[0], words[1]));
    ASSERT_TRUE(resized.ok());
    // Pillow's arithmetic is followed to the bit.
    // Pillow's arithmetic is followed to the bit.
    EXPECT_LE(LargestDifference(*resized, expected), words[0] == "pil" ? 0 : 1) << words[3];
  }
}

TEST_F(OracleTest, ResizesFloats) {
  for (const Words& words : CasesOf("resizef")) {
    const ImageF32 expected = LoadArray(words[3]);
    const auto resized =
        Resize(LoadArray(words[2]), expected.width, expected.height, OptionsOf(words[0], words[1]));
    ASSERT_TRUE(resized.ok());
    EXPECT_LE(LargestDifference(*resized, expected), 2e-4) << words[3];
  }
}

TEST_F(OracleTest, PlainBilinearIsExactInFloat) {
  for (const Words& words : CasesOf("plain")) {
    ResizeOptions options{.style = ResizeStyle::kPlain};
    for (const auto c : {Convention::kHalfPixel, Convention::kAlignCorners, Convention::kAsymmetric}) {
      if (ConventionName(c) == words[0]) options.convention = c;
    }
    const ImageF32 expected = LoadArray(words[2]);
    const auto resized = ResizeToF32(Load(words[1]), expected.width, expected.height, options);
    ASSERT_TRUE(resized.ok());
    EXPECT_EQ(LargestDifference(*resized, expected), 0) << words[2];
  }
}

TEST_F(OracleTest, LetterboxesWithinOneLevel) {
  for (const Words& words : CasesOf("letterbox")) {
    const LetterboxOptions options{
        .width = std::stoi(words[0]), .height = std::stoi(words[1]), .stride = std::stoi(words[2])};
    const auto placed = Letterbox(PlaceWhole(Load(words[3])), options);
    ASSERT_TRUE(placed.ok());
    EXPECT_LE(LargestDifference(placed->image, Load(words[4])), 1) << words[4];
  }
}

TEST_F(OracleTest, GreyEqualsOpenCv) {
  for (const Words& words : CasesOf("grey")) {
    EXPECT_EQ(LargestDifference(GreyFromRgb(Load(words[0])), Load(words[1], DecodeColor::kGrey)), 0);
  }
}

TEST_F(OracleTest, DecodesLikePillow) {
  for (const Words& words : CasesOf("decode")) {
    EXPECT_LE(LargestDifference(Load(words[0]), Load(words[1])), std::stod(words[2])) << words[0];
  }
}

}  // namespace
}  // namespace slipway::media
