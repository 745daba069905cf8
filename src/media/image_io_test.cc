#include "media/image_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "media/orientation.h"

namespace slipway::media {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::span<const uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Smooth, so that JPEG keeps it closely.
Image Gradient(int width, int height, int channels) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) image.At(x, y)[c] = static_cast<uint8_t>(4 * x + 3 * y + 40 * c);
    }
  }
  return image;
}

std::string Le32(uint32_t v) {
  return {static_cast<char>(v), static_cast<char>(v >> 8), static_cast<char>(v >> 16),
          static_cast<char>(v >> 24)};
}
std::string Le16(uint16_t v) { return {static_cast<char>(v), static_cast<char>(v >> 8)}; }

// A BMP of the given pixel data; `tables` (masks or palette) follow the 40-byte header.
std::string Bmp(int width, int height, int bits, uint32_t compression, const std::string& tables,
                const std::string& data) {
  const auto offset = static_cast<uint32_t>(54 + tables.size());
  return "BM" + Le32(offset + static_cast<uint32_t>(data.size())) + Le32(0) + Le32(offset) + Le32(40) +
         Le32(static_cast<uint32_t>(width)) + Le32(static_cast<uint32_t>(height)) + Le16(1) +
         Le16(static_cast<uint16_t>(bits)) + Le32(compression) + Le32(0) + Le32(0) + Le32(0) + Le32(0) +
         Le32(0) + tables + data;
}

const std::string kPalette4 =
    std::string("\x00\x00\x00\x00\x00\x00\xFF\x00\x00\xFF\x00\x00\xFF\x00\x00\x00", 16);

TEST(ImageIoTest, PngRoundTripIsExact) {
  for (const int channels : {1, 3}) {
    const Image image = Gradient(19, 7, channels);
    const DecodeOptions options{.color = channels == 1 ? DecodeColor::kGrey : DecodeColor::kRgb};
    EXPECT_EQ(*DecodeImage(*EncodePng(image), options), image);
  }
}

TEST(ImageIoTest, JpegRoundTripIsClose) {
  const Image image = Gradient(40, 24, 3);
  const Image decoded = *DecodeImage(*EncodeJpeg(image, 98));
  ASSERT_EQ(decoded.pixels.size(), image.pixels.size());
  for (size_t i = 0; i < image.pixels.size(); ++i) EXPECT_NEAR(decoded.pixels[i], image.pixels[i], 6);
}

TEST(ImageIoTest, PnmRoundTripIsExact) {
  const Image image = Gradient(5, 4, 3);
  EXPECT_EQ(*DecodeImage(*EncodePnm(image)), image);
}

TEST(ImageIoTest, InfoComesFromTheHeaderAlone) {
  std::vector<uint8_t> png = *EncodePng(Gradient(19, 7, 3));
  png.resize(60);
  const ImageInfo info = *ReadImageInfo(png);
  EXPECT_EQ(info.format, ImageFormat::kPng);
  EXPECT_THAT((std::vector<int>{info.width, info.height, info.channels, info.orientation}),
              ElementsAre(19, 7, 3, 1));
}

TEST(ImageIoTest, PlainPnmWithCommentsAndOddMaximum) {
  const Image image = *DecodeImage(AsBytes("P3 # a comment\n2 1\n#another\n4\n0 1 2  3 4 4\n"));
  EXPECT_THAT(image.pixels, ElementsAre(0, 64, 128, 191, 255, 255));
}

TEST(ImageIoTest, BitmapPnmIsBlackForOne) {
  const Image image = *DecodeImage(AsBytes("P1\n3 1\n101"), {.color = DecodeColor::kGrey});
  EXPECT_THAT(image.pixels, ElementsAre(0, 255, 0));
}

