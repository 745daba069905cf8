// Hand-checked numbers of look-ups in tables.
#include "ops/testing.h"

namespace slipway {
namespace {

TEST(Lookup, TableGivesValuesOrTheDefault) {
  const TestValue queries{DType::kI64, {4}, {5, 9, 3, 5}};
  const TestValue keys{DType::kI64, {3}, {3, 5, 5}};
  EXPECT_EQ(
      RunAndShow("TableLookup", {queries, {DType::kF32, {1}, {-1}}, keys, {DType::kF32, {3}, {0.3, 0.5, 7}}}),
      "f32[4]: 0.5 -1 0.3 0.5");
  EXPECT_EQ(
      RunAndShow("TableLookup", {queries, {DType::kF32, {1}, {-1}}, keys, {DType::kF32, {2}, {0.3, 0.5}}}),
      "TableLookup 'node': has 3 keys and 2 values");
}

// Rows 1 and 2 go to the sum 0, row 0 to the sum 2; nothing to the sum 1.
TEST(Lookup, SparseEmbeddingsAreWeighted) {
  const std::vector<TestValue> inputs = {{DType::kI32, {3}, {1, 2, 0}},
                                         {DType::kI32, {3, 2}, {0, 0, 0, 1, 2, 0}},
                                         {DType::kI32, {2}, {3, 2}},
                                         {DType::kF32, {3}, {3, 1, 2}},
                                         {DType::kF32, {3, 1}, {5, 8, 4}}};
  const auto run = [&](const char* combiner) {
    return RunAndShow("EmbeddingLookupSparse", inputs, {{"combiner", std::string(combiner)}});
  };
  EXPECT_EQ(run("SUM"), "f32[3,1]: 28 0 10");
  EXPECT_EQ(run("MEAN"), "f32[3,1]: 7 0 5");
  EXPECT_EQ(run("SQRTN"), "f32[3,1]: 8.85438 0 5");  // 28 / sqrt(10)
  std::vector<TestValue> wrong = inputs;
  wrong[0].values[1] = 3;
  EXPECT_EQ(RunAndShow("EmbeddingLookupSparse", wrong),
            "EmbeddingLookupSparse 'node': id 3 is outside the table f32[3,1]");
}

}  // namespace
}  // namespace slipway
