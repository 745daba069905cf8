// Lines of events: in both forms, whole, and with what a reader looks for.
#include "server/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace slipway::server {
namespace {

using testing::EndsWith;
using testing::MatchesRegex;

std::string LineOf(LogForm form, const ModelEvent& event, const std::string& worker = {}) {
  std::string line;
  EventLog(form, worker, [&](const std::string& text) { line = text; }).Write(event);
  return line;
}

const ModelEvent kFailure{.kind = ModelEvent::Kind::kFailed,
                          .model = "m",
                          .version = 2,
                          .reason = "it is \"broken\"\nfor good",
                          .still_serves = true};

TEST(EventLog, TextIsOneLine) {
  EXPECT_THAT(
      LineOf(LogForm::kText, kFailure),
      EndsWith("Z model 'm' version 2 failed: it is \"broken\"?for good (the one before goes on serving)"));
  const ModelEvent loaded{.kind = ModelEvent::Kind::kLoaded, .model = "m", .version = 1, .seconds = 0.25};
  EXPECT_THAT(LineOf(LogForm::kNone, loaded, "3"),
              MatchesRegex("[0-9T:.-]+Z worker 3: model 'm' version 1 loaded in 0.25 s"));
}

TEST(EventLog, JsonHasTheSame) {
  auto json = nlohmann::json::parse(LineOf(LogForm::kJson, kFailure, "3"));
  json.erase("time");
  EXPECT_EQ(json, nlohmann::json({{"worker", "3"},
                                  {"event", "failed"},
                                  {"model", "m"},
                                  {"version", "2"},
                                  {"reason", "it is \"broken\"\nfor good"},
                                  {"still_serves", true}}));
}

TEST(EventLog, FailuresOfMoreThanOneModelAreTold) {
  std::vector<std::string> lines;
  const auto write = [&](const std::string& line) { lines.push_back(line); };
  const Status status(Code::kIo, "it is gone", "bring it back");
  EventLog(LogForm::kText, "", write).WriteFailure("reading the repositories", status);
  EventLog(LogForm::kJson, "", write).WriteFailure("reading the repositories", status);
  EXPECT_THAT(lines[0], EndsWith("Z reading the repositories failed: it is gone (bring it back)"));
  EXPECT_EQ(nlohmann::json::parse(lines[1])["reason"], "it is gone (bring it back)");
}

}  // namespace
}  // namespace slipway::server
