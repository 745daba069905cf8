// Decoders recognised from shapes, and what a named decoder brings along.
#include "tasks/core/guess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::tasks {
namespace {

using testing::Contains;
using testing::HasSubstr;

PortInfo Port(const std::string& name, const std::vector<int64_t>& dims) {
  DimList shape;
  for (int64_t dim : dims) shape.push_back(Dim(dim));
  Type type;
  type.dtype = DType::kF32;
  type.shape = std::move(shape);
  return {name, type, std::nullopt};
}

const std::vector<PortInfo> kNchw320 = {Port("images", {1, 3, 320, 320})};
const std::vector<PortInfo> kNhwc320 = {Port("images", {1, 320, 320, 3})};

struct ShapeCase {
  std::vector<PortInfo> inputs;
  std::vector<PortInfo> outputs;
  DecoderKind decoder;
  TaskKind task;
};

class GuessTest : public testing::TestWithParam<ShapeCase> {};

TEST_P(GuessTest, DecoderFromShapesAndSaysSo) {
  const ShapeCase& given = GetParam();
  const Manifest manifest = CompleteManifest({}, given.inputs, given.outputs);
  ASSERT_EQ(manifest.outputs.size(), 1U);
  EXPECT_EQ(manifest.outputs[0].decoder, given.decoder);
  EXPECT_EQ(manifest.task, given.task);
  EXPECT_THAT(manifest.notes,
              Contains(HasSubstr("decoder " + std::string(NameOf(given.decoder)) + " guessed")));
}

// 320 x 320 has 40^2 + 20^2 + 10^2 = 2100 cells on grids of 8, 16 and 32.
INSTANTIATE_TEST_SUITE_P(
    Shapes, GuessTest,
    testing::Values(
        ShapeCase{kNchw320, {Port("o", {1, 6300, 85})}, DecoderKind::kYolov5, TaskKind::kDetection},
        ShapeCase{
            kNchw320,
            {Port("p3", {1, 3, 40, 40, 85}), Port("p4", {1, 3, 20, 20, 85}), Port("p5", {1, 3, 10, 10, 85})},
            DecoderKind::kYolov5,
            TaskKind::kDetection},
        ShapeCase{kNchw320, {Port("o", {1, 84, 2100})}, DecoderKind::kYolov8, TaskKind::kDetection},
        ShapeCase{kNchw320, {Port("o", {1, 2100, 85})}, DecoderKind::kYolox, TaskKind::kDetection},
        ShapeCase{kNhwc320,
                  {Port("s", {1, 1917, 91}), Port("b", {1, 1917, 4})},
                  DecoderKind::kSsd,
                  TaskKind::kDetection},
        ShapeCase{kNhwc320,
                  {Port("a", {1, 10, 4}), Port("b", {1, 10}), Port("c", {1, 10}), Port("d", {1})},
                  DecoderKind::kSsdPostprocess,
                  TaskKind::kDetection},
        ShapeCase{{Port("i", {1, 128, 128, 3})},
                  {Port("r", {1, 896, 16}), Port("c", {1, 896, 1})},
                  DecoderKind::kAnchors,
                  TaskKind::kDetection},
        ShapeCase{kNhwc320, {Port("m", {1, 320, 320, 21})}, DecoderKind::kMask, TaskKind::kSegmentation},
        ShapeCase{
            kNhwc320, {Port("c", {1, 1000})}, DecoderKind::kClassification, TaskKind::kClassification}));

Manifest Named(DecoderKind decoder) {
  Manifest manifest;
  manifest.outputs.emplace_back().decoder = decoder;
  return manifest;
}

TEST(NamedDecoderTest, BringsWhatBelongsToIt) {
  const std::vector<PortInfo> outputs = {Port("o", {1, 6300, 85})};
  const Manifest named = CompleteManifest(Named(DecoderKind::kYolov5), kNchw320, outputs);
  Manifest guessed = CompleteManifest({}, kNchw320, outputs);
  ASSERT_EQ(guessed.outputs.size(), 1U);
  EXPECT_EQ(named.outputs, guessed.outputs);
  EXPECT_EQ(named.inputs, guessed.inputs);
  EXPECT_EQ(named.outputs[0].box_order, BoxOrder::kCxcywh);
  EXPECT_EQ(named.outputs[0].coordinates, CoordinateKind::kPixel);
}

TEST(NamedDecoderTest, IsKeptWhereItsShapesAreUnusual) {
  const Manifest manifest =
      CompleteManifest(Named(DecoderKind::kYolov8), kNchw320, {Port("o", {1, 84, 525})});
  ASSERT_EQ(manifest.outputs.size(), 1U);
  EXPECT_EQ(manifest.outputs[0].decoder, DecoderKind::kYolov8);
  EXPECT_EQ(manifest.outputs[0].box_order, BoxOrder::kCxcywh);
  EXPECT_THAT(manifest.notes, Contains(HasSubstr("box order guessed")));
}

TEST(NamedDecoderTest, NothingElseThatIsSaidChanges) {
  Manifest manifest = Named(DecoderKind::kYolov5);
  manifest.outputs[0].box_order = BoxOrder::kXywh;
  manifest.inputs.emplace_back().std = {1};
  const Manifest complete = CompleteManifest(manifest, kNchw320, {Port("o", {1, 6300, 85})});
  EXPECT_EQ(complete.outputs, manifest.outputs);
  EXPECT_EQ(complete.inputs, manifest.inputs);
}

}  // namespace
}  // namespace slipway::tasks
