#include "media/pixels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "media/resize.h"

namespace slipway::media {
namespace {

using testing::ElementsAre;

Image TwoPixels() {
  Image image(2, 1, 3);
  image.pixels = {0, 51, 102, 153, 204, 255};
  return image;
}

TEST(PixelsTest, PacksPlanesNormalised) {
  std::vector<float> out(6);
  PackF32(TwoPixels(), {.mean = {0, 51, 2}, .std = {51, 51, 100}}, PixelLayout::kChw, out);
  EXPECT_THAT(out, ElementsAre(0, 3, 0, 3, 1, 2.53F));
}

TEST(PixelsTest, FloatImagesPackLikeBytes) {
  const Image image = TwoPixels();
  const ImageF32 floats = *ResizeToF32(image, 2, 1);
  const Normalization normalization{.mean = {127.5}, .std = {127.5}};
  std::vector<float> from_bytes(6), from_floats(6);
  PackF32(image, normalization, PixelLayout::kHwc, from_bytes);
  PackF32(floats, normalization, PixelLayout::kHwc, from_floats);
  EXPECT_EQ(from_bytes, from_floats);
  EXPECT_EQ(from_bytes[0], -1);
}

TEST(PixelsTest, PacksBytesIntoPlanes) {
  std::vector<uint8_t> out(6);
  PackU8(TwoPixels(), PixelLayout::kChw, out);
  EXPECT_THAT(out, ElementsAre(0, 153, 51, 204, 102, 255));
}

TEST(PixelsTest, SwapsRedAndBlue) {
  Image image = TwoPixels();
  SwapRedBlue(&image);
  EXPECT_THAT(image.pixels, ElementsAre(102, 51, 0, 255, 204, 153));
}

TEST(PixelsTest, QuantizeRoundsTiesAndSaturates) {
  const std::vector<float> in = {0.5F, 1.5F, -0.5F, 2.5F, 1e30F, -1e30F, NAN};
  std::vector<int8_t> out(in.size());
  Quantize(in, {.scale = 1, .zero_point = 3}, out);
  EXPECT_THAT(out, ElementsAre(4, 5, 2, 6, 127, -128, 3));
  Quantize(in, {.scale = 1, .zero_point = 3, .rounding = Rounding::kToEven}, out);
  EXPECT_THAT(out, ElementsAre(3, 5, 3, 5, 127, -128, 3));
}

TEST(PixelsTest, DequantizeUndoesQuantize) {
  const Quantization quantization{.scale = 0.25F, .zero_point = 128};
  const std::vector<uint8_t> codes = {0, 127, 128, 255};
  std::vector<float> reals(4);
  Dequantize(codes, quantization, reals);
  EXPECT_THAT(reals, ElementsAre(-32, -0.25F, 0, 31.75F));
  std::vector<uint8_t> back(4);
  Quantize(reals, quantization, back);
  EXPECT_EQ(back, codes);
}

TEST(PixelsTest, TableEqualsNormaliseThenQuantize) {
  const Quantization quantization{.scale = 1 / 128.0F, .zero_point = 0};
  const std::vector<int8_t> table = QuantizeTableI8(127.5F, 127.5F, quantization);
  for (int v = 0; v < 256; ++v) {
    const std::vector<float> real = {(static_cast<float>(v) - 127.5F) / 127.5F};
    std::vector<int8_t> code(1);
    Quantize(real, quantization, code);
    EXPECT_EQ(table[static_cast<size_t>(v)], code[0]) << v;
  }
}

TEST(ResizeTest, PlainConventionsOnARamp) {
  ImageF32 ramp(4, 1, 1);
  ramp.pixels = {0, 1, 2, 3};
  const auto halved = [&](Convention convention) {
    return Resize(ramp, 2, 1, {.style = ResizeStyle::kPlain, .convention = convention})->pixels;
  };
  EXPECT_THAT(halved(Convention::kHalfPixel), ElementsAre(0.5F, 2.5F));
  EXPECT_THAT(halved(Convention::kAlignCorners), ElementsAre(0, 3));
  EXPECT_THAT(halved(Convention::kAsymmetric), ElementsAre(0, 2));
}

TEST(ResizeTest, ConstantImagesStayConstant) {
  Image image(17, 13, 4);
  std::fill(image.pixels.begin(), image.pixels.end(), 201);
  for (const auto style : {ResizeStyle::kOpenCv, ResizeStyle::kPil, ResizeStyle::kPlain}) {
    for (const auto filter : {Filter::kNearest, Filter::kBilinear, Filter::kArea, Filter::kBicubic}) {
      const Image resized = *Resize(image, 29, 5, {.filter = filter, .style = style});
      EXPECT_THAT(resized.pixels, testing::Each(201)) << ResizeStyleName(style) << " " << FilterName(filter);
    }
  }
}

TEST(ResizeTest, RefusesBadSizes) {
  EXPECT_EQ(Resize(Image(2, 2, 1), 0, 5).status().code(), Code::kInvalidInput);
  EXPECT_FALSE(Resize(Image(2, 2, 1), 5, 70000).ok());
  EXPECT_FALSE(Resize(Image(), 5, 5).ok());
}

}  // namespace
}  // namespace slipway::media
