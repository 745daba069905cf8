#include "ops/vision/image_encoder.h"

#include <gmock/gmock.h>

#include "ops/testing.h"

namespace slipway {
namespace {

// A file of its own: the format, then the pixels.
Result<std::vector<uint8_t>> Plain(const Tensor& image, ImageFile format) {
  std::vector<uint8_t> bytes = {static_cast<uint8_t>(format)};
  bytes.insert(bytes.end(), image.as<uint8_t>(), image.as<uint8_t>() + image.count());
  return bytes;
}

const TestValue kTwoPixels = {DType::kU8, {1, 2, 3}, {1, 2, 3, 4, 5, 6}};

TEST(ImageEncoder, HandsRgbToTheEncoder) {
  InstallImageEncoder(Plain);
  EXPECT_EQ(RunAndShow("ImageEncoder", {kTwoPixels}), "u8[7]: 0 1 2 3 4 5 6");
  EXPECT_EQ(RunAndShow("ImageEncoder", {kTwoPixels}, {{"format", "jpg"}, {"pixel_format", "BGR"}}),
            "u8[7]: 1 3 2 1 6 5 4");
  InstallImageEncoder(nullptr);
}

TEST(ImageEncoder, NamesWhatIsWrong) {
  EXPECT_THAT(RunAndShow("ImageEncoder", {kTwoPixels}), testing::HasSubstr("no image encoder is linked"));
  EXPECT_THAT(RunAndShow("ImageEncoder", {{DType::kU8, {1, 2, 4}, {}}}),
              testing::HasSubstr("the image is [1,2,4]; it must be [height,width,3]"));
}

}  // namespace
}  // namespace slipway
