#include "server/models/repository_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace slipway::server {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class RepositoryScanTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("slipway_scan_" + std::string(test->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Put(const std::string& path, const std::string& text = "x") {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  FoundModel Only() {
    const auto models = ScanRepository(root_.string());
    return models.ok() && models->size() == 1 ? models->front() : FoundModel{.name = "not one model"};
  }

  // Of the only model: its versions, the broken ones in brackets.
  std::string Versions() {
    std::string text;
    const FoundModel model = Only();
    for (const FoundVersion& each : model.versions) text += std::to_string(each.version) + " ";
    for (const BrokenVersion& each : model.broken) text += "[" + std::to_string(each.version) + "] ";
    return text;
  }

  // The file of the only version of the only model, from the repository on.
  std::string Chosen() {
    const FoundModel model = Only();
    if (model.versions.size() != 1) return model.error.message();
    return fs::path(model.versions[0].path).lexically_relative(root_).string();
  }

  fs::path root_;
};

TEST_F(RepositoryScanTest, FindsModelsSortedAndIgnoresTheRest) {
  Put("b/1/model.onnx");
  Put("a/1/model.slip");
  Put("a/labels.txt");
  Put("a/configs/x.pbtxt");
  Put("a/0/model.slip");
  Put("a/01/model.slip");
  Put("a/-1/model.slip");
  Put("a/99999999999999999999/model.slip");
  Put(".git/1/model.slip");
  Put("README.md");
  const auto models = ScanRepository(root_.string());
  ASSERT_TRUE(models.ok());
  ASSERT_EQ(models->size(), 2u);
  EXPECT_EQ((*models)[0].name + (*models)[1].name, "ab");
  EXPECT_EQ((*models)[0].config.name, "a");
  ASSERT_EQ((*models)[0].versions.size(), 1u);
  EXPECT_EQ((*models)[0].versions[0].path, (root_ / "a/1/model.slip").string());
}

TEST_F(RepositoryScanTest, ChoosesTheModelsFile) {
  Put("a/1/notes.txt");
  EXPECT_EQ(Chosen(), "a/1/notes.txt");  // the only file
  Put("a/1/weights.bin");
  EXPECT_THAT(Chosen(), HasSubstr("none of the files is clearly the model: 'notes.txt', 'weights.bin'"));
  Put("a/1/saved_model.pb");
  EXPECT_EQ(Chosen(), "a/1");
  Put("a/1/model.savedmodel/saved_model.pb");
  EXPECT_EQ(Chosen(), "a/1/model.savedmodel");
  for (const char* name : {"model.json", "model.pb", "model.tflite", "model.onnx", "model.slip"}) {
    Put("a/1/" + std::string(name));
    EXPECT_EQ(Chosen(), "a/1/" + std::string(name));
  }
  Put("a/config.pbtxt", "default_model_filename: 'weights.bin'");
  EXPECT_EQ(Chosen(), "a/1/weights.bin");
  Put("a/config.pbtxt", "default_model_filename: 'none.onnx'");
  EXPECT_THAT(Chosen(), HasSubstr("model 'a' version 1: there is no 'none.onnx', which"));
}

TEST_F(RepositoryScanTest, TheLatestVersionIsServedByDefault) {
  for (const char* version : {"9", "10", "2"}) Put("a/" + std::string(version) + "/model.onnx");
  EXPECT_EQ(Versions(), "10 ");
  Put("a/config.pbtxt", "version_policy { latest { num_versions: 2 } }");
  EXPECT_EQ(Versions(), "9 10 ");
  Put("a/config.pbtxt", "version_policy { all {} }");
  EXPECT_EQ(Versions(), "2 9 10 ");
  Put("a/config.pbtxt", "version_policy { specific { versions: [9, 2, 7] } }");
  EXPECT_EQ(Versions(), "2 9 [7] ");
}

