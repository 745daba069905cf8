#include "server/schedule/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace slipway::server {
namespace {

using Json = nlohmann::json;
using std::chrono::microseconds;
using testing::ElementsAre;

// One that runs from `at` on, 10 us in each of its parts.
RequestTimes RequestAt(RequestTimes::Time at, uint64_t run) {
  RequestTimes times;
  times.model = "m";
  times.id = "\"quoted\"";
  times.outcome = "ok";
  times.arrived = at;
  times.queued = at + microseconds(10);
  times.prepare_begin = at + microseconds(20);
  times.prepare_end = times.run_begin = times.joined = at + microseconds(30);
  times.ran = times.finish_begin = at + microseconds(40);
  times.end = at + microseconds(50);
  times.prepare_worker = 0;
  times.run_worker = 1;
  times.run = run;
  return times;
}

// Of the events of one kind: their names.
std::vector<std::string> NamesOf(const Trace& trace, const std::string& kind) {
  std::vector<std::string> names;
  const Json events = Json::parse(trace.ToJson())["traceEvents"];
  for (const Json& event : events) {
    if (event["ph"] == kind) names.push_back(event["name"]);
  }
  return names;
}

TEST(TraceTest, ARequestHasItsPartsAndItsWorkersTheirBars) {
  Trace trace(4);
  trace.Add(RequestAt(RequestTimes::Time::clock::now(), 1));
  EXPECT_THAT(NamesOf(trace, "b"),
              ElementsAre("m", "receive", "queue", "compute_input", "compute_infer", "compute_output"));
  EXPECT_THAT(NamesOf(trace, "X"), ElementsAre("compute_input", "compute_infer", "compute_output"));
  EXPECT_THAT(NamesOf(trace, "M"), ElementsAre("process_name", "thread_name", "thread_name"));
}

TEST(TraceTest, ARequestOfATraceOfSeveralServicesTellsItsPlace) {
  Trace trace(4);
  RequestTimes times = RequestAt(RequestTimes::Time::clock::now(), 1);
  trace.Add(times);
  times.trace = {"0af7651916cd43dd8448eb211c80319c", "00000000000000aa", "b7ad6b7169203331"};
  trace.Add(times);
  std::vector<Json> opened;
  const Json events = Json::parse(trace.ToJson())["traceEvents"];
  for (const Json& event : events) {
    if (event["ph"] == "b" && event["name"] == "m") opened.push_back(event["args"]);
  }
  ASSERT_EQ(opened.size(), 2u);
  EXPECT_FALSE(opened[0].contains("trace_id"));
  EXPECT_EQ(opened[1]["trace_id"], times.trace.trace_id);
  EXPECT_EQ(opened[1]["span_id"], times.trace.span_id);
  EXPECT_EQ(opened[1]["parent_id"], times.trace.parent_id);
}

TEST(TraceTest, ANetworkThatRequestsShareIsOneBar) {
  Trace trace(4);
  const auto now = RequestTimes::Time::clock::now();
  trace.Add(RequestAt(now, 7));
  trace.Add(RequestAt(now, 7));
  EXPECT_THAT(NamesOf(trace, "X"), ElementsAre("compute_input", "compute_infer", "compute_output",
                                               "compute_input", "compute_output"));
}

TEST(TraceTest, ARequestThatWasRefusedHasOnlyWhatItGotTo) {
  Trace trace(4);
  RequestTimes refused;
  refused.model = "m";
  refused.outcome = "rejected";
  refused.arrived = RequestTimes::Time::clock::now();
  refused.end = refused.arrived + microseconds(5);
  trace.Add(refused);
  EXPECT_THAT(NamesOf(trace, "b"), ElementsAre("m", "receive"));
  EXPECT_TRUE(NamesOf(trace, "X").empty());
}

TEST(TraceTest, TheNewestAreKeptOldestFirst) {
  Trace trace(2);
  const auto now = RequestTimes::Time::clock::now();
  for (const char* name : {"a", "b", "c"}) {
    RequestTimes request;
    request.model = name;
    request.arrived = now;
    request.end = now + microseconds(5);
    trace.Add(request);
  }
  EXPECT_THAT(NamesOf(trace, "e"), ElementsAre("receive", "b", "receive", "c"));
  EXPECT_EQ(Json::parse(trace.ToJson())["traceEvents"].back()["id"], 3);
}

}  // namespace
}  // namespace slipway::server
