// Libraries and tables: what is taken, and what is refused with its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "plugin/testing.h"

namespace slipway {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string PathOf(const std::string& name) { return std::string(PLUGIN_TESTDATA) + "/" + name + ".so"; }

std::string WhyNotLoaded(const std::string& path) { return LoadPluginLibrary(path).ToString(); }

TEST(PluginLibrary, WrittenInPlainCRuns) {
  ASSERT_EQ(WhyNotLoaded(PathOf("scale")), Status::Ok().ToString());
  const Type x = Type::Of(DType::kF32, {2});
  EXPECT_EQ(RunGraph(OneNode("acme.ScaleInC", x), {F32({2}, {1, 2})}), "f32[2]: 2 4");
  EXPECT_EQ(RunGraph(OneNode("acme.ScaleInC", x, {{"factor", 0.5F}}), {F32({2}, {1, 2})}), "f32[2]: 0.5 1");
  const auto graph = OneNode("acme.ScaleInC", x);
  EXPECT_EQ(graph->nodes[0].attrs.String("plugin.library"), "scale.so");
}

TEST(PluginLibrary, LoadedTwiceIsLoadedOnce) {
  EXPECT_TRUE(LoadPluginLibrary(PathOf("scale")).ok());
  EXPECT_TRUE(LoadPluginLibrary(PathOf("scale")).ok());
}

TEST(PluginLibrary, TwoOfTheSamePluginAndVersionAreRefused) {
  ASSERT_TRUE(LoadPluginLibrary(PathOf("scale")).ok());
  EXPECT_THAT(WhyNotLoaded(PathOf("scale_again")),
              AllOf(HasSubstr("'acme.ScaleInC@1' of " + PathOf("scale_again") + " is there already, from " +
                              PathOf("scale")),
                    HasSubstr("give one of them only")));
}

TEST(PluginLibrary, VersionsLiveSideBySide) {
  ASSERT_TRUE(LoadPluginLibrary(PathOf("scale")).ok());
  ASSERT_TRUE(LoadPluginLibrary(PathOf("scale_v2")).ok());
  const auto graph = OneNode("acme.ScaleInC", Type::Of(DType::kF32, {2}));
  EXPECT_EQ(graph->nodes[0].op, "acme.ScaleInC@2");
}

TEST(PluginLibrary, MissingOnesAreNamed) {
  const Status status = LoadPluginLibrary("absent.so");
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message(), "'absent.so': no such plugin library");
}

TEST(PluginLibrary, WhatIsNoLibraryIsNamed) {
  const std::string path = testing::TempDir() + "/text.so";
  std::ofstream(path) << "not a library";
  EXPECT_THAT(WhyNotLoaded(path), AllOf(HasSubstr("'" + path + "': cannot be loaded: "),
                                        HasSubstr("a plugin is a shared library")));
  std::remove(path.c_str());
}

TEST(PluginLibrary, WithoutTheEntryIsNoPluginLibrary) {
  EXPECT_THAT(
      WhyNotLoaded(PathOf("no_entry")),
      AllOf(HasSubstr(PathOf("no_entry") + "': exports no 'slipway_plugin_v1': it is no plugin library"),
            HasSubstr("SLIPWAY_PLUGIN_LIBRARY")));
}

TEST(PluginLibrary, OfAnotherAbiIsRefusedWithBothVersions) {
  EXPECT_THAT(
      WhyNotLoaded(PathOf("next_abi")),
      AllOf(HasSubstr("is made for plugin ABI 2, this program has ABI 1"), HasSubstr("update slipway")));
}

TEST(PluginLibrary, SaysWhyItHasNoPlugins) {
  EXPECT_THAT(WhyNotLoaded(PathOf("undescribed")), HasSubstr("gives no plugins: no licence was found"));
}

TEST(PluginLibrary, IsListed) {
  ASSERT_TRUE(LoadPluginLibrary(PathOf("scale")).ok());
  const std::vector<PluginInfo> infos = LoadedPlugins();
  const auto is_it = [](const PluginInfo& info) { return info.name == "acme.ScaleInC" && info.version == 1; };
  const auto found = std::find_if(infos.begin(), infos.end(), is_it);
  ASSERT_NE(found, infos.end());
  EXPECT_EQ(found->origin, PathOf("scale"));
  EXPECT_EQ(found->summary, "x times a number.");
}

std::string WhyNot(plugin::Description description) {
  return Register(std::move(description), {.run = [](plugin::RunCall&) {}}).message();
}

// A description of this name, after `change`.
template <class Change>
std::string WhyNot(const std::string& name, const Change& change) {
  plugin::Description description = LambdaPlugin::Description(name);
  change(description);
  return WhyNot(std::move(description));
}

using Description = plugin::Description;

TEST(PluginTable, MistakesAreNamed) {
  EXPECT_EQ(WhyNot("a b", [](Description&) {}),
            "this program: plugin 'a b': its name must be letters, digits, '_' and '.', at most 200");
  EXPECT_EQ(WhyNot("t.A", [](Description& d) { d.outputs.clear(); }),
            "this program: plugin 't.A': it has no outputs");
  EXPECT_EQ(WhyNot("t.A", [](Description& d) { d.inputs[0].dtypes.clear(); }),
            "this program: plugin 't.A': input 0 ('x') takes no dtype");
  EXPECT_EQ(WhyNot("t.A", [](Description& d) { d.inputs[0].dtypes = {static_cast<DType>(40)}; }),
            "this program: plugin 't.A': input 0 ('x') takes dtypes that do not exist");
  EXPECT_EQ(WhyNot("t.A",
                   [](Description& d) {
                     d.inputs[0].presence = plugin::Presence::kVariadic;
                     d.inputs.push_back({.name = "z", .dtypes = {DType::kF32}});
                   }),
            "this program: plugin 't.A': input 0 ('x') is variadic; only the last may be");
  EXPECT_EQ(
      WhyNot("t.A", [](Description& d) { d.attrs = {plugin::IntAttr("plugin.state", 1)}; }),
      "this program: plugin 't.A': attribute 'plugin.state' needs a name that does not begin with 'plugin.'");
  EXPECT_EQ(WhyNot("t.A",
                   [](Description& d) {
                     d.attrs = {plugin::IntAttr("a", 1), plugin::IntAttr("a", 1)};
                   }),
            "this program: plugin 't.A': two attributes are called 'a'");
  EXPECT_EQ(WhyNot("t.A",
                   [](Description& d) {
                     d.claims = {{"onyx", "", "A"}};
                   }),
            "this program: plugin 't.A': it claims an operator of format 'onyx'; formats are onnx, tflite, "
            "tensorflow and caffe");
  EXPECT_EQ(WhyNot("t.A",
                   [](Description& d) {
                     d.version = 100;
                     d.oldest_version = 1;
                   }),
            "this program: plugin 't.A': it reads versions 1 to 100; at most 63 back");
}

TEST(PluginTable, OfAnotherSizeOrWithoutFunctionsIsRefused) {
  slipway_plugin table{};
  table.size = 40;
  EXPECT_THAT(RegisterPlugin(&table, "here").message(),
              HasSubstr("here: a plugin's table has 40 bytes; those of ABI 1"));
  table.size = sizeof(table);
  table.name = "t.B";
  EXPECT_EQ(RegisterPlugin(&table, "here").message(),
            "here: plugin 't.B': one of its functions infer, create, run and destroy is missing");
  EXPECT_EQ(RegisterPlugin(static_cast<const slipway_plugin*>(nullptr), "here").message(),
            "here: a plugin's table is null");
}

}  // namespace
}  // namespace slipway
