// Every decoder on outputs made by hand, with boxes worked out from the papers' formulas.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tasks/vision/candidate.h"
#include "tasks/vision/decode/priors.h"

namespace slipway::tasks {
namespace {

using testing::HasSubstr;

RealOutput Output(const std::string& name, Dims dims, std::vector<float> values) {
  return {name, std::move(dims), std::move(values)};
}

// "class score left top right bottom" of each, rounded.
std::string Shown(const Result<Candidates>& candidates) {
  if (!candidates.ok()) return candidates.status().ToString();
  std::string text;
  for (const Candidate& each : *candidates) {
    const auto whole = [](double x) { return " " + std::to_string(std::lround(x)); };
    text += std::to_string(each.class_index) + " " + std::to_string(std::lround(each.score * 100)) + "%" +
            whole(each.box.left) + whole(each.box.top) + whole(each.box.right) + whole(each.box.bottom) +
            "\n";
  }
  return text;
}

// Logit of a probability.
float Logit(double p) { return static_cast<float>(std::log(p / (1 - p))); }

OutputSpec Spec(DecoderKind decoder) {
  OutputSpec spec;
  spec.decoder = decoder;
  spec.box_order = BoxOrder::kCxcywh;
  return spec;
}

TEST(DecodeTest, Yolov5RowsMultiplyObjectnessAndClass) {
  const OutputSpec spec = Spec(DecoderKind::kYolov5);
  const std::vector<RealOutput> outputs = {
      Output("o", {1, 2, 7}, {0.5, 0.5, 0.2, 0.4, 0.8, 0.1, 0.9, 0.5, 0.5, 1, 1, 0.2, 1, 1})};
  EXPECT_EQ(Shown(DecodeYolov5({spec, outputs, 100, 50, 0.25F})), "1 72% 40 15 60 35\n");
}

TEST(DecodeTest, Yolov5GridsInAnyLayoutAndOrder) {
  OutputSpec spec = Spec(DecoderKind::kYolov5);
  spec.activation = ScoreActivation::kSigmoid;
  spec.strides = {8, 16};
  spec.anchors.emplace();
  spec.anchors->boxes = {{4, 6}, {10, 20}};
  // 16 x 16: a 2 x 2 grid of stride 8 and one cell of stride 16. All numbers 0: centre of the cell, the
  // anchor's size.
  std::vector<float> fine(2 * 2 * 6, 0), coarse(6, 0);
  for (size_t cell = 0; cell < 4; ++cell) fine[cell * 6 + 4] = -20;
  fine[3 * 6 + 4] = fine[3 * 6 + 5] = Logit(0.9);
  coarse[4] = coarse[5] = Logit(0.8);
  const std::string found = "0 81% 10 9 14 15\n0 64% 3 -2 13 18\n";
  const std::vector<RealOutput> five = {Output("c", {1, 1, 1, 1, 6}, coarse),
                                        Output("f", {1, 1, 2, 2, 6}, fine)};
  EXPECT_EQ(Shown(DecodeYolov5({spec, five, 16, 16, 0.25F})), found);
  const std::vector<RealOutput> nhwc = {Output("f", {1, 2, 2, 6}, fine), Output("c", {1, 1, 1, 6}, coarse)};
  EXPECT_EQ(Shown(DecodeYolov5({spec, nhwc, 16, 16, 0.25F})), found);
  std::vector<float> planes(fine.size());
  for (size_t cell = 0; cell < 4; ++cell) {
    for (size_t k = 0; k < 6; ++k) planes[k * 4 + cell] = fine[cell * 6 + k];
  }
  const std::vector<RealOutput> nchw = {Output("f", {1, 6, 2, 2}, planes), Output("c", {1, 6, 1, 1}, coarse)};
  EXPECT_EQ(Shown(DecodeYolov5({spec, nchw, 16, 16, 0.25F})), found);
  const std::vector<RealOutput> missing = {Output("f", {1, 2, 2, 6}, fine)};
  EXPECT_THAT(Shown(DecodeYolov5({spec, missing, 16, 16, 0.25F})),
              HasSubstr("no output is the grid of stride 16, [1,1,1,1,5+classes]"));
}

TEST(DecodeTest, FastestdetGridsInBothLayouts) {
  const OutputSpec spec = Spec(DecoderKind::kFastestdet);
  // A 1 x 2 grid on 64 x 32: the second cell holds a box of half the input around its own corner.
  const std::vector<float> planes = {0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0.1F, 0.2F, 0.9F, 0.7F};
  std::vector<float> rows(planes.size());
  for (size_t k = 0; k < 7; ++k) {
    rows[k] = planes[2 * k];
    rows[7 + k] = planes[2 * k + 1];
  }
  // 0.5^0.6 * 0.7^0.4 = 0.572
  const std::string found = "1 57% 16 -8 48 8\n";
  const std::vector<RealOutput> nchw = {Output("o", {1, 7, 1, 2}, planes)};
  EXPECT_EQ(Shown(DecodeFastestdet({spec, nchw, 64, 32, 0.25F})), found);
  const std::vector<RealOutput> nhwc = {Output("o", {1, 1, 2, 7}, rows)};
  EXPECT_EQ(Shown(DecodeFastestdet({spec, nhwc, 64, 32, 0.25F})), found);
  EXPECT_THAT(Shown(DecodeFastestdet({spec, nchw, 32, 32, 0.25F})),
              HasSubstr("output [1,7,1,2] must be [1,5+classes,H,W]"));
}

TEST(DecodeTest, Yolov8ColumnsAndRows) {
  OutputSpec spec = Spec(DecoderKind::kYolov8);
  spec.coordinates = CoordinateKind::kPixel;
  // Seven boxes of two classes; all but the third score nothing.
  std::vector<float> columns(6 * 7, 0), rows(7 * 6, 0);
  const float box[] = {30, 40, 20, 10, 0.1F, 0.7F};
  for (size_t k = 0; k < 6; ++k) columns[k * 7 + 2] = rows[2 * 6 + k] = box[k];
  for (const auto& output : {Output("o", {1, 6, 7}, columns), Output("o", {1, 7, 6}, rows)}) {
    const std::vector<RealOutput> outputs = {output};
    EXPECT_EQ(Shown(DecodeYolov8({spec, outputs, 100, 100, 0.25F})), "1 70% 20 35 40 45\n");
  }
}

TEST(DecodeTest, YoloxBoxesAreRelativeToCells) {
  OutputSpec spec = Spec(DecoderKind::kYolox);
  spec.strides = {8};
  std::vector<float> rows(4 * 6, 0);
  // Cell (1, 1): centre (8 + 0.5 * 8, 8 + 0.25 * 8), size e^0 * 8 and e^ln2 * 8.
  const float row[] = {0.5F, 0.25F, 0, std::log(2.0F), 0.9F, 0.5F};
  std::copy(std::begin(row), std::end(row), rows.begin() + 3 * 6);
  const std::vector<RealOutput> outputs = {Output("o", {1, 4, 6}, rows)};
  EXPECT_EQ(Shown(DecodeYolox({spec, outputs, 16, 16, 0.25F})), "0 45% 8 2 16 18\n");
  EXPECT_THAT(Shown(DecodeYolox({spec, outputs, 32, 32, 0.25F})),
              HasSubstr("have 16 cells, the output has 4 rows"));
}

TEST(DecodeTest, SsdCornersSkipTheBackground) {
  OutputSpec spec = Spec(DecoderKind::kSsd);
  spec.box_order = BoxOrder::kYxyx;
  spec.background = 0;
  const std::vector<RealOutput> outputs = {Output("s", {1, 2, 2}, {0.9F, 0.6F, 0.9F, 0.1F}),
                                           Output("b", {1, 2, 1, 4}, {0.1F, 0.2F, 0.5F, 0.6F, 0, 0, 1, 1})};
  EXPECT_EQ(Shown(DecodeSsd({spec, outputs, 100, 10, 0.25F})), "1 60% 20 1 60 5\n");
}

TEST(DecodeTest, SsdOffsetsAgainstPriors) {
  OutputSpec spec = Spec(DecoderKind::kSsd);
  spec.anchors.emplace();
  spec.anchors->boxes = {{0.5, 0.5, 0.2, 0.4}};
  spec.anchors->variances = {0.1, 0.1, 0.2, 0.2};
  // Centre 0.5 + 5 * 0.1 * 0.2 = 0.6 and 0.5; width 0.2 e^(5 ln2 * 0.2) = 0.4, height 0.4.
  const std::vector<float> offsets = {5, 0, static_cast<float>(5 * std::log(2.0)), 0};
  const std::vector<RealOutput> outputs = {Output("b", {1, 1, 4}, offsets), Output("s", {1, 1, 1}, {0.5F})};
  EXPECT_EQ(Shown(DecodeSsd({spec, outputs, 100, 100, 0.25F})), "0 50% 40 30 80 70\n");
  spec.box_order = BoxOrder::kCycxhw;
  const std::vector<RealOutput> swapped = {Output("b", {1, 1, 4}, {0, 5, 0, offsets[2]}), outputs[1]};
  EXPECT_EQ(Shown(DecodeSsd({spec, swapped, 100, 100, 0.25F})), "0 50% 40 30 80 70\n");
}

TEST(DecodeTest, SsdOffsetsReadAsCornersAreAnError) {
  OutputSpec spec = Spec(DecoderKind::kSsd);
  spec.box_order = BoxOrder::kXyxy;
  const std::vector<RealOutput> outputs = {Output("b", {1, 1, 4}, {0.3F, 0.2F, -1, -2}),
                                           Output("s", {1, 1, 1}, {0.5F})};
  EXPECT_THAT(Shown(DecodeSsd({spec, outputs, 100, 100, 0.25F})),
              HasSubstr("1 of 1 boxes have no area when read as xyxy"));
}

TEST(DecodeTest, SsdPostprocessReadsAsManyAsTheCount) {
  OutputSpec spec = Spec(DecoderKind::kSsdPostprocess);
  spec.box_order = BoxOrder::kYxyx;
  const std::vector<RealOutput> outputs = {
      Output("b", {1, 3, 4}, {0.1F, 0.2F, 0.3F, 0.4F, 0, 0, 1, 1, 0, 0, 1, 1}),
      Output("c", {1, 3}, {7, 8, 9}), Output("s", {1, 3}, {0.9F, 0.1F, 0.8F}), Output("n", {1}, {2})};
  EXPECT_EQ(Shown(DecodeSsdPostprocess({spec, outputs, 100, 100, 0.25F})), "7 90% 20 10 40 30\n");
}

TEST(DecodeTest, AnchorsWithKeypoints) {
  OutputSpec spec = Spec(DecoderKind::kAnchors);
  spec.activation = ScoreActivation::kSigmoid;
  spec.coordinates = CoordinateKind::kPixel;
  spec.strides = {16};
  spec.anchors.emplace();
  spec.anchors->fixed_size = true;
  spec.anchors->size_code = SizeCode::kLinear;
  // 32 x 16: two cells; the second's centre is (24, 8).
  const std::vector<RealOutput> outputs = {Output("b", {1, 2, 6}, {0, 0, 0, 0, 0, 0, 2, -1, 8, 4, -3, 3}),
                                           Output("s", {1, 2, 1}, {-50, Logit(0.6)})};
  const auto found = DecodeAnchors({spec, outputs, 32, 16, 0.25F});
  ASSERT_EQ(Shown(found), "0 60% 22 5 30 9\n");
  ASSERT_EQ((*found)[0].keypoints.size(), 1U);
  EXPECT_NEAR((*found)[0].keypoints[0].x, 21, 1e-4);
  EXPECT_NEAR((*found)[0].keypoints[0].y, 11, 1e-4);
}

std::string PriorsShown(const OutputSpec& spec, int width, int height) {
  const auto priors = MakePriors(spec, width, height);
  if (!priors.ok()) return priors.status().ToString();
  std::string text;
  for (const Prior& prior : *priors) {
    for (double each : {prior.cx * width, prior.cy * height, prior.w * width, prior.h * height})
      text += std::to_string(std::lround(each)) + " ";
  }
  return text;
}

TEST(PriorsTest, MinSizesOnGridsThatReachOverTheEdge) {
  OutputSpec spec;
  spec.strides = {64};
  spec.anchors.emplace();
  spec.anchors->min_sizes = {{10, 20}};
  EXPECT_EQ(PriorsShown(spec, 64, 96), "32 32 10 10 32 32 20 20 32 96 10 10 32 96 20 20 ");
}

TEST(PriorsTest, ScalesRatiosAndTheSizeBetween) {
  OutputSpec spec;
  spec.strides = {100, 200};
  spec.anchors.emplace();
  spec.anchors->min_scale = 0.1;
  spec.anchors->max_scale = 0.4;
  spec.anchors->aspect_ratios = {1, 4};
  spec.anchors->interpolated_ratio = 1;
  // 200 x 100. Sides 0.1: ratios 1 and 4, then sqrt(0.1 * 0.4) = 0.2; 0.4: 1 and 4, then sqrt(0.4) = 0.632.
  const std::string coarse = "100 50 80 40 100 50 160 20 100 50 126 63 ";
  EXPECT_EQ(PriorsShown(spec, 200, 100),
            "50 50 20 10 50 50 40 5 50 50 40 20 150 50 20 10 150 50 40 5 150 50 40 20 " + coarse);
}

TEST(PriorsTest, SaysWhatIsMissing) {
  OutputSpec spec;
  spec.anchors.emplace();
  EXPECT_THAT(PriorsShown(spec, 100, 100), HasSubstr("need outputs[0].strides or anchors.boxes"));
  spec.strides = {8};
  EXPECT_THAT(PriorsShown(spec, 100, 100), HasSubstr("say nothing about sizes"));
  spec.anchors->min_sizes = {{1}, {2}};
  EXPECT_THAT(PriorsShown(spec, 100, 100), HasSubstr("has 2 lists, outputs[0].strides has 1 entries"));
  spec.anchors->boxes = {{1, 2, 3}};
  EXPECT_THAT(PriorsShown(spec, 100, 100), HasSubstr("boxes[0] has 3 numbers"));
  spec.anchors->boxes.clear();
  spec.anchors->min_sizes = {{1}};
  spec.strides = {1};
  EXPECT_THAT(PriorsShown(spec, 60000, 60000), HasSubstr("more than 1000000 priors"));
}

}  // namespace
}  // namespace slipway::tasks
