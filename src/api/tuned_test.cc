// Tuned sections: a model runs from one as it runs without, and one that is wrong is passed over with a word.
#include "api/tuned.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "build/section.h"
#include "ops/case_scene.h"
#include "plan/half_weights.h"

namespace slipway {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

EngineOptions OneThread() {
  EngineOptions options;
  options.num_threads = 1;
  return options;
}

// A convolution that direct and Winograd kernels fit, by `tactic`, built for one thread.
SlipModel BuiltModel(const std::string& tactic) {
  TestInput w{.dims = {16, 3, 3, 16}}, bias{.dims = {16}};
  w.is_constant = bias.is_constant = true;
  auto scene = MakeCaseScene(*FindOp("Conv"),
                             {"conv",
                              {{.dims = {1, 12, 12, 16}}, w, bias},
                              {{"layout", std::string("channels_last")}, {"pads", Ints{1, 1, 1, 1}}}},
                             20261128);
  EXPECT_TRUE(scene.ok()) << scene.status().ToString();
  SlipModel model;
  model.graph = scene->graph;
  const auto choices = ChooseTactics(model.graph, *BackendsNamed("cpu", false), {.names = {&tactic, 1}});
  EXPECT_TRUE(choices.ok()) << choices.status().ToString();
  auto section = MakeSection(model.graph, *choices, *TargetOf(OneThread()));
  EXPECT_TRUE(section.ok()) << section.status().ToString();
  PutSection(std::move(*section), model);
  return model;
}

struct Outcome {
  std::string note;                       // of UseTunedSection
  std::vector<std::string> engine_notes;  // of parts that are not used
  std::string tactic;
  bool has_weights = true;  // still in memory
  std::vector<float> values;
};

Outcome RunModel(const SlipModel& model, EngineOptions options = OneThread()) {
  Outcome outcome;
  EXPECT_TRUE(UseTunedSection(model, "m.slip", options, outcome.note).ok());
  const auto engine = Engine::Create(model.graph, options);
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  outcome.engine_notes = (*engine)->notes();
  outcome.tactic = (*engine)->steps()[0].tactic;
  const Graph& graph = (*engine)->graph();
  outcome.has_weights = graph.value(graph.nodes[0].inputs[1]).data.data() != nullptr;
  Tensor x(DType::kF32, {1, 12, 12, 16});
  for (int64_t i = 0; i < x.count(); ++i) x.as<float>()[i] = static_cast<float>(i % 17) / 16;
  const auto context = (*engine)->NewContext();
  const auto outputs = context->Run({&x, 1});
  EXPECT_TRUE(outputs.ok()) << outputs.status().ToString();
  const auto values = (*outputs)[0].values<float>();
  outcome.values.assign(values.begin(), values.end());
  return outcome;
}

// Without the section: its tactic, but packed anew.
Outcome RunUnpacked(const SlipModel& model) {
  SlipModel plain = model;
  for (PackedPart& part : plain.tuned[0].steps[0].parts) part.bytes = {};
  plain.tuned[0].steps[0].parts.clear();
  return RunModel(plain);
}

TEST(TunedSection, RunsFromPackedWeightsToTheSameBits) {
  for (const char* tactic : {"cpu/conv_f32", "cpu/winograd_f4x4_f32", "cpu/winograd_f6x6_f32"}) {
    SCOPED_TRACE(tactic);
    const SlipModel model = BuiltModel(tactic);
    const Outcome tuned = RunModel(model);
    EXPECT_EQ(tuned.note, "");
    EXPECT_THAT(tuned.engine_notes, IsEmpty());
    EXPECT_EQ(tuned.tactic, tactic);
    EXPECT_FALSE(tuned.has_weights);
    EXPECT_EQ(tuned.values, RunUnpacked(model).values);
  }
}

// The packed weights of a section are what runs: others give other answers.
TEST(TunedSection, IsNotPackedAnew) {
  SlipModel model = BuiltModel("cpu/conv_f32");
  PackedPart& part = model.tuned[0].steps[0].parts.at(0);
  PackedArray<float> zeros(static_cast<int64_t>(part.bytes.size() / sizeof(float)));
  part.bytes = zeros.bytes();
  part.owner = zeros.owner();
  EXPECT_NE(RunModel(model).values, RunUnpacked(model).values);
}

TEST(TunedSection, SurvivesTheFile) {
  const SlipModel model = BuiltModel("cpu/winograd_f4x4_f32");
  const std::string file = *FormatSlip(model);
  const auto back = ParseSlip({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, nullptr,
                              {.target = *TargetOf(OneThread())});
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(RunModel(*back).values, RunModel(model).values);
  EXPECT_EQ(RunModel(*back).tactic, "cpu/winograd_f4x4_f32");
}

TEST(TunedSection, KnowsWhatItMakesNeedless) {
  const SlipModel model = BuiltModel("cpu/conv_f32");
  EXPECT_EQ(model.tuned[0].unread, std::vector<ValueId>{model.graph.nodes[0].inputs[1]});
}

TEST(TunedSection, OfOtherMachinesAndOptionsIsPassedOver) {
  const SlipModel model = BuiltModel("cpu/winograd_f6x6_f32");
  EngineOptions two = OneThread();
  two.num_threads = 2;
  const Outcome threads = RunModel(model, two);
  EXPECT_THAT(threads.note, HasSubstr("threads 2"));
  EXPECT_THAT(threads.note, HasSubstr("slipway build 'm.slip' -o 'm.slip' --threads 2"));
  EngineOptions strict = OneThread();
  strict.accuracy = Accuracy::kStrict;
  const Outcome accurate = RunModel(model, strict);
  EXPECT_THAT(accurate.note, HasSubstr("--accuracy strict"));
  EXPECT_THAT(accurate.tactic, testing::Not(HasSubstr("winograd")));
  SlipModel stale = model;
  stale.tuned[0].target += "0";
  EXPECT_THAT(RunModel(stale).note, HasSubstr("to tune it for this one"));
}

TEST(TunedSection, ThatDoesNotFitTheGraphIsPassedOver) {
  const SlipModel good = BuiltModel("cpu/conv_f32");
  const std::vector<float> want = RunUnpacked(good).values;
  const auto note_of = [&](const std::function<void(TunedSection&)>& spoil) {
    SlipModel model = good;
    spoil(model.tuned[0]);
    return RunModel(model).note;
  };
  EXPECT_THAT(note_of([](TunedSection& s) { s.steps[0].tactic = "cpu/nothing"; }),
              HasSubstr("there is no such tactic here"));
  EXPECT_THAT(note_of([](TunedSection& s) { s.steps[0].tactic = "cpu/depthwise_f32"; }),
              HasSubstr("not one filter per channel"));
  EXPECT_THAT(note_of([](TunedSection& s) { s.steps[0].tactic = ""; }), HasSubstr("a step has no tactic"));
  EXPECT_THAT(note_of([](TunedSection& s) { s.steps.clear(); }), HasSubstr("it has no steps"));
  EXPECT_THAT(note_of([](TunedSection& s) { s.steps.push_back(s.steps[0]); }),
              HasSubstr("2 tactics are named for 1 nodes"));
}

TEST(TunedSection, PartsOfAWrongSizeArePackedAnew) {
  const SlipModel good = BuiltModel("cpu/winograd_f4x4_f32");
  const std::vector<float> want = RunModel(good).values;
  const auto outcome_of = [&](const std::function<void(PackedPart&)>& spoil) {
    SlipModel model = good;
    spoil(model.tuned[0].steps[0].parts[0]);
    return RunModel(model);
  };
  const Outcome shorter = outcome_of([](PackedPart& part) { part.bytes = part.bytes.first(64); });
  ASSERT_EQ(shorter.engine_notes.size(), 1u);
  EXPECT_THAT(shorter.engine_notes[0], HasSubstr("part 0 of input 1 has 64 bytes, the kernel needs"));
  EXPECT_EQ(shorter.values, want);
  const Outcome other = outcome_of([](PackedPart& part) { part.input = 2; });
  ASSERT_EQ(other.engine_notes.size(), 1u);
  EXPECT_THAT(other.engine_notes[0], HasSubstr("it lacks part 0 of input 1"));
  EXPECT_EQ(other.values, want);
}

// Constants that the section makes needless are there all the same, also those that the file stores as f16.
TEST(TunedSection, ThatDoesNotFitLeavesTheWeightsOfTheFile) {
  for (const bool is_half : {false, true}) {
    SlipModel model = BuiltModel("cpu/conv_f32");
    if (is_half) {
      EXPECT_EQ(RoundWeightsToHalves(model.graph).rounded, 1);
    }
    model.has_half_weights = is_half;
    SlipModel untuned = model;
    untuned.tuned.clear();
    EngineOptions direct = OneThread();
    direct.tactics = {"cpu/conv_f32"};
    PackedPart& part = model.tuned[0].steps[0].parts[0];
    part.bytes = part.bytes.first(64);
    const std::string file = *FormatSlip(model);
    const auto back = ParseSlip({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, nullptr,
                                {.target = *TargetOf(OneThread())});
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    const Outcome outcome = RunModel(*back);
    EXPECT_EQ(outcome.engine_notes.size(), 1u);
    EXPECT_EQ(outcome.values, RunModel(untuned, direct).values) << is_half;
  }
}

// Whoever uses a constant after all gets what was written, or an error.
TEST(TunedSection, ThatIsNotUsedLeavesNoChecksumOut) {
  const auto status_of = [](const std::function<void(TunedSection&)>& spoil) {
    SlipModel model = BuiltModel("cpu/conv_f32");
    spoil(model.tuned[0]);
    std::string file = *FormatSlip(model);
    const Tensor& weights = model.graph.value(model.graph.nodes[0].inputs[1]).data;
    const std::string_view bytes(weights.as<char>(), static_cast<size_t>(weights.size_bytes()));
    file.at(file.find(bytes) + 5) ^= 1;
    const auto back = ParseSlip({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, nullptr,
                                {.target = *TargetOf(OneThread())});
    if (!back.ok()) return back.status();
    EngineOptions options = OneThread();
    std::string note;
    SLIPWAY_RETURN_IF_ERROR(UseTunedSection(*back, "m.slip", options, note));
    return Engine::Create(back->graph, options).status();
  };
  EXPECT_TRUE(status_of([](TunedSection&) {}).ok());
  const Status other_steps = status_of([](TunedSection& s) { s.steps[0].tactic = "cpu/nothing"; });
  EXPECT_THAT(other_steps.message(), HasSubstr("'m.slip': .slip file: weights of 9216 bytes fail their"));
  const Status other_parts =
      status_of([](TunedSection& s) { s.steps[0].parts[0].bytes = s.steps[0].parts[0].bytes.first(64); });
  EXPECT_THAT(other_parts.message(), HasSubstr("'m.slip': .slip file: weights of 9216 bytes fail their"));
}

// A constant that something else reads, too, keeps its bytes.
TEST(TunedSection, ConstantsWithOtherReadersStay) {
  SlipModel model = BuiltModel("cpu/conv_f32");
  model.graph.outputs.push_back(model.graph.nodes[0].inputs[1]);
  const Outcome outcome = RunModel(model);
  EXPECT_EQ(outcome.note, "");
  EXPECT_TRUE(outcome.has_weights);
}

}  // namespace
}  // namespace slipway
