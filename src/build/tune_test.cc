// Times of tactics: taken, kept, read back, and what is chosen by them.
#include "build/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "build/step_signature.h"
#include "ops/case_scene.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261128;

// A convolution that direct and Winograd kernels fit, 16 to 16 channels.
CaseScene ConvScene() {
  TestInput w{.dims = {16, 3, 3, 16}};
  w.is_constant = true;
  auto scene = MakeCaseScene(*FindOp("Conv"),
                             {"conv",
                              {{.dims = {1, 24, 24, 16}}, w},
                              {{"layout", std::string("channels_last")}, {"pads", Ints{1, 1, 1, 1}}}},
                             kSeed);
  EXPECT_TRUE(scene.ok()) << scene.status().ToString();
  return std::move(scene).value();
}

std::vector<const Backend*> Cpu() { return {FindBackend("cpu"), FindBackend("ref")}; }

std::string ChosenBy(const Graph& graph, const ChooseOptions& options) {
  const auto choices = ChooseTactics(graph, Cpu(), options);
  if (!choices.ok()) return choices.status().message();
  return (*choices)[0].tactic->name();
}

std::string SignatureOf(const CaseScene& scene) {
  return StepSignature(*MakeStep(scene.graph, scene.graph.nodes[0]));
}

TEST(Tune, TimesEveryPromisingTacticOnce) {
  const CaseScene scene = ConvScene();
  TimingTable table;
  TuneOptions options;
  options.num_threads = 1;
  options.prune_factor = 1000;
  const auto first = Tune(scene.graph, Cpu(), options, table);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->steps, 1u);
  EXPECT_GE(first->tactics_timed, 2u);
  EXPECT_TRUE(table.Find(SignatureOf(scene), "cpu/conv_f32").has_value());
  EXPECT_TRUE(table.Find(SignatureOf(scene), "cpu/winograd_f4x4_f32").has_value());
  const auto second = Tune(scene.graph, Cpu(), options, table);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->known, 1u);
  EXPECT_EQ(second->tactics_timed, 0u);
}

TEST(Tune, LeavesWhatTheBudgetDoesNotReach) {
  const CaseScene scene = ConvScene();
  TimingTable table;
  TuneOptions options;
  options.seconds = 0;
  const auto report = Tune(scene.graph, Cpu(), options, table);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->unreached, 1u);
  EXPECT_TRUE(table.IsEmpty());
}

TEST(Choose, TakesTheFastestByTime) {
  const CaseScene scene = ConvScene();
  for (const char* fastest : {"cpu/conv_f32", "cpu/winograd_f6x6_f32"}) {
    TimingTable table;
    table.Set(SignatureOf(scene), "cpu/conv_f32", 20);
    table.Set(SignatureOf(scene), "cpu/winograd_f6x6_f32", 20);
    table.Set(SignatureOf(scene), fastest, 10);
    EXPECT_EQ(ChosenBy(scene.graph, {.timings = &table}), fastest);
  }
}

// Alone, copying a list of runs is as fast as the Split that a network gets for nothing.
TEST(Choose, CountsWhatATimeDoesNotShow) {
  const auto scene = MakeCaseScene(
      *FindOp("Split"),
      {"split", {{.dims = {1, 8, 8, 32}}}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}}, 2}, kSeed);
  ASSERT_TRUE(scene.ok()) << scene.status().ToString();
  TimingTable table;
  table.Set(SignatureOf(*scene), "cpu/split", 10);
  table.Set(SignatureOf(*scene), "cpu/copies", 9);
  EXPECT_EQ(ChosenBy(scene->graph, {.timings = &table}), "cpu/split");
  table.Set(SignatureOf(*scene), "cpu/copies", 7);
  EXPECT_EQ(ChosenBy(scene->graph, {.timings = &table}), "cpu/copies");
}

TEST(Choose, StrictlyTakesNothingThatRoundsMore) {
  const CaseScene scene = ConvScene();
  TimingTable table;
  table.Set(SignatureOf(scene), "cpu/winograd_f6x6_f32", 1);
  table.Set(SignatureOf(scene), "cpu/conv_f32", 2);
  EXPECT_EQ(ChosenBy(scene.graph, {.accuracy = Accuracy::kStrict, .timings = &table}), "cpu/conv_f32");
}

TEST(Choose, ByNameIsAnErrorWhereTheTacticDoesNotFit) {
  const CaseScene scene = ConvScene();
  const std::string direct = "cpu/conv_f32", depthwise = "cpu/depthwise_f32", none = "cpu/nothing";
  EXPECT_EQ(ChosenBy(scene.graph, {.names = {&direct, 1}}), direct);
  EXPECT_THAT(ChosenBy(scene.graph, {.names = {&depthwise, 1}}),
              testing::HasSubstr("cannot run it: not one filter per channel"));
  EXPECT_THAT(ChosenBy(scene.graph, {.names = {&none, 1}}), testing::HasSubstr("there is no such tactic"));
}

TEST(TimingCache, ComesBackTheSame) {
  TimingCache cache;
  cache.tables["machine a"].Set("Conv f32[1]", "cpu/x", 12.345);
  cache.tables["machine b"].Set("Conv f32[1]", "cpu/x", 3);
  const std::string text = FormatTimingCache(cache);
  const TimingCache back = ParseTimingCache(text);
  EXPECT_EQ(back.unreadable_lines, 0);
  EXPECT_EQ(FormatTimingCache(back), text);
  EXPECT_NEAR(*back.tables.at("machine a").Find("Conv f32[1]", "cpu/x"), 12.345, 0.01);
}

TEST(TimingCache, MergesAndTheLaterCounts) {
  TimingCache a, b;
  a.tables["m"].Set("s", "t", 1);
  a.tables["m"].Set("s", "u", 2);
  b.tables["m"].Set("s", "t", 3);
  a.Merge(b);
  EXPECT_EQ(a.tables["m"].Find("s", "t"), 3);
  EXPECT_EQ(a.tables["m"].Find("s", "u"), 2);
}

TEST(TimingCache, LinesThatSayNothingAreLeftOut) {
  TimingCache good;
  good.tables["m"].Set("s", "t", 1);
  const std::string text = FormatTimingCache(good);
  const TimingCache cache = ParseTimingCache(text + "rubbish\n" + "m\ts\tv\tnan\n" + "m\ts\tv\t-1\n" +
                                             std::string("\0\t\t\t\n", 5));
  EXPECT_GT(cache.unreadable_lines, 0);
  ASSERT_EQ(cache.tables.count("m"), 1u);
  EXPECT_EQ(cache.tables.at("m").Find("s", "t"), 1);
  EXPECT_FALSE(cache.tables.at("m").Find("s", "v").has_value());
}

}  // namespace
}  // namespace slipway
