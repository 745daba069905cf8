// Classical models worked out by hand, and what of them is refused.
#include <cmath>

#include "ops/testing.h"

namespace slipway {
namespace {

using Outputs = std::vector<std::optional<Quant>>;
const Outputs kTwo = {std::nullopt, std::nullopt};

TEST(Scaler, ShiftsThenScales) {
  EXPECT_EQ(RunAndShow("Scaler", {{DType::kI64, {2, 2}, {1, 2, 3, 4}}},
                       {{"offset", Floats{1, 0}}, {"scale", Floats{0.5F, 2}}}),
            "f32[2,2]: 0 4 1 8");
}

TEST(Imputer, FillsInForNaN) {
  EXPECT_EQ(RunAndShow("Imputer", {{DType::kF32, {3}, {1, NAN, 0}}},
                       {{"imputed_value_floats", Floats{7}}, {"replaced_value_float", NAN}}),
            "f32[3]: 1 7 0");
}

TEST(ArrayFeatureExtractor, RefusesAFeatureThatIsNotThere) {
  const TestValue x{DType::kF32, {1, 2}, {1, 2}};
  EXPECT_EQ(RunAndShow("ArrayFeatureExtractor", {x, {DType::kI64, {2}, {1, 0}}}), "f32[1,2]: 2 1");
  EXPECT_EQ(RunAndShow("ArrayFeatureExtractor", {x, {DType::kI64, {1}, {2}}}),
            "ArrayFeatureExtractor 'node': feature 2 is none of 2");
}

TEST(LinearClassifier, TwoClassesByTheSignOfOneSum) {
  const Attrs attrs = {
      {"coefficients", Floats{1}}, {"intercepts", Floats{-1}}, {"classlabels_ints", Ints{5, 7}}};
  const auto results = RunOp("LinearClassifier", {{DType::kF32, {2, 1}, {3, 0}}}, attrs, kTwo);
  ASSERT_TRUE(results.ok()) << results.status().ToString();
  EXPECT_EQ(Show((*results)[0].tensor), "i64[2]: 7 5");
  EXPECT_EQ(Show((*results)[1].tensor), "f32[2,2]: -1 2 2 -1");
}

// 2 * exp(-0.5 * 4) + 1
TEST(SVMRegressor, WeighsTheSupportVectors) {
  const Attrs attrs = {{"kernel_type", std::string("RBF")}, {"kernel_params", Floats{0.5F, 0, 0}},
                       {"n_supports", int64_t{1}},          {"support_vectors", Floats{1}},
                       {"coefficients", Floats{2}},         {"rho", Floats{1}}};
  EXPECT_EQ(RunAndShow("SVMRegressor", {{DType::kF32, {1, 1}, {3}}}, attrs), "f32[1,1]: 1.27067");
}

// One node: x <= 1 gives 10, else 20; NaN counts as less.
Attrs Stump() {
  return {{"nodes_treeids", Ints{0, 0, 0}},
          {"nodes_nodeids", Ints{0, 1, 2}},
          {"nodes_featureids", Ints{0, 0, 0}},
          {"nodes_modes", Strings{"BRANCH_LEQ", "LEAF", "LEAF"}},
          {"nodes_values", Floats{1, 0, 0}},
          {"nodes_truenodeids", Ints{1, 0, 0}},
          {"nodes_falsenodeids", Ints{2, 0, 0}},
          {"nodes_missing_value_tracks_true", Ints{1, 0, 0}},
          {"target_treeids", Ints{0, 0}},
          {"target_nodeids", Ints{1, 2}},
          {"target_ids", Ints{0, 0}},
          {"target_weights", Floats{10, 20}},
          {"base_values", Floats{0.5F}}};
}

TEST(TreeEnsembleRegressor, FollowsTheBranches) {
  EXPECT_EQ(RunAndShow("TreeEnsembleRegressor", {{DType::kF32, {3, 1}, {1, 1.5, NAN}}}, Stump()),
            "f32[3,1]: 10.5 20.5 10.5");
}

TEST(TreeEnsembleRegressor, RefusesATreeThatRunsInACircle) {
  Attrs attrs = Stump();
  attrs.Set("nodes_modes", Strings{"BRANCH_LEQ", "BRANCH_LEQ", "LEAF"});
  attrs.Set("nodes_truenodeids", Ints{1, 1, 0});
  attrs.Set("nodes_falsenodeids", Ints{2, 1, 0});
  EXPECT_EQ(RunAndShow("TreeEnsembleRegressor", {{DType::kF32, {1, 1}, {1}}}, attrs),
            "TreeEnsembleRegressor 'node': the nodes of a tree run in a circle");
}

TEST(TreeEnsembleRegressor, RefusesNodesAndFeaturesThatAreNotThere) {
  Attrs attrs = Stump();
  attrs.Set("nodes_truenodeids", Ints{9, 0, 0});
  EXPECT_EQ(RunAndShow("TreeEnsembleRegressor", {{DType::kF32, {1, 1}, {1}}}, attrs),
            "TreeEnsembleRegressor 'node': tree 0 has no node 9");
  attrs = Stump();
  attrs.Set("nodes_featureids", Ints{3, 0, 0});
  EXPECT_EQ(RunAndShow("TreeEnsembleRegressor", {{DType::kF32, {1, 1}, {1}}}, attrs),
            "TreeEnsembleRegressor 'node': a tree asks for feature 3 of 1");
}

}  // namespace
}  // namespace slipway
