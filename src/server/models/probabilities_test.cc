#include "server/models/probabilities.h"

#include <gtest/gtest.h>

#include "ir/text.h"

namespace slipway::server {
namespace {

bool Gives(const std::string& nodes, const std::string& output, const Manifest& manifest = {}) {
  const auto graph =
      ParseGraph("graph \"main\" {\n input \"x\": f32[1,4]\n" + nodes + " output \"" + output + "\"\n}");
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  return graph.ok() && GivesProbabilities(*graph, manifest);
}

const std::string kSoftmax = "node Softmax \"s\" [\"x\"] -> [\"p\": f32[1,4]]\n";

TEST(ProbabilitiesTest, ScoresOfASoftmaxAreThem) {
  EXPECT_TRUE(Gives(kSoftmax, "p"));
  EXPECT_TRUE(Gives(kSoftmax + "node Identity \"i\" [\"p\"] -> [\"q\": f32[1,4]]\n", "q"));
  EXPECT_TRUE(Gives("node Sigmoid \"s\" [\"x\"] -> [\"p\": f32[1,4]]\n", "p"));
}

TEST(ProbabilitiesTest, OtherScoresAreNot) {
  EXPECT_FALSE(Gives("node Neg \"n\" [\"x\"] -> [\"y\": f32[1,4]]\n", "y"));
  EXPECT_FALSE(Gives(kSoftmax + "node Neg \"n\" [\"p\"] -> [\"q\": f32[1,4]]\n", "q"));
}

TEST(ProbabilitiesTest, WhatTheManifestAppliesCounts) {
  Manifest manifest;
  manifest.outputs.push_back(
      {.decoder = DecoderKind::kClassification, .activation = ScoreActivation::kSoftmax});
  EXPECT_TRUE(Gives("node Neg \"n\" [\"x\"] -> [\"y\": f32[1,4]]\n", "y", manifest));
}

}  // namespace
}  // namespace slipway::server
