// Counts, roofs, hints and the writers on made-up profiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "report/hints.h"
#include "report/report_html.h"
#include "report/report_json.h"
#include "report/roofline.h"
#include "report/trace.h"

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::ordered_json;

Peak MadeUpPeak() {
  Peak peak;
  peak.num_threads = 2;
  peak.f32_gflops = 100;
  peak.bf16_gflops = 200;
  peak.int8_gops = 400;
  peak.levels = {{"L1", 32 << 10, 1000}, {"L2", 1 << 20, 400}, {"L3", 32 << 20, 100}, {"memory", 0, 20}};
  return peak;
}

StepProfile MakeStepProfile(double us, double flops, double bytes) {
  StepProfile step;
  step.op = "Conv";
  step.node = "c1";
  step.tactic = "cpu/conv_f32";
  step.shape = "f32[1,8,8,16]";
  step.us = us;
  step.flops = step.defined_flops = flops;
  step.bytes = bytes;
  return step;
}

Profile MadeUpProfile() {
  Profile profile;
  profile.model = "m.onnx";
  profile.backend = "cpu";
  profile.threads = 2;
  profile.peak = MadeUpPeak();
  profile.machine.cores = 2;
  profile.median_ms = 0.3;
  profile.steps = {MakeStepProfile(100, 5e6, 1e5), MakeStepProfile(200, 2e6, 1e6)};
  for (StepProfile& step : profile.steps) CompareWithRoofs(profile.peak, step);
  return profile;
}

std::string RoofOf(double us, double flops, double bytes) {
  StepProfile step = MakeStepProfile(us, flops, bytes);
  CompareWithRoofs(MadeUpPeak(), step);
  if (!step.error.empty()) return step.error;
  return std::to_string(std::lround(100 * step.roof->fraction)) + "% " + step.roof->name;
}

TEST(CompareWithRoofs, TakesTheRoofThatIsNearest) {
  EXPECT_EQ(RoofOf(100, 8e6, 1e5), "80% f32");
  EXPECT_EQ(RoofOf(100, 1e6, 1e6), "10% f32") << "10 GB/s of the second level's 400";
  EXPECT_EQ(RoofOf(1e5, 0, 1e9), "50% memory");
  EXPECT_EQ(RoofOf(100, 0, 8e6), "80% L3");
}

TEST(CompareWithRoofs, AFasterStepReadFromANearerLevel) {
  EXPECT_EQ(RoofOf(1e4, 0, 1e9), "100% L3") << "too large for the third level, yet as fast";
  EXPECT_EQ(RoofOf(100, 0, 3e7), "75% L2");
}

TEST(CompareWithRoofs, CallsRatesAboveTheMachinesAMistake) {
  EXPECT_EQ(RoofOf(100, 10.5e6, 1e5), "105% f32") << "boost clocks differ";
  EXPECT_EQ(RoofOf(100, 12e6, 1e5), "120 GFLOP/s in f32, where this machine does 100 at most");
  EXPECT_EQ(RoofOf(10, 0, 2e7), "2000 GB/s, where the first-level cache gives 1000 at most");
}

TEST(CompareWithRoofs, EachArithmeticHasItsOwnRoof) {
  StepProfile step = MakeStepProfile(100, 15e6, 1e5);
  step.arithmetic = "bf16";
  CompareWithRoofs(MadeUpPeak(), step);
  EXPECT_EQ(step.error, "");
  EXPECT_EQ(step.roof->name, "bf16");
  EXPECT_NEAR(step.roof->fraction, 0.75, 1e-9);
}

TEST(CompareWithRoofs, LeavesStepsOfUnknownWorkAlone) {
  StepProfile step = MakeStepProfile(100, 0, 0);
  step.flops = step.defined_flops = step.bytes = std::nullopt;
  CompareWithRoofs(MadeUpPeak(), step);
  EXPECT_FALSE(step.roof);
  EXPECT_EQ(step.error, "");
}