TEST_F(RepositoryScanTest, HalfCopiedVersionsLeaveTheOthersAlone) {
  Put("a/1/model.onnx");
  Put("a/2/model.onnx");
  Put("a/3/model.onnx");
  Put("a/3/model.onnx.data.part");
  fs::create_directories(root_ / "a/10");
  EXPECT_EQ(Versions(), "2 [3] [10] ");
  const FoundModel model = Only();
  EXPECT_TRUE(model.error.ok());
  EXPECT_EQ(model.broken[0].error.message(),
            "model 'a' version 3: it is not complete yet: there is 'model.onnx.data.part'");
  EXPECT_EQ(model.broken[1].error.message(), "model 'a' version 10: the folder is empty");
  Put("a/1/.model.onnx.Xy12");
  EXPECT_EQ(Versions(), "2 [3] [10] ");  // 1 would not be served anyway
}

TEST_F(RepositoryScanTest, ABrokenModelDoesNotHideTheOthers) {
  Put("a/1/model.onnx");
  Put("a/config.pbtxt", "name: 'a'\nmax_batch: 3");
  Put("b/1/model.onnx");
  Put("c/readme.txt");
  Put("d d/1/model.onnx");
  Put("e/1/model.onnx");
  Put("e/config.pbtxt", "name: 'f'");
  Put("f/1", "a file");
  Put("g/config.pbtxt", std::string((1 << 20) + 1, ' '));
  const auto models = ScanRepository(root_.string());
  ASSERT_TRUE(models.ok());
  std::vector<std::string> errors;
  for (const FoundModel& model : *models) errors.push_back(model.error.message());
  EXPECT_THAT(errors, ElementsAre(HasSubstr("a/config.pbtxt:2:1: 'max_batch' is no key"), "",
                                  "model 'c' has no version: there is 'readme.txt' in its folder",
                                  HasSubstr("'d d' cannot be the name of a model: names are of letters"),
                                  "e/config.pbtxt: the name is 'f', the folder's is 'e'",
                                  "model 'f' version 1: it is no folder", HasSubstr("the limit is 1048576")));
  for (const FoundModel& model : *models) EXPECT_EQ(model.versions.empty(), model.name != "b") << model.name;
}

TEST_F(RepositoryScanTest, LinksAreFollowed) {
  Put("elsewhere/1/model.onnx");
  Put("repository/readme");
  fs::create_directory_symlink(root_ / "elsewhere", root_ / "repository/a");
  fs::create_directory_symlink(root_ / "nowhere", root_ / "repository/b");
  const auto models = ScanRepository((root_ / "repository").string());
  ASSERT_EQ(models->size(), 1u);
  EXPECT_EQ(models->front().versions.size(), 1u);
}

TEST_F(RepositoryScanTest, SaysWhatIsNoRepository) {
  Put("file");
  EXPECT_EQ(ScanRepository((root_ / "file").string()).status().code(), Code::kNotFound);
  EXPECT_EQ(ScanRepository((root_ / "none").string()).status().code(), Code::kNotFound);
  EXPECT_TRUE(ScanRepository(root_.string())->empty());
}

TEST_F(RepositoryScanTest, ASingleFileIsAModel) {
  Put("yolov5n.quant.slip");
  Put("my model (1).onnx");
  Put("net/saved_model.pb");
  const auto name_of = [&](const std::string& path) {
    const auto model = ScanSingle((root_ / path).string());
    return model.ok() ? model->name : model.status().message();
  };
  EXPECT_EQ(name_of("yolov5n.quant.slip"), "yolov5n.quant");
  EXPECT_EQ(name_of("my model (1).onnx"), "my_model__1_");
  EXPECT_EQ(name_of("net"), "net");
  EXPECT_EQ(name_of("net/"), "net");
  EXPECT_THAT(name_of(""), HasSubstr("is a folder without a saved_model.pb"));
  EXPECT_THAT(name_of("none.onnx"), HasSubstr("there is no such model file"));
  EXPECT_EQ(ScanPath((root_ / "net").string())->front().versions[0].version, 1);
  EXPECT_EQ(ScanPath(root_.string())->front().name, "net");  // as a repository
}

