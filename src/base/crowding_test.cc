#include "base/crowding.h"

#include <gtest/gtest.h>
#include <sched.h>

#include "base/thread_pool.h"

namespace slipway {
namespace {

cpu_set_t Allowed() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  return allowed;
}

TEST(Crowding, LeavesTheCoreOfAnotherAndStaysFree) {
  if (AvailableCores() < 2) GTEST_SKIP() << "needs two cores";
  const cpu_set_t before = Allowed();
  Crowding crowding;
  const int core = CurrentCore();
  bool has_left = false;
  for (int i = 0; i < 1000 && !has_left; ++i) {
    crowding.Joins(core);
    has_left = CurrentCore() != core;
  }
  EXPECT_TRUE(has_left);
  const cpu_set_t after = Allowed();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(Crowding, StaysWhereItMayRunNowhereElse) {
  const cpu_set_t before = Allowed();
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(CurrentCore(), &here);
  ASSERT_EQ(sched_setaffinity(0, sizeof(here), &here), 0);
  const int core = CurrentCore();
  Crowding crowding;
  for (int i = 0; i < 1000; ++i) crowding.Joins(core);
  EXPECT_EQ(CurrentCore(), core);
  const cpu_set_t after = Allowed();
  EXPECT_TRUE(CPU_EQUAL(&here, &after));
  sched_setaffinity(0, sizeof(before), &before);
}

}  // namespace
}  // namespace slipway
