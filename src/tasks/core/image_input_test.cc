// From a photo to the numbers of a tensor, and what does not fit.
#include "tasks/core/image_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::tasks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PortInfo Port(DType dtype, const std::vector<int64_t>& dims) {
  DimList shape;
  for (int64_t dim : dims) shape.push_back(Dim(dim));
  Type type;
  type.dtype = dtype;
  type.shape = std::move(shape);
  return {"image", type, std::nullopt};
}

// Two pixels, red 10 20 30 and 40 50 60.
media::Image TwoPixels() {
  media::Image photo(2, 1, 3);
  photo.pixels = {10, 20, 30, 40, 50, 60};
  return photo;
}

TEST(ImageInputTest, NormalisesEveryChannelByItsOwnNumbersIntoPlanes) {
  InputSpec spec;
  spec.mean = {10, 20, 30};
  spec.std = {1, 2, 3};
  const auto input = MakeImageInput(TwoPixels(), spec, Port(DType::kF32, {1, 3, 1, 2}));
  ASSERT_TRUE(input.ok()) << input.status().ToString();
  EXPECT_THAT(input->tensor.values<float>(), ElementsAre(0, 30, 0, 15, 0, 10));
}

TEST(ImageInputTest, BgrRotatedAndMirrored) {
  InputSpec spec;
  spec.color = ColorOrder::kBgr;
  spec.rotate = 90;
  const auto input = MakeImageInput(TwoPixels(), spec, Port(DType::kU8, {1, 2, 1, 3}));
  ASSERT_TRUE(input.ok()) << input.status().ToString();
  // Clockwise, the left end comes to the top.
  EXPECT_THAT(input->tensor.values<uint8_t>(), ElementsAre(30, 20, 10, 60, 50, 40));
}

TEST(ImageInputTest, QuantisesByTheTensorsOwnParameters) {
  PortInfo port = Port(DType::kI8, {1, 1, 2, 3});
  port.quant = Quant();
  port.quant->scales = {0.5F};
  port.quant->zero_points = {-100};
  InputSpec spec;
  const auto input = MakeImageInput(TwoPixels(), spec, port);
  ASSERT_TRUE(input.ok()) << input.status().ToString();
  EXPECT_THAT(input->tensor.values<int8_t>(), ElementsAre(-80, -60, -40, -20, 0, 20));
}

TEST(ImageInputTest, AWrongNumberOfMeansIsAnError) {
  InputSpec spec;
  spec.mean = {1, 2};
  const auto input = MakeImageInput(TwoPixels(), spec, Port(DType::kF32, {1, 3, 1, 2}));
  ASSERT_FALSE(input.ok());
  EXPECT_THAT(input.status().ToString(), HasSubstr("'mean' has 2 numbers, input 'image' has 3 channels"));
}

TEST(ImageInputTest, AnotherTypeThanTheTensorsIsAnError) {
  InputSpec spec;
  spec.dtype = "u8";
  const auto input = MakeImageInput(TwoPixels(), spec, Port(DType::kF32, {1, 3, 1, 2}));
  ASSERT_FALSE(input.ok());
  EXPECT_THAT(input.status().ToString(), HasSubstr("the manifest makes u8, input 'image' is f32[1,3,1,2]"));
}

TEST(ImageInputTest, WhatIsNoImageIsNamed) {
  const auto input = MakeImageInput(TwoPixels(), {}, Port(DType::kF32, {1, 10}));
  ASSERT_FALSE(input.ok());
  EXPECT_THAT(input.status().ToString(), HasSubstr("input 'image' is f32[1,10], which is no image"));
}

}  // namespace
}  // namespace slipway::tasks
