// Ensembles of decision trees as data: checked once, then walked.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/ml/ml.h"

namespace slipway {

// Numbers as TreeEnsemble-5 has them; never renumber.
enum class TreeMode : uint8_t {
  kLeq = 0,
  kLt = 1,
  kGte = 2,
  kGt = 3,
  kEq = 4,
  kNeq = 5,
  kMember = 6,
  kLeaf = 7
};

struct TreeNode {
  TreeMode mode = TreeMode::kLeaf;
  bool takes_missing = false;  // NaN counts as true
  int64_t feature = 0;
  double value = 0;             // compared with
  int32_t yes = 0, no = 0;      // nodes
  int32_t first = 0, last = 0;  // kMember: of `members`; kLeaf: of `weights`
};

struct TreeWeight {
  int64_t target = 0;
  double weight = 0;
};

struct Trees {
  std::vector<TreeNode> nodes;
  std::vector<int32_t> roots;
  std::vector<TreeWeight> weights;
  std::vector<double> members;
};

// Reads the attributes of TreeEnsembleRegressor and TreeEnsembleClassifier ("target" or "class" before
// "_ids", "_weights" ...), or those of TreeEnsemble-5. Errors say what does not fit; targets must lie in
// [0, num_targets). Trees may still run in circles.
Result<Trees> ReadTrees(const Attrs& attrs, const std::string& prefix, int64_t num_targets);
Result<Trees> ReadTreeEnsemble(const Attrs& attrs, int64_t num_targets);

// What the trees' leaves add up to.
enum class TreeSum { kAverage, kSum, kMin, kMax };
struct TreeScores {
  std::vector<double> values;  // per target; 0 where no leaf spoke
  std::vector<bool> is_set;
};
// An error where a feature is none of the row, or a walk does not end.
Result<TreeScores> WalkTrees(const Trees& trees, const std::vector<double>& row, TreeSum sum,
                             int64_t num_targets);

}  // namespace slipway