TEST(ReportJson, HasItsKeysInOneOrder) {
  const Json json = ToJson(MadeUpProfile());
  std::vector<std::string> keys, step_keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  for (const auto& [key, value] : json["steps"][0].items()) step_keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("model", "backend", "threads", "machine", "peak", "runs", "median_ms",
                                "steps_us", "flops", "weight_bytes", "arena_bytes", "steps"));
  EXPECT_THAT(step_keys, ElementsAre("step", "op", "node", "sources", "tactic", "result", "layout", "us",
                                     "percent", "moves_nothing", "within", "flops", "defined_flops", "bytes",
                                     "arithmetic", "gflops", "defined_gflops", "gbytes", "roof",
                                     "percent_of_roof", "error", "estimate_us", "alternatives", "rejected"));
  EXPECT_EQ(json.dump(), ToJson(MadeUpProfile()).dump());
}

TEST(ReportJson, WritesNullForWhatIsUnknown) {
  Profile profile = MadeUpProfile();
  profile.steps[0].flops = profile.steps[0].bytes = std::nullopt;
  CompareWithRoofs(profile.peak, profile.steps[0]);
  const Json step = ToJson(profile)["steps"][0];
  for (const char* key : {"flops", "bytes", "gflops", "gbytes", "roof", "percent_of_roof", "error"})
    EXPECT_TRUE(step[key].is_null()) << key;
}

TEST(ReportHtml, EscapesHostileNames) {
  Profile profile = MadeUpProfile();
  const std::string evil = "\"><script>alert('1')</script>&\x01";
  profile.model = profile.steps[0].node = profile.steps[0].op = profile.steps[0].tactic = evil;
  profile.steps[0].sources = {evil};
  profile.steps[0].shape = evil;
  profile.steps[0].alternatives = {{evil, 1, 2.0}};
  profile.steps[0].rejected = {{evil, evil}};
  profile.steps[1].error = evil;
  profile.machine.cpu = evil;
  profile.peak.levels[0].name = evil;
  const std::string html = ToHtml(profile);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, Not(HasSubstr("alert('")));
  EXPECT_THAT(html, Not(HasSubstr("\x01")));
  EXPECT_THAT(html, HasSubstr("&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;"));
}

TEST(ReportHtml, FetchesNothing) {
  const std::string html = ToHtml(MadeUpProfile());
  EXPECT_FALSE(std::regex_search(html, std::regex("(src|href)=|url\\(|@import|<link")));
}

