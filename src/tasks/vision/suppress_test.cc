// Non-maximum suppression: within a class, then across classes, against a plain reading of the definition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tasks/vision/candidate.h"

namespace slipway::tasks {
namespace {

using testing::ElementsAre;

Candidate Box(double left, double right, int64_t class_index, float score) {
  return {{left, 0, right, 10}, class_index, score, {}};
}

std::vector<float> Scores(const Candidates& candidates) {
  std::vector<float> scores;
  for (const Candidate& each : candidates) scores.push_back(each.score);
  return scores;
}

TEST(SuppressTest, WithinAClassAndAcrossClassesHaveTheirOwnLimits) {
  // The second overlaps the first by 0.6, the third by 0.8.
  const Candidates boxes = {Box(0, 10, 0, 0.9F), Box(2.5, 12.5, 0, 0.8F), Box(1.1, 11.1, 1, 0.7F)};
  ASSERT_NEAR(Iou(boxes[0].box, boxes[1].box), 0.6, 1e-9);
  EXPECT_THAT(Scores(Suppress(boxes, 0.45, 1, 100)), ElementsAre(0.9F, 0.7F));
  EXPECT_THAT(Scores(Suppress(boxes, 0.45, 0.7, 100)), ElementsAre(0.9F));
  EXPECT_THAT(Scores(Suppress(boxes, 0.65, 0.85, 100)), ElementsAre(0.9F, 0.8F, 0.7F));
  EXPECT_THAT(Scores(Suppress(boxes, 1, 1, 2)), ElementsAre(0.9F, 0.8F));
}

// Keeps the best, drops what overlaps it too much, and so on.
Candidates Plain(const Candidates& candidates, double limit, bool is_per_class) {
  Candidates kept;
  for (const Candidate& each : candidates) {
    const bool is_hidden = std::any_of(kept.begin(), kept.end(), [&](const Candidate& other) {
      return (!is_per_class || each.class_index == other.class_index) && Iou(each.box, other.box) > limit;
    });
    if (!is_hidden) kept.push_back(each);
  }
  return kept;
}

TEST(SuppressTest, EqualsThePlainReadingOnRandomBoxes) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> place(0, 100), size(1, 60);
  Candidates boxes;
  for (int i = 0; i < 400; ++i) {
    const double x = place(random), y = place(random);
    boxes.push_back({{x, y, x + size(random), y + size(random)}, i % 5, 1 - static_cast<float>(i) / 400, {}});
  }
  const Candidates expected = Plain(Plain(boxes, 0.45, true), 0.7, false);
  EXPECT_EQ(Scores(Suppress(boxes, 0.45, 0.7, 1000)), Scores(expected));
  EXPECT_LT(expected.size(), boxes.size());
}

}  // namespace
}  // namespace slipway::tasks
