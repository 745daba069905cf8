#include "server/models/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace slipway::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class LabelsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("slipway_labels_" + std::string(test->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Put(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  // Of the output 'y', whose key names that file.
  Result<OutputLabels> Read(const std::string& filename) {
    ModelConfig config;
    config.name = "m";
    config.output = {{.name = "x"}, {.name = "y", .label_filename = filename}};
    return ReadLabels(config, folder_.string());
  }

  std::string ErrorOf(const std::string& filename) {
    const auto labels = Read(filename);
    return labels.ok() ? "OK" : labels.status().ToString();
  }

  fs::path folder_;
};

TEST_F(LabelsTest, AreLines) {
  Put("in/labels.txt", "cat\n\nbig dog\r\n:\n");
  const auto labels = Read("in/labels.txt");
  ASSERT_TRUE(labels.ok()) << labels.status().ToString();
  EXPECT_THAT(*labels, ElementsAre(Pair("y", ElementsAre("cat", "", "big dog", ":"))));
}

TEST_F(LabelsTest, TheLastLineNeedsNoEnd) {
  Put("labels.txt", "cat\ndog");
  EXPECT_THAT(Read("labels.txt").value().at("y"), ElementsAre("cat", "dog"));
  Put("labels.txt", "");
  EXPECT_THAT(Read("labels.txt").value().at("y"), ElementsAre());
}

TEST_F(LabelsTest, ErrorsNameModelKeyFileAndReason) {
  EXPECT_THAT(ErrorOf("none.txt"),
              HasSubstr("model 'm': label_filename 'none.txt' of output 'y': there is no such file"));
  EXPECT_THAT(ErrorOf("."), HasSubstr("label_filename '.' of output 'y': is no file"));
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf("pipe"), HasSubstr("'pipe' of output 'y': is no file"));
  Put("large.txt", std::string((4 << 20) + 1, '\n'));
  EXPECT_THAT(ErrorOf("large.txt"), HasSubstr("the file has 4194305 bytes, the limit is 4194304"));
}

TEST_F(LabelsTest, AModelFileByItselfHasNoFolderToReadFrom) {
  ModelConfig config;
  config.output = {{.name = "y", .label_filename = "passwords.txt"}};
  EXPECT_THAT(ReadLabels(config, "").status().ToString(), HasSubstr("has no folder"));
}

}  // namespace
}  // namespace slipway::server
