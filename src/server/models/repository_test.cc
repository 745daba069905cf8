// Loading beside what serves: what is wrong with a version shows before it takes over.
#include "server/models/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "ir/text.h"

namespace slipway::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// y = -x, with a golden vector that wants `wanted` for x = 2.
void WriteNegation(const fs::path& path, float wanted) {
  SlipModel model;
  auto graph = ParseGraph(R"(graph "main" {
    input "x": f32[1]
    node Neg "neg" ["x"] -> ["y": f32[1]]
    output "y"
  })");
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  model.graph = std::move(*graph);
  GoldenVector golden{
      .name = "two", .inputs = {Tensor(DType::kF32, {1})}, .outputs = {Tensor(DType::kF32, {1})}};
  *golden.inputs[0].as<float>() = 2;
  *golden.outputs[0].as<float>() = wanted;
  model.golden.push_back(std::move(golden));
  fs::create_directories(path.parent_path());
  const Status written = WriteSlip(path.string(), model);
  ASSERT_TRUE(written.ok()) << written.ToString();
}

class RepositoryTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("slipway_repository_" + std::string(test->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  // What is said of a version of the model 'm'.
  static IndexEntry EntryOf(const Repository& repository, const std::string& version) {
    for (const IndexEntry& entry : repository.Index()) {
      if (entry.version == version) return entry;
    }
    return {.name = "there is none"};
  }

  fs::path root_;
};

TEST_F(RepositoryTest, AVersionThatGivesOtherAnswersThanItsGoldenVectorsDoesNotTakeOver) {
  WriteNegation(root_ / "m/1/model.slip", -2);
  Repository repository({.paths = {root_.string()}});
  ASSERT_TRUE(repository.Refresh().ok());
  ASSERT_TRUE(repository.Find("m", "").ok()) << repository.Find("m", "").status().ToString();

  WriteNegation(root_ / "m/2/model.slip", -3);
  const Status status = repository.Load("m");
  EXPECT_EQ(status.code(), Code::kMismatch) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("golden vector 'two': output 'y' is 1 off"));
  EXPECT_EQ(repository.Find("m", "").value()->version(), 1);
  EXPECT_EQ(EntryOf(repository, "2").state, ModelState::kUnavailable);
  EXPECT_THAT(EntryOf(repository, "2").reason, HasSubstr("golden vector 'two'"));

  WriteNegation(root_ / "m/2/model.slip", -2);
  EXPECT_TRUE(repository.Load("m").ok());
  EXPECT_EQ(repository.Find("m", "").value()->version(), 2);
  EXPECT_THAT(repository.Loaded(), SizeIs(1));
}

TEST_F(RepositoryTest, AFileThatGoesWrongInPlaceLeavesTheOneThatServes) {
  WriteNegation(root_ / "m/1/model.slip", -2);
  Repository repository({.paths = {root_.string()}});
  ASSERT_TRUE(repository.Refresh().ok());
  const auto before = repository.Find("m", "1").value();
  WriteNegation(root_ / "m/1/model.slip", 2);
  EXPECT_TRUE(repository.Refresh().ok()) << "what fails is in the index";
  EXPECT_EQ(repository.Find("m", "1").value(), before);
  EXPECT_EQ(EntryOf(repository, "1").state, ModelState::kReady);
  EXPECT_THAT(EntryOf(repository, "1").reason, HasSubstr("golden vector 'two'"));
}

TEST_F(RepositoryTest, NobodyHoldsWhatWasUnloadedOrReplaced) {
  WriteNegation(root_ / "m/1/model.slip", -2);
  Repository repository({.paths = {root_.string()}});
  ASSERT_TRUE(repository.Refresh().ok());
  std::weak_ptr<const ServedModel> replaced = repository.Find("m", "1").value();
  ASSERT_TRUE(repository.Load("m").ok());
  EXPECT_TRUE(replaced.expired());
  std::weak_ptr<const ServedModel> unloaded = repository.Find("m", "1").value();
  ASSERT_TRUE(repository.Unload("m").ok());
  EXPECT_TRUE(unloaded.expired());
  ASSERT_TRUE(repository.Load("m").ok());
  std::weak_ptr<const ServedModel> removed = repository.Find("m", "1").value();
  fs::remove_all(root_ / "m");
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_TRUE(removed.expired());
}

// Of an input that the model has not.
ModelConfig WrongConfig() {
  ModelConfig config;
  config.input.push_back({.name = "nope"});
  return config;
}

TEST_F(RepositoryTest, AConfigurationThatIsRefusedIsForgotten) {
  WriteNegation(root_ / "m/1/model.slip", -2);
  Repository repository({.paths = {root_.string()}});
  ASSERT_TRUE(repository.Refresh().ok());
  const auto before = repository.Find("m", "").value();
  EXPECT_THAT(repository.Load("m", WrongConfig()).message(), HasSubstr("'nope'"));
  EXPECT_EQ(repository.Find("m", "").value(), before);
  EXPECT_THAT(EntryOf(repository, "1").reason, HasSubstr("'nope'"));

  WriteNegation(root_ / "m/1/model.slip", -2);
  fs::last_write_time(root_ / "m/1/model.slip", fs::file_time_type::clock::now() + std::chrono::hours(1));
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_NE(repository.Find("m", "").value(), before);
  EXPECT_EQ(EntryOf(repository, "1").reason, "");
}

