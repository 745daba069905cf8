// Every pass on graphs in the text form, before -> after: src/passes/testdata/<pass>/<case>.txt.
//
//   # what the case shows
//   graph "before" {...}
//   =>
//   graph "before" {...}      or   unchanged
//
// A case that must not fire ends in "unchanged". `make approve` (SLIPWAY_APPROVE=1) writes what the pass
// gives behind the arrow. Beside the text: results stay equal, the graph stays sound, a second time nothing
// changes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "ir/text.h"
#include "ops/verify.h"
#include "passes/pass.h"
#include "passes/pipeline.h"
#include "passes/testing.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kArrow = "\n=>\n";
constexpr std::string_view kUnchanged = "unchanged\n";

fs::path Folder() { return fs::path(SLIPWAY_SOURCE_DIR) / "src/passes/testdata"; }

std::vector<std::string> CasePaths() {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(Folder(), error)) {
    if (entry.path().extension() == ".txt") paths.push_back(fs::relative(entry.path(), Folder()).string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The one pass, sub-graphs included, as the pipeline runs it. True if it changed anything.
Result<bool> RunOnly(const std::string& pass, Graph& graph) {
  PipelineOptions options;
  options.enabled = {pass};
  for (const std::string& name : PassNames()) {
    if (name != pass) options.disabled.push_back(name);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const auto reports, Optimize(graph, options));
  return std::any_of(reports.begin(), reports.end(),
                     [](const PassReport& report) { return report.has_changed; });
}

class PassGolden : public testing::TestWithParam<std::string> {};

TEST_P(PassGolden, RewritesAsWritten) {
  const fs::path path = Folder() / GetParam();
  const std::string pass = fs::path(GetParam()).parent_path().string();
  const auto text = ReadFile(path.string());
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  const size_t arrow = std::min(text->find(kArrow), text->size());
  const size_t begin = text->find("graph ");
  ASSERT_LT(begin, arrow) << "the case has no graph";
  auto graph = ParseGraph(std::string_view(*text).substr(begin, arrow - begin));
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  const Status sound = VerifyGraph(*graph);
  ASSERT_TRUE(sound.ok()) << sound.ToString();
  const std::string results = Outputs(*graph);

  const auto has_changed = RunOnly(pass, *graph);
  ASSERT_TRUE(has_changed.ok()) << has_changed.status().ToString();
  const std::string after = *has_changed ? PrintGraph(*graph) : std::string(kUnchanged);
  if (std::getenv("SLIPWAY_APPROVE") != nullptr) {
    const std::string approved = text->substr(0, arrow) + std::string(kArrow) + after;
    ASSERT_TRUE(WriteFile(path.string(), approved).ok());
  } else {
    ASSERT_LT(arrow, text->size()) << "no result yet: make approve";
    EXPECT_EQ(text->substr(arrow + kArrow.size()), after) << "make approve takes it over";
  }
  EXPECT_EQ(Outputs(*graph), results);
  const auto again = RunOnly(pass, *graph);
  EXPECT_TRUE(again.ok() && !*again) << "not idempotent";
}

INSTANTIATE_TEST_SUITE_P(Cases, PassGolden, testing::ValuesIn(CasePaths()), [](const auto& info) {
  std::string name = info.param.substr(0, info.param.size() - std::string(".txt").size());
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
});

// Each pass has a case that fires and one that must not, and no folder is another's.
TEST(PassGoldens, CoverEveryPassBothWays) {
  std::set<std::string> firing;
  std::set<std::string> silent;
  for (const std::string& path : CasePaths()) {
    const auto text = ReadFile((Folder() / path).string());
    ASSERT_TRUE(text.ok());
    (text->ends_with(kUnchanged) ? silent : firing).insert(fs::path(path).parent_path().string());
  }
  const std::vector<std::string> names = PassNames();
  const std::set<std::string> passes(names.begin(), names.end());
  EXPECT_EQ(firing, passes);
  EXPECT_EQ(silent, passes);
}

}  // namespace
}  // namespace slipway