TEST(ImageIoTest, BmpBottomUpAndTopDown) {
  const std::string rows("\x01\x02\x03\x00\x04\x05\x06\x00", 8);
  EXPECT_THAT(DecodeImage(AsBytes(Bmp(1, 2, 24, 0, "", rows)))->pixels, ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(DecodeImage(AsBytes(Bmp(1, -2, 24, 0, "", rows)))->pixels, ElementsAre(3, 2, 1, 6, 5, 4));
}

TEST(ImageIoTest, BmpBitFields565) {
  const std::string masks = Le32(0xF800) + Le32(0x07E0) + Le32(0x001F);
  const std::string pixels = Le16(0xF800) + Le16(0x8410);
  EXPECT_THAT(DecodeImage(AsBytes(Bmp(2, 1, 16, 3, masks, pixels)))->pixels,
              ElementsAre(255, 0, 0, 132, 130, 132));
}

TEST(ImageIoTest, BmpRunLength8) {
  // Two of colour 1, a literal 2 3 1 padded to even, end of line, end of image.
  const std::string runs("\x02\x01\x00\x03\x02\x03\x01\x00\x00\x00\x00\x01", 12);
  std::string bmp = Bmp(5, 1, 8, 1, kPalette4, runs);
  bmp[46] = 4;  // colours used
  EXPECT_THAT(DecodeImage(AsBytes(bmp))->pixels,
              ElementsAre(255, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 0, 0));
}

TEST(ImageIoTest, BmpRunLength4AlternatesNibbles) {
  const std::string runs("\x03\x12\x00\x01", 4);
  std::string bmp = Bmp(3, 1, 4, 2, kPalette4, runs);
  bmp[46] = 4;
  EXPECT_THAT(DecodeImage(AsBytes(bmp))->pixels, ElementsAre(255, 0, 0, 0, 255, 0, 255, 0, 0));
}

TEST(ImageIoTest, SizesAreBoundedBeforeDecoding) {
  const auto result = DecodeImage(AsBytes("P6\n100000 100000\n255\n"));
  EXPECT_EQ(result.status().code(), Code::kInvalidInput);
  EXPECT_THAT(result.status().message(), HasSubstr("100000x100000 pixels, the limit is 100000000"));
}

TEST(ImageIoTest, TruncatedFilesAreRefusedUnlessAsked) {
  const Image image = Gradient(64, 64, 3);
  for (std::vector<uint8_t> bytes : {*EncodePng(image), *EncodeJpeg(image), *EncodePnm(image)}) {
    bytes.resize(bytes.size() * 2 / 3);
    EXPECT_FALSE(DecodeImage(bytes).ok());
    const auto kept = DecodeImage(bytes, {.damage = DecodeDamage::kKeep});
    ASSERT_TRUE(kept.ok()) << kept.status().ToString();
    EXPECT_TRUE(kept->IsValid());
  }
}

TEST(ImageIoTest, EveryPrefixIsAnErrorOrTheWholePicture) {
  for (const std::vector<uint8_t>& whole : {*EncodePng(Gradient(8, 8, 3)), *EncodeJpeg(Gradient(8, 8, 3))}) {
    int refused = 0;
    for (size_t size = 0; size < whole.size(); ++size) {
      const auto image = DecodeImage(std::span(whole.data(), size));
      refused += !image.ok();
      // Bytes behind the last pixel may be missing.
      EXPECT_TRUE(!image.ok() || *image == *DecodeImage(whole)) << size;
    }
    EXPECT_GT(refused, static_cast<int>(whole.size() / 2));
  }
}

struct NamedFile {
  std::string bytes;
  std::string expected;
};

TEST(ImageIoTest, NamesWhatIsNoImage) {
  const NamedFile files[] = {
      {"", "the file is empty"},
      {"\n<!doctype html><html>", "HTML"},
      {"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"},
      {std::string("RIFF\x10\0\0\0WEBPVP8 ", 16), "webp: the file ends within its header"},
      {"GIF89a....", "GIF"},
      {std::string("\0\0\0\x18"
                   "ftypheic",
                   12),
       "HEIC"},
      {"hello", "not an image of a known format"},
  };
  for (const NamedFile& file : files) {
    const Status status = DecodeImage(AsBytes(file.bytes)).status();
    EXPECT_THAT(status.message(), HasSubstr(file.expected));
    EXPECT_NE(status.hint(), "") << file.expected;
  }
}

TEST(ImageIoTest, SavesByExtensionAndNamesTheFile) {
  const char* folder = std::getenv("TMPDIR");
  const std::string path = std::string(folder ? folder : "/tmp") + "/slipway_image_io_test.png";
  const Image image = Gradient(9, 5, 3);
  ASSERT_TRUE(SaveImage(path, image).ok());
  EXPECT_EQ(*LoadImage(path), image);
  std::remove(path.c_str());
  EXPECT_THAT(LoadImage(path).status().message(), HasSubstr(path));
  EXPECT_EQ(SaveImage("picture.xyz", image).code(), Code::kUsage);
}

TEST(OrientationTest, Rot90TurnsCounterClockwise) {
  Image image(2, 1, 1);
  image.pixels = {1, 2};
  const Image turned = Rot90(image, 1);
  EXPECT_EQ(turned.width, 1);
  EXPECT_THAT(turned.pixels, ElementsAre(2, 1));
  EXPECT_EQ(Rot90(turned, -1), image);
  EXPECT_EQ(Rot90(Rot90(Rot90(Rot90(image, 1), 1), 1), 1), image);
}

}  // namespace
}  // namespace slipway::media
