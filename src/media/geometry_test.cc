#include "media/geometry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace slipway::media {
namespace {

// Black but for one white pixel.
Image Spot(int width, int height, int x, int y) {
  Image image(width, height, 1);
  *image.At(x, y) = 255;
  return image;
}

TEST(AffineTest, InverseUndoesAnyComposition) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> number(0.1, 9);
  for (int i = 0; i < 200; ++i) {
    const Affine turn{.xx = 0, .xy = 1, .yx = -1, .yy = 0, .dy = number(random)};
    const Affine map = Affine::Scale(number(random), number(random))
                           .Then(Affine::Shift(-number(random), number(random)))
                           .Then(i % 2 == 0 ? turn : Affine{});
    const PointF p{number(random), number(random)};
    const PointF back = map.Inverse().Map(map.Map(p));
    EXPECT_NEAR(back.x, p.x, 1e-9);
    EXPECT_NEAR(back.y, p.y, 1e-9);
  }
}

TEST(LetterboxTest, CentresAndMapsTheCornersBack) {
  const Placed placed = *Letterbox(PlaceWhole(Image(640, 480, 3)), {.width = 320, .height = 320});
  EXPECT_EQ(placed.image.width, 320);
  EXPECT_EQ(*placed.image.At(0, 39), 114);
  EXPECT_EQ(*placed.image.At(0, 40), 0);
  EXPECT_EQ(placed.MapBoxBack({0, 40, 320, 280}), (BoxF{0, 0, 640, 480}));
}

TEST(LetterboxTest, TopLeftPutsTheBorderBehind) {
  const Placed placed =
      *Letterbox(PlaceWhole(Image(10, 20, 1)), {.width = 20, .height = 20, .anchor = Anchor::kTopLeft});
  EXPECT_EQ(*placed.image.At(9, 0), 0);
  EXPECT_EQ(*placed.image.At(10, 0), 114);
  EXPECT_EQ(placed.MapPointBack({10, 20}), (PointF{10, 20}));
}

TEST(LetterboxTest, StrideShrinksTheCanvas) {
  const LetterboxLayout layout = PlanLetterbox(640, 427, {.width = 320, .height = 320, .stride = 32});
  EXPECT_EQ(layout.width, 320);
  EXPECT_EQ(layout.height, 224);
  EXPECT_EQ(layout.top, 5);
}

TEST(PlacedTest, BoxesAreClampedToThePhoto) {
  const Placed placed = *Letterbox(PlaceWhole(Image(100, 50, 1)), {.width = 100, .height = 100});
  EXPECT_EQ(placed.MapBoxBack({-5, 0, 200, 60}), (BoxF{0, 0, 100, 35}));
}

TEST(PlacedTest, PixelsLandWhereTheMapSays) {
  for (int k = 0; k < 4; ++k) {
    const Placed placed = *Rotate90(PlaceWhole(Spot(5, 3, 4, 1)), k);
    const PointF center = placed.to_input.Map(PointF{4.5, 1.5});
    EXPECT_EQ(*placed.image.At(static_cast<int>(center.x), static_cast<int>(center.y)), 255) << k;
  }
  const Placed mirrored = *Mirror(PlaceWhole(Spot(5, 3, 4, 1)));
  EXPECT_EQ(mirrored.image, Spot(5, 3, 0, 1));
  EXPECT_EQ(mirrored.MapPointBack({0.5, 1.5}), (PointF{4.5, 1.5}));
  const Placed cut = *Crop(PlaceWhole(Spot(5, 3, 3, 2)), 2, 1, 3, 2);
  EXPECT_EQ(cut.image, Spot(3, 2, 1, 1));
  EXPECT_EQ(cut.MapPointBack({1, 1}), (PointF{3, 2}));
}

TEST(PlacedTest, StepsCompose) {
  Placed placed = *ResizeShorterSide(PlaceWhole(Image(300, 200, 3)), 100);
  EXPECT_EQ(placed.image.width, 150);
  placed = *CenterCrop(placed, 100, 100);
  placed = *Rotate90(placed, 1);
  const BoxF back = placed.MapBoxBack({0, 0, 100, 100});
  EXPECT_NEAR(back.left, 50, 1e-9);
  EXPECT_NEAR(back.right, 250, 1e-9);
  EXPECT_NEAR(back.bottom, 200, 1e-9);
}

TEST(PlacedTest, CropsByFractionAndAspect) {
  EXPECT_EQ(CenterCropFraction(PlaceWhole(Image(100, 80, 1)), 0.875)->image.width, 88);
  const Placed square = *CenterCropAspect(PlaceWhole(Image(100, 80, 1)), 1, 1);
  EXPECT_EQ(square.image.width, 80);
  EXPECT_EQ(square.to_input.dx, -10);
}

TEST(PlacedTest, RefusesWhatDoesNotFit) {
  EXPECT_EQ(Crop(PlaceWhole(Image(4, 4, 1)), 2, 0, 3, 3).status().code(), Code::kInvalidInput);
  EXPECT_FALSE(CenterCrop(PlaceWhole(Image(4, 4, 1)), 5, 4).ok());
  EXPECT_FALSE(Letterbox(PlaceWhole(Image()), {.width = 4, .height = 4}).ok());
  EXPECT_FALSE(Stretch(PlaceWhole(Image(4, 4, 1)), 0, 4).ok());
}

}  // namespace
}  // namespace slipway::media