TEST_F(RepositoryTest, AConfigurationThatIsRefusedAtFirstLeavesTheFolders) {
  WriteNegation(root_ / "m/1/model.slip", -2);
  Repository repository({.paths = {root_.string()}, .names = {"other"}});
  EXPECT_FALSE(repository.Refresh().ok());
  EXPECT_FALSE(repository.Load("m", WrongConfig()).ok());
  (void)repository.Refresh();
  EXPECT_TRUE(repository.Find("m", "").ok());
}

TEST_F(RepositoryTest, AConfigurationThatIsTakenStays) {
  WriteNegation(root_ / "m/1/model.slip", -2);
  Repository repository({.paths = {root_.string()}});
  ASSERT_TRUE(repository.Refresh().ok());
  ModelConfig config;
  config.parameters["by"] = "request";
  ASSERT_TRUE(repository.Load("m", config).ok());
  WriteNegation(root_ / "m/1/model.slip", -2);
  fs::last_write_time(root_ / "m/1/model.slip", fs::file_time_type::clock::now() + std::chrono::hours(1));
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_EQ(repository.Find("m", "").value()->config().parameters.count("by"), 1u);
  ASSERT_TRUE(repository.Load("m").ok());
  EXPECT_EQ(repository.Find("m", "").value()->config().parameters.count("by"), 0u);
}

TEST_F(RepositoryTest, EventsTellWhatBecomesOfAModel) {
  std::vector<std::string> events;
  const auto on_event = [&](const ModelEvent& event) {
    constexpr const char* kNames[] = {"loaded", "replaced", "unloaded", "failed"};
    events.push_back(std::string(kNames[static_cast<int>(event.kind)]) + " " + event.model + " " +
                     std::to_string(event.version) + (event.still_serves ? " still serves" : ""));
  };
  Repository repository({.paths = {root_.string()}, .on_event = on_event});
  const auto told = [&] { return std::exchange(events, {}); };
  WriteNegation(root_ / "m/1/model.slip", -2);
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_THAT(told(), ElementsAre("loaded m 1"));
  ASSERT_TRUE(repository.Load("m").ok());
  EXPECT_THAT(told(), ElementsAre("replaced m 1"));
  WriteNegation(root_ / "m/2/model.slip", -2);
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_THAT(told(), ElementsAre("loaded m 2", "unloaded m 1"));
  WriteNegation(root_ / "m/2/model.slip", 2);
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_THAT(told(), ElementsAre("failed m 2 still serves"));
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_THAT(told(), IsEmpty()) << "what failed and did not change is not tried again";
  EXPECT_FALSE(repository.Load("m").ok());
  EXPECT_THAT(told(), ElementsAre("failed m 2 still serves")) << "what is asked for is told each time";
  ASSERT_TRUE(repository.Unload("m").ok());
  EXPECT_THAT(told(), ElementsAre("unloaded m 0"));
  fs::remove_all(root_ / "m");
  ASSERT_TRUE(repository.Refresh().ok());
  EXPECT_THAT(told(), ElementsAre("unloaded m 0"));
}

// What loading the negation with a warm-up says.
TEST_F(RepositoryTest, WarmupIsRunBeforeAVersionServes) {
  WriteNegation(root_ / "m/1/model.slip", -2);
  Repository repository({.paths = {root_.string()}});
  const auto warmed = [&](const std::string& sample) {
    const auto config = ParseModelConfig("model_warmup { name: 'w' " + sample + " }", "f");
    return config.ok() ? repository.Load("m", *config).message() : config.status().message();
  };
  const auto input = [](const std::string& name, const std::string& value) {
    return "inputs { key: '" + name + "' value { " + value + " } }";
  };
  EXPECT_EQ(warmed(input("x", "data_type: TYPE_FP32 dims: 1 random_data: true") + " count: 3"), "");
  EXPECT_EQ(warmed("count: 2"), "");
  EXPECT_EQ(warmed(input("x", "data_type: TYPE_INT8 dims: 1 zero_data: true")),
            "model_warmup[0] 'w': input 'x' is TYPE_INT8, the model's is TYPE_FP32");
  EXPECT_EQ(warmed(input("z", "dims: 1 zero_data: true")),
            "model_warmup[0] 'w': it has the inputs 'z', the model has 'x'");
  EXPECT_THAT(warmed(input("x", "dims: 2 zero_data: true")), HasSubstr("model_warmup[0] 'w': input 'x'"));
  EXPECT_THAT(warmed(input("x", "dims: [65536, 65536] zero_data: true")),
              HasSubstr("has the shape [65536,65536], the limit is 268435456 elements"));
  EXPECT_EQ(warmed("batch_size: 2"), "model_warmup[0] 'w': batch_size is 2, the model's limit is 0");
  EXPECT_EQ(repository.Find("m", "").value()->version(), 1) << "the one that was loaded serves on";
}

}  // namespace
}  // namespace slipway::server