TEST_F(RepositoryScanTest, SaysWhereAModelIsNotCalledLikeItsFile) {
  Put("my model (1).onnx");
  Put("net/saved_model.pb");
  Put("a b/1/model.onnx");
  EXPECT_EQ(NoteOnName((root_ / "my model (1).onnx").string()),
            "'my model (1)' is served as 'my_model__1_': names are of letters, digits and '-._~+=@,', do not "
            "begin with a dot, and have at most 255 bytes");
  for (const char* path : {"net", "net/", "", "none.onnx"})
    EXPECT_EQ(NoteOnName((root_ / path).string()), "");
}

TEST(ModelNameTest, FitsIntoAddresses) {
  for (const char* name : {"a", "yolov5-n_2.1", "a@b=c,d+~e"}) EXPECT_TRUE(CheckModelName(name).ok()) << name;
  for (const char* name : {"", ".", "..", ".a", "a/b", "a b", "a%2f", "a?b", "a\nb", "\xc3\xa9"}) {
    EXPECT_EQ(CheckModelName(name).code(), Code::kUsage) << name;
  }
  EXPECT_FALSE(CheckModelName(std::string(256, 'a')).ok());
}

TEST_F(RepositoryScanTest, FingerprintsFollowTheFiles) {
  Put("a/1/model.onnx", "x");
  Put("a/1/data/w.bin", "w");
  fs::create_directory_symlink(root_ / "a/1", root_ / "a/1/circle");
  const FoundVersion version = Only().versions[0];
  const std::string first = Fingerprint(version);
  EXPECT_EQ(Fingerprint(version), first);
  Put("a/config.pbtxt");
  EXPECT_EQ(Fingerprint(version), first);
  Put("a/1/data/w.bin", "ww");
  const std::string second = Fingerprint(version);
  EXPECT_NE(second, first);
  const fs::path file = root_ / "a/1/model.onnx";
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::nanoseconds(1000));
  EXPECT_NE(Fingerprint(version), second);
  fs::remove_all(root_ / "a");
  EXPECT_NE(Fingerprint(version), second);
}

TEST_F(RepositoryScanTest, FingerprintOfASingleFileIsItsOwn) {
  Put("m.onnx");
  const FoundVersion version = ScanSingle((root_ / "m.onnx").string())->versions[0];
  const std::string first = Fingerprint(version);
  Put("other");
  EXPECT_EQ(Fingerprint(version), first);
  Put("m.onnx", "longer");
  EXPECT_NE(Fingerprint(version), first);
}

TEST_F(RepositoryScanTest, FingerprintOfSettingsIsOfConfigurationAndLabels) {
  Put("a/1/model.onnx");
  Put("a/labels.txt");
  Put("a/config.pbtxt", "output { name: 'y' label_filename: 'labels.txt' }");
  const FoundModel model = Only();
  const std::string first = FingerprintOfSettings(model, model.config);
  Put("a/readme");
  EXPECT_EQ(FingerprintOfSettings(model, model.config), first);
  Put("a/labels.txt", "cat dog");
  EXPECT_NE(FingerprintOfSettings(model, model.config), first);
}

TEST_F(RepositoryScanTest, AManifestBesideTheVersionsIsFoundAndCountsForTheFingerprint) {
  Put("a/1/model.onnx");
  EXPECT_EQ(Only().manifest_path, "");
  const std::string before = FingerprintOfSettings(Only(), {});
  Put("a/manifest.json", "{}");
  EXPECT_EQ(Only().manifest_path, (root_ / "a/manifest.json").string());
  const std::string with = FingerprintOfSettings(Only(), {});
  EXPECT_NE(before, with);
  Put("a/manifest.json", "{ }");
  EXPECT_NE(with, FingerprintOfSettings(Only(), {}));
}

}  // namespace
}  // namespace slipway::server
