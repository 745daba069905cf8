// Hand-checked steps of the beam search.
#include "ops/attention/beams.h"

#include <gmock/gmock.h>

namespace slipway {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

const BeamRules kTwoBeams{.num_beams = 2, .eos = 0, .pad = 9};
const std::vector<double> kFirst = {-9, -1, -2};

TEST(BeamGroupTest, FinishedTextsCompeteByScorePerToken) {
  BeamGroup group(kTwoBeams, {5});
  group.Step({kFirst, kFirst});
  EXPECT_THAT(group.beams()[0].tokens, ElementsAre(5, 1));
  EXPECT_THAT(group.beams()[1].tokens, ElementsAre(5, 2));
  // The first ends at -1.5; what goes on is the second with -3, then the first with -4.
  group.Step({{-0.5, -3, -4}, {-9, -1, -5}});
  EXPECT_THAT(group.beams()[0].tokens, ElementsAre(5, 2, 1));
  EXPECT_EQ(group.beams()[0].source, 1);
  EXPECT_THAT(group.beams()[1].tokens, ElementsAre(5, 1, 1));
  EXPECT_FALSE(group.is_done());
  const std::vector<Beam> texts = group.Finish(2);
  EXPECT_THAT(texts[0].tokens, ElementsAre(5, 1));
  EXPECT_THAT(texts[0].score, DoubleEq(-0.75));
  EXPECT_THAT(texts[1].tokens, ElementsAre(5, 2, 1));
  EXPECT_THAT(texts[1].score, DoubleEq(-1));
}

TEST(BeamGroupTest, StopsWhenNothingOpenCanWin) {
  BeamRules rules = kTwoBeams;
  rules.num_beams = 1;
  BeamGroup group(rules, {5});
  group.Step({{-0.1, -3, -4}});  // ends at once with -0.1; open is -3
  EXPECT_TRUE(group.is_done());
  group.Step({{-1, -1, -1}});
  EXPECT_THAT(group.beams()[0].tokens, ElementsAre(5, 1, 9));
  EXPECT_THAT(group.Finish(1)[0].tokens, ElementsAre(5));
}

TEST(BeamGroupTest, PenaltiesAndBansChangeTheScores) {
  BeamRules rules = kTwoBeams;
  rules.num_beams = 1;
  rules.repetition_penalty = 4;
  BeamGroup penalised(rules, {1});
  penalised.Step({kFirst});  // token 1 stands in the text: -1 becomes -4
  EXPECT_THAT(penalised.beams()[0].tokens, ElementsAre(1, 2));

  rules = kTwoBeams;
  rules.num_beams = 1;
  rules.no_repeat_ngram = 2;
  BeamGroup banned(rules, {2, 1, 2});
  banned.Step({kFirst});  // "2 1" has been
  EXPECT_THAT(banned.beams()[0].tokens, ElementsAre(2, 1, 2, 2));

  rules = kTwoBeams;
  rules.num_beams = 1;
  rules.min_length = 3;
  BeamGroup too_short(rules, {1, 1});
  too_short.Step({{-0.1, -1, -2}});
  EXPECT_THAT(too_short.Finish(1)[0].tokens, ElementsAre(1, 1, 1));
}

}  // namespace
}  // namespace slipway