TEST(ReportHtml, OfNoStepsIsAPageAllTheSame) {
  Profile profile = MadeUpProfile();
  profile.steps.clear();
  const std::string html = ToHtml(profile);
  EXPECT_THAT(html, HasSubstr("</html>"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

TEST(ReportHtml, NamesWrongMeasurementsFirst) {
  Profile profile = MadeUpProfile();
  EXPECT_THAT(ToHtml(profile), Not(HasSubstr("This measurement is wrong")));
  profile.steps[0].us = 1;
  CompareWithRoofs(profile.peak, profile.steps[0]);
  EXPECT_THAT(ToHtml(profile), HasSubstr("5000 GFLOP/s in f32, where this machine does 100 at most"));
}

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(RooflineSvg, DrawsADotForEveryRatedStep) {
  Profile profile = MadeUpProfile();
  EXPECT_EQ(CountOf(RooflineSvg(profile, {}), "<circle"), 2U);
  profile.steps[0].flops = std::nullopt;
  EXPECT_EQ(CountOf(RooflineSvg(profile, {}), "<circle"), 1U);
  profile.steps[1].flops = 0;
  EXPECT_EQ(CountOf(RooflineSvg(profile, {}), "<circle"), 0U);
}

TEST(RooflineSvg, KeepsEveryCoordinateInside) {
  Profile profile = MadeUpProfile();
  profile.steps.push_back(MakeStepProfile(1e7, 1, 1e9));
  profile.steps.push_back(MakeStepProfile(1e3, 9e7, 1));
  const std::string svg = RooflineSvg(profile, {});
  const std::regex coordinate("(x|y|x1|x2|y1|y2|cx|cy)=\"([-.0-9a-z]+)\"");
  for (std::sregex_iterator at(svg.begin(), svg.end(), coordinate), end; at != end; ++at) {
    const double value = std::stod((*at)[2].str());
    EXPECT_TRUE(value >= 0 && value <= 860) << at->str();
  }
}

TEST(Hints, SpeakOfWhatCostsTime) {
  Profile profile = MadeUpProfile();
  EXPECT_THAT(HintsFor(profile), IsEmpty());
  profile.steps[0].tactic = "ref/reference";
  EXPECT_THAT(HintsFor(profile),
              ElementsAre(HasSubstr("1 step runs on reference code, 0.10 ms a run (33 %): Conv")));
  profile.backend = "ref";
  EXPECT_THAT(HintsFor(profile), IsEmpty()) << "asked for";
}

TEST(Hints, SpeakOfTransposesWithinTheNetworkOnly) {
  Profile profile = MadeUpProfile();
  profile.steps[0].op = "Transpose";
  EXPECT_THAT(HintsFor(profile), IsEmpty()) << "of the input";
  profile.steps.push_back(MakeStepProfile(10, 1e6, 1e4));
  profile.steps[1].op = "Transpose";
  EXPECT_THAT(HintsFor(profile), ElementsAre(HasSubstr("1 Transpose stands within the network")));
}

TEST(Hints, SpeakOfThreads) {
  Profile profile = MadeUpProfile();
  profile.threads = 3;
  EXPECT_THAT(HintsFor(profile), ElementsAre("3 threads on 2 cores take turns: --threads 2"));
  profile.threads = 2;
  profile.steps = {MakeStepProfile(4, 1e3, 1e3), MakeStepProfile(4, 1e3, 1e3)};
  EXPECT_THAT(HintsFor(profile), ElementsAre(HasSubstr("2 steps take less than 5 us")));
  profile.threads = 1;
  EXPECT_THAT(HintsFor(profile), IsEmpty());
}

TEST(Hints, SpeakOfSlowIntegers) {
  Profile profile = MadeUpProfile();
  for (StepProfile& step : profile.steps) step.arithmetic = "int8";
  EXPECT_THAT(HintsFor(profile),
              ElementsAre(HasSubstr("its 8-bit products run at 23 Gop/s, where f32 does up to 100")));
}

TEST(Trace, HasTheEventsThatPerfettoReads) {
  const Profile profile = MadeUpProfile();
  Tracer tracer(2);
  for (size_t step : {0, 1}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto end = begin + std::chrono::microseconds(1);
    tracer.OnPart(1, begin, end);
    while (std::chrono::steady_clock::now() < end + std::chrono::microseconds(5)) {
    }
    const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - begin;
    tracer.OnStep(step, us.count());
  }
  const Json trace = Json::parse(ToTraceJson(profile, tracer));
  std::vector<std::string> tracks;
  std::vector<std::pair<int, int>> bars;  // track, step
  double last_end = 0;
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("ph") == "M") {
      tracks.push_back(event.at("args").at("name"));
      continue;
    }
    ASSERT_EQ(event.at("ph"), "X");
    EXPECT_GE(event.at("ts").get<double>(), -1);
    EXPECT_GT(event.at("dur").get<double>(), 0);
    bars.emplace_back(event.at("tid").get<int>(), event.at("args").at("step").get<int>());
    if (event.at("tid") != 0) continue;
    EXPECT_GE(event.at("ts").get<double>(), last_end) << "steps do not overlap";
    last_end = event.at("ts").get<double>() + event.at("dur").get<double>() - 1e-3;
  }
  EXPECT_THAT(tracks, ElementsAre("slipway m.onnx", "steps", "thread 0", "thread 1"));
  EXPECT_THAT(bars, ElementsAre(std::pair(0, 0), std::pair(0, 1), std::pair(2, 0), std::pair(2, 1)));
}

TEST(Trace, OfNoStepsIsATraceAllTheSame) {
  Profile profile = MadeUpProfile();
  profile.steps.clear();
  EXPECT_TRUE(Json::parse(ToTraceJson(profile, Tracer(1))).at("traceEvents").is_array());
}

}  // namespace
}  // namespace slipway
