// Lines of requests: nobody forges them, and a file that was moved away is made anew.
#include "server/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace slipway::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::string TextOf(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class AccessLogTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("slipway_access_log_" + std::string(test->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    log_ = AccessLog::Open({.form = LogForm::kText, .path = path().string()}).value();
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path path() const { return folder_ / "log"; }
  void Write(const std::string& target) {
    Request request;
    request.method = "GET";
    request.path = target;
    request.id = "id";
    log_->Write(request, 200, 7);
  }

  fs::path folder_;
  std::unique_ptr<AccessLog> log_;
};

TEST_F(AccessLogTest, ALineIsOneLine) {
  Write("/a\"\n127.0.0.1 \"GET /forged\" 200");
  EXPECT_THAT(TextOf(path()), HasSubstr("\"GET /a??127.0.0.1??GET?/forged??200\" 200 7 "));
}

TEST_F(AccessLogTest, AFileThatWasMovedAwayIsMadeAnew) {
  Write("/before");
  fs::rename(path(), folder_ / "log.1");
  Write("/between");
  ASSERT_TRUE(log_->Reopen().ok());
  Write("/after");
  EXPECT_THAT(TextOf(folder_ / "log.1"), HasSubstr("/between"));
  EXPECT_THAT(TextOf(folder_ / "log.1"), Not(HasSubstr("/after")));
  EXPECT_THAT(TextOf(path()), HasSubstr("/after"));
}

TEST_F(AccessLogTest, OneThatCannotBeMadeLeavesTheOldOne) {
  fs::rename(path(), folder_ / "log.1");
  fs::create_directories(path());
  EXPECT_FALSE(log_->Reopen().ok());
  Write("/after");
  EXPECT_THAT(TextOf(folder_ / "log.1"), HasSubstr("/after"));
}

}  // namespace
}  // namespace slipway::server
