#include "media/draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "media/stroke_font.h"

namespace slipway::media {
namespace {

int ChangedPixels(const Image& image) {
  int changed = 0;
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    changed += image.pixels[i] != 0 || image.pixels[i + 1] != 0 || image.pixels[i + 2] != 0;
  }
  return changed;
}

TEST(StrokeFontTest, EveryPrintableCharacterHasItsOwnGlyph) {
  std::set<std::vector<double>> seen;
  for (char32_t code = 33; code <= 127; ++code) {
    const Glyph& glyph = GlyphOf(code);
    ASSERT_FALSE(glyph.strokes.empty()) << static_cast<int>(code);
    std::vector<double> numbers;
    for (const Segment& s : glyph.strokes) numbers.insert(numbers.end(), {s.x0, s.y0, s.x1, s.y1});
    EXPECT_TRUE(seen.insert(numbers).second) << static_cast<int>(code);
    EXPECT_GE(glyph.strokes[0].x0, 0);
  }
}

TEST(StrokeFontTest, OneBoxPerForeignCharacter) {
  EXPECT_THAT(CodesOf("a\xC3\xA9z"), testing::ElementsAre(U'a', 0xFFFD, U'z'));
}

TEST(DrawTest, TextInksItsLineAndNothingElse) {
  Image image(120, 40, 3);
  DrawText(&image, {10, 30}, "HH", 20, {255, 255, 255});
  EXPECT_GT(ChangedPixels(image), 100);
  for (int x = 0; x < image.width; ++x) {
    EXPECT_EQ(*image.At(x, 7), 0);
    EXPECT_EQ(*image.At(x, 33), 0);
  }
  // The stem of the H is solid: 1.75 units right of the origin, half way up.
  EXPECT_EQ(*image.At(12, 20), 255);
}

TEST(DrawTest, FrameIsHollow) {
  Image image(60, 60, 3);
  DrawFrame(&image, {10, 10, 50, 50}, 4, 0, {9, 8, 7});
  EXPECT_EQ(*image.At(10, 30), 9);
  EXPECT_EQ(*image.At(30, 49), 9);
  EXPECT_EQ(*image.At(30, 30), 0);
  EXPECT_EQ(*image.At(7, 30), 0);
  EXPECT_EQ(ChangedPixels(image), 44 * 44 - 36 * 36);
}

TEST(DrawTest, HalfCoveredPixelsAreHalfInked) {
  Image image(10, 10, 3);
  FillBox(&image, {2, 2, 5.5, 8}, 0, {200, 200, 200});
  EXPECT_EQ(*image.At(4, 5), 200);
  EXPECT_EQ(*image.At(5, 5), 100);
  EXPECT_EQ(*image.At(6, 5), 0);
}

TEST(DrawTest, AnySizeAndPlaceIsSafe) {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 200}, {200, 3}, {64, 64}}) {
    Image image(width, height, 3);
    const Annotation annotations[] = {{{-50, -50, 500, 500}, "a very long label that cannot fit", {1, 2, 3}},
                                      {{1e12, 0, 2e12, 5}, "far away", {4, 5, 6}},
                                      {{5, 5, 1, 1}, "", {7, 8, 9}}};
    DrawAnnotations(&image, annotations);
    const LegendLine lines[] = {{"legend", {1, 2, 3}}};
    DrawLegend(&image, lines);
    EXPECT_GT(ChangedPixels(image), 0);
  }
}

TEST(DrawTest, LabelsStayInsideThePicture) {
  Image image(300, 200, 3);
  const Color green{0, 255, 0};
  const Annotation annotation{{250, 0, 300, 60}, "dining table", green};
  DrawAnnotations(&image, std::span(&annotation, 1));
  // The plate is pushed left: its colour lies left of the box.
  EXPECT_EQ(image.At(245, 1)[1], 255);
}

TEST(DrawTest, OverlayTintsCategoriesOnly) {
  Image image(4, 1, 3);
  const std::vector<uint8_t> categories = {0, 0, 1, 1};
  const std::vector<Color> palette = {{255, 0, 0}, {0, 0, 200}};
  OverlayCategories(&image, categories, palette, 0.5);
  EXPECT_EQ(*image.At(0, 0), 0);
  EXPECT_EQ(image.At(3, 0)[2], 100);
  EXPECT_EQ(image.At(2, 0)[2], 180);  // the edge
}

TEST(DrawTest, ClassColoursDifferAndCarryReadableText) {
  std::set<std::vector<int>> seen;
  for (int i = 0; i < 91; ++i) {
    const Color c = ClassColor(i);
    EXPECT_TRUE(seen.insert({c.r, c.g, c.b}).second) << i;
  }
  EXPECT_EQ(TextColorOn({255, 255, 0}), (Color{0, 0, 0}));
  EXPECT_EQ(TextColorOn({0, 0, 120}), (Color{255, 255, 255}));
}

}  // namespace
}  // namespace slipway::media
