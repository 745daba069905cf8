// When to come back: what waits, by what such work took so far.
#include "server/endpoints/backlog.h"

#include <gtest/gtest.h>

#include <vector>

namespace slipway::server {
namespace {

using std::chrono::milliseconds;

int Seconds(const std::vector<ModelLoad>& models, int workers) { return SecondsToClear(models, workers); }

TEST(Backlog, IsWhatWaitsByWhatItTakes) {
  EXPECT_EQ(Seconds({}, 2), 1);
  EXPECT_EQ(Seconds({{10, milliseconds(1)}}, 2), 1);
  EXPECT_EQ(Seconds({{100, milliseconds(100)}}, 2), 5);
  EXPECT_EQ(Seconds({{100, milliseconds(100)}, {1, milliseconds(2500)}}, 2), 7);
  EXPECT_EQ(Seconds({{1000, milliseconds(1000)}}, 1), 60);
}

TEST(Backlog, ARunThatRequestsShareCountsOnce) {
  Statistics statistics;
  Timing timing;
  timing.compute_input = timing.compute_output = milliseconds(1);
  timing.compute_infer = milliseconds(8);
  for (int i = 0; i < 4; ++i) statistics.AddSuccess(1, timing, milliseconds(20));
  statistics.AddRun(4, BatchLimit::kFull, timing);
  statistics.AddWaiting(3);
  const ModelLoad load = LoadOf(statistics.Read());
  EXPECT_EQ(load.waiting, 3);
  EXPECT_EQ(load.each, milliseconds(4));
  EXPECT_EQ(LoadOf(Statistics().Read()).each.count(), 0);
}

TEST(Backlog, IsCountedOnceInAMoment) {
  Backlog backlog;
  int counted = 0;
  const auto count = [&] { return ++counted + 4; };
  EXPECT_EQ(backlog.Seconds(count), 5);
  EXPECT_EQ(backlog.Seconds(count), 5);
  EXPECT_EQ(counted, 1);
}

}  // namespace
}  // namespace slipway::server
