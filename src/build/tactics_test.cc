// Every tactic of every backend gives what the reference gives, on every test case of every record that it
// fits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "build/testing.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20260731;

class BackendTactics : public testing::TestWithParam<std::string> {};

TEST_P(BackendTactics, AgreeWithTheReference) {
  RecordProperty("seed", static_cast<int>(kSeed));
  const Backend& backend = *FindBackend(GetParam());
  std::set<std::string> names, untried;
  for (const Tactic* tactic : backend.tactics) {
    EXPECT_TRUE(tactic->name().starts_with(backend.name + "/")) << tactic->name();
    EXPECT_TRUE(names.insert(tactic->name()).second) << "two tactics are called " << tactic->name();
    if (!backend.WhyNo(tactic->precision())) untried.insert(tactic->name());
  }
  for (const OpDef& op : AllOps()) {
    if (op.cases == nullptr) continue;
    for (const TestCase& test : op.cases()) {
      for (const std::string& name : CheckTactics(backend, op, test, kSeed)) untried.erase(name);
    }
  }
  if (backend.name == "null") return;  // fits nothing by design
  EXPECT_THAT(untried, testing::IsEmpty()) << "no record has a case that they fit: add one to its `cases`";
}

// ref is the reference itself.
std::vector<std::string> Tested() {
  std::vector<std::string> names;
  for (const Backend& backend : AllBackends()) {
    if (backend.name != "ref") names.push_back(backend.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, BackendTactics, testing::ValuesIn(Tested()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace slipway
