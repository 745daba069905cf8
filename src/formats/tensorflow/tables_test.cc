#include "formats/tensorflow/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/tensorflow/import.h"
#include "formats/tensorflow/raise_control_flow.h"
#include "formats/tensorflow/test_graph.h"
#include "ops/run.h"

namespace slipway::tensorflow {
namespace {

using testing::HasSubstr;

// "cat=0.5 dog=-2", or the error.
std::string Shown(const Result<TfTable>& table) {
  if (!table.ok()) return table.status().message();
  const auto show = [](const Tensor& tensor, int64_t i) {
    if (tensor.dtype() == DType::kString) return tensor.as<std::string>()[i];
    std::string text = tensor.dtype() == DType::kI64 ? std::to_string(tensor.as<int64_t>()[i])
                                                     : std::to_string(tensor.as<float>()[i]);
    return text.substr(0, 5);
  };
  std::string text;
  for (int64_t i = 0; i < table->keys.count(); ++i)
    text += (i ? " " : "") + show(table->keys, i) + "=" + show(table->values, i);
  return text;
}

TfNode TextFile(int64_t key, int64_t value, int64_t size = -1) {
  return {"fill",
          "InitializeTableFromTextFileV2",
          {},
          {{"key_index", key}, {"value_index", value}, {"vocab_size", size}}};
}

TEST(TfTables, AreReadFromText) {
  const std::string text = "cat\t0.5\r\ndog\t-2";
  EXPECT_EQ(Shown(TableOfText(TextFile(0, 1), DType::kString, DType::kF32, text)), "cat=0.500 dog=-2.00");
  EXPECT_EQ(Shown(TableOfText(TextFile(-1, 0), DType::kI64, DType::kString, text)), "0=cat 1=dog");
  EXPECT_EQ(Shown(TableOfText(TextFile(-2, -1), DType::kString, DType::kI64, text)), "cat\t0.5=0 dog\t-2=1");
  EXPECT_EQ(Shown(TableOfText(TextFile(0, -1, 1), DType::kString, DType::kI64, text)), "cat=0");
  EXPECT_EQ(Shown(TableOfText(TextFile(0, 2), DType::kString, DType::kF32, text)),
            "line 1 of its file has 2 fields, field 2 is wanted");
  EXPECT_EQ(Shown(TableOfText(TextFile(0, 0), DType::kString, DType::kI64, text)),
            "line 1 of its file has 'cat' where a number is wanted");
  EXPECT_EQ(Shown(TableOfText(TextFile(0, 1), DType::kString, DType::kF32, "cat\t1\n\n")),
            "line 2 of its file is empty");
  EXPECT_EQ(Shown(TableOfText(TextFile(0, 1, 3), DType::kString, DType::kF32, text)),
            "its file has 2 lines, the graph wants 3");
}

Tensor Longs(const std::vector<int64_t>& values) {
  return Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(values.size())}, values);
}

TfGraph LookupGraph(std::vector<TfNode> more) {
  std::vector<TfNode> nodes = {
      {"table", "HashTableV2", {}, {{"key_dtype", DType::kI64}, {"value_dtype", DType::kI64}}},
      {"x", "Placeholder", {}, {{"dtype", DType::kI64}, {"shape", Ints{3}}}},
      ConstNode("default", Longs({-1}).Reshaped({})),
      ConstNode("keys", Longs({5, 7})),
      ConstNode("values", Longs({50, 70})),
      {"same", "Identity", {"table"}, {}},
      {"y", "LookupTableFindV2", {"same", "x", "default"}, {}}};
  nodes.insert(nodes.end(), more.begin(), more.end());
  return MakeGraph(std::move(nodes));
}

// What y gives for 7, 6, 5; or the error.
std::string LookUp(TfGraph graph) {
  if (const Status status = FillTables(graph, graph, {}, {}); !status.ok()) return status.message();
  ImportOptions options;
  options.outputs = {"y"};
  const auto model = ImportGraph(graph, options);
  if (!model.ok()) return model.status().message();
  const std::vector<Datum> inputs = {Datum::Of(Longs({7, 6, 5}))};
  const auto results = Interpret(model->graph, inputs);
  if (!results.ok()) return results.status().message();
  std::string text;
  for (int64_t value : (*results)[0].tensor.values<int64_t>()) text += std::to_string(value) + " ";
  return text;
}

TEST(TfTables, OfAFrozenGraphAreFilledByItsNodes) {
  EXPECT_EQ(LookUp(LookupGraph({{"fill", "LookupTableImportV2", {"table", "keys", "values"}, {}}})),
            "70 -1 50 ");
  // Values that are computed.
  EXPECT_EQ(LookUp(LookupGraph({{"sum", "AddV2", {"values", "keys"}, {}},
                                {"fill", "InitializeTableV2", {"table", "keys", "sum"}, {}}})),
            "77 -1 55 ");
}

TEST(TfTables, ThatCannotBeFilledSayWhy) {
  EXPECT_THAT(LookUp(LookupGraph({})), HasSubstr("nothing in the file fills the table"));
  EXPECT_THAT(LookUp(LookupGraph({{"fill", "LookupTableImportV2", {"table", "keys", "default"}, {}}})),
              HasSubstr("its keys are i64[2], its values i64[]"));
  EXPECT_THAT(LookUp(LookupGraph({{"fill", "LookupTableImportV2", {"table", "keys", "x"}, {}}})),
              HasSubstr("depends on inputs"));
  Tensor path(DType::kString, {});
  *path.as<std::string>() = "/srv/models/words.txt";
  EXPECT_THAT(LookUp(LookupGraph({ConstNode("path", path),
                                  {"fill", "InitializeTableFromTextFileV2", {"table", "path"}, {}}})),
              HasSubstr("filled from the file 'words.txt', which is not part of the model"));
}

// --- Case ---

TfFunction AddNumber(const std::string& name, float number) {
  TfFunction function;
  function.name = name;
  function.args = {"a"};
  function.nodes = {{"a", "_Arg", {}, {}},
                    ConstNode("number", FloatTensor({}, {number})),
                    {"sum", "AddV2", {"a", "number"}, {}}};
  function.results = {"sum:0"};
  return function;
}

TEST(TfCase, TakesTheLastBranchForNumbersThatNoneHas) {
  TfLibrary library;
  Strings branches;
  for (int i = 0; i < 5; ++i) {
    branches.push_back("f" + std::to_string(i));
    library.emplace(branches.back(), AddNumber(branches.back(), static_cast<float>(i)));
  }
  TfGraph graph = MakeGraph({PlaceholderNode("x", {}),
                             {"which", "Placeholder", {}, {{"dtype", DType::kI32}, {"shape", Ints{}}}},
                             {"y", "Case", {"which", "x", "^x"}, {{"branches", branches}}}});
  graph.library = std::make_shared<const TfLibrary>(library);
  const auto model = ImportGraph(graph, {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  for (const auto& [which, expected] :
       std::map<int, float>{{-7, 14}, {0, 10}, {1, 11}, {3, 13}, {4, 14}, {9, 14}}) {
    const std::vector<Datum> inputs = {Datum::Of(IntTensor({}, {which})), Datum::Of(FloatTensor({}, {10}))};
    const auto results = Interpret(model->graph, inputs);
    ASSERT_TRUE(results.ok()) << results.status().message();
    EXPECT_EQ(*(*results)[0].tensor.as<float>(), expected) << which;
  }
}

}  // namespace
}  // namespace slipway::tensorflow
