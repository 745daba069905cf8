#include "ops/ml/trees.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/scalar.h"

namespace slipway {
namespace {

Status Invalid(std::string message) { return Status(Code::kInvalidModel, std::move(message)); }

Result<TreeMode> ModeOf(const std::string& name) {
  constexpr const char* kNames[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                    "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<TreeMode>(i);
  }
  return Invalid("nodes_modes holds '" + name + "'");
}

bool HasSize(size_t size, size_t wanted) { return size == wanted; }

using NodeKey = std::pair<int64_t, int64_t>;  // tree, node
using NodeMap = std::map<NodeKey, int32_t>;

Result<int32_t> Find(const NodeMap& places, int64_t tree, int64_t node) {
  const auto found = places.find({tree, node});
  if (found != places.end()) return found->second;
  return Invalid("tree " + std::to_string(tree) + " has no node " + std::to_string(node));
}

// Leaves' weights, in the order of the leaves.
Status ReadWeights(const Attrs& attrs, const std::string& prefix, int64_t num_targets, const NodeMap& places,
                   Trees& trees) {
  const Ints& tree_ids = attrs.IntList(prefix + "_treeids");
  const Ints& node_ids = attrs.IntList(prefix + "_nodeids");
  const Ints& targets = attrs.IntList(prefix + "_ids");
  const std::vector<double> weights =
      RealsOfAttr(attrs, (prefix + "_weights").c_str(), (prefix + "_weights_as_tensor").c_str());
  const size_t count = weights.size();
  if (!HasSize(tree_ids.size(), count) || !HasSize(node_ids.size(), count) || !HasSize(targets.size(), count))
    return Invalid(prefix + "_treeids, _nodeids, _ids and _weights differ in length");
  std::vector<std::pair<int32_t, size_t>> order;  // leaf, weight
  for (size_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const int32_t leaf, Find(places, tree_ids[i], node_ids[i]));
    if (targets[i] < 0 || targets[i] >= num_targets)
      return Invalid(prefix + "_ids holds " + std::to_string(targets[i]) + "; there are " +
                     std::to_string(num_targets));
    order.emplace_back(leaf, i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [leaf, i] : order) {
    TreeNode& node = trees.nodes[static_cast<size_t>(leaf)];
    if (node.mode != TreeMode::kLeaf) continue;  // as onnxruntime: what inner nodes weigh is not read
    if (node.last == 0) node.first = static_cast<int32_t>(trees.weights.size());
    trees.weights.push_back({targets[i], weights[i]});
    node.last = static_cast<int32_t>(trees.weights.size());
  }
  return Status::Ok();
}

}  // namespace

Result<Trees> ReadTrees(const Attrs& attrs, const std::string& prefix, int64_t num_targets) {
  const Ints& tree_ids = attrs.IntList("nodes_treeids");
  const Ints& node_ids = attrs.IntList("nodes_nodeids");
  const Ints& features = attrs.IntList("nodes_featureids");
  const Ints& yes = attrs.IntList("nodes_truenodeids");
  const Ints& no = attrs.IntList("nodes_falsenodeids");
  const Ints& missing = attrs.IntList("nodes_missing_value_tracks_true");
  const Strings& modes = attrs.StringList("nodes_modes");
  const std::vector<double> values = RealsOfAttr(attrs, "nodes_values", "nodes_values_as_tensor");
  const size_t count = node_ids.size();
  const bool fits = count > 0 && count < INT32_MAX && HasSize(tree_ids.size(), count) &&
                    HasSize(features.size(), count) && HasSize(yes.size(), count) &&
                    HasSize(no.size(), count) && HasSize(modes.size(), count) &&
                    HasSize(values.size(), count) && (missing.empty() || HasSize(missing.size(), count));
  if (!fits) return Invalid("the nodes_ attributes differ in length, or are empty");
  Trees trees;
  NodeMap places;
  for (size_t i = 0; i < count; ++i) {
    if (!places.emplace(NodeKey{tree_ids[i], node_ids[i]}, static_cast<int32_t>(i)).second)
      return Invalid("tree " + std::to_string(tree_ids[i]) + " has node " + std::to_string(node_ids[i]) +
                     " twice");
  }
  std::vector<bool> is_child(count, false);
  for (size_t i = 0; i < count; ++i) {
    TreeNode node;
    SLIPWAY_ASSIGN_OR_RETURN(node.mode, ModeOf(modes[i]));
    if (node.mode == TreeMode::kMember)
      return Invalid("nodes_modes holds BRANCH_MEMBER, which only TreeEnsemble has");
    node.feature = features[i];
    node.value = values[i];
    node.takes_missing = !missing.empty() && missing[i] != 0;
    if (node.mode != TreeMode::kLeaf) {
      SLIPWAY_ASSIGN_OR_RETURN(node.yes, Find(places, tree_ids[i], yes[i]));
      SLIPWAY_ASSIGN_OR_RETURN(node.no, Find(places, tree_ids[i], no[i]));
      is_child[static_cast<size_t>(node.yes)] = is_child[static_cast<size_t>(node.no)] = true;
    }
    trees.nodes.push_back(node);
  }
  for (size_t i = 0; i < count; ++i) {
    if (!is_child[i]) trees.roots.push_back(static_cast<int32_t>(i));
  }
  SLIPWAY_RETURN_IF_ERROR(ReadWeights(attrs, prefix, num_targets, places, trees));
  return trees;
}

namespace {

// The sets of BRANCH_MEMBER nodes in the order of the nodes' walk from the roots, NaN after each.
Status ReadMembers(const Attrs& attrs, Trees& trees) {
  const Tensor* tensor = attrs.TensorOf("membership_values");
  if (tensor != nullptr && IsFloat(tensor->dtype())) trees.members = Reals(*tensor);
  size_t at = 0;
  std::vector<bool> is_seen(trees.nodes.size(), false);
  for (int32_t root : trees.roots) {
    std::vector<int32_t> open = {root};
    while (!open.empty()) {
      const auto here = static_cast<size_t>(open.back());
      open.pop_back();
      TreeNode& node = trees.nodes[here];
      if (is_seen[here] || node.mode == TreeMode::kLeaf) continue;
      is_seen[here] = true;
      if (node.mode == TreeMode::kMember) {
        node.first = static_cast<int32_t>(at);
        while (at < trees.members.size() && !std::isnan(trees.members[at])) ++at;
        if (at >= trees.members.size())
          return Invalid("membership_values ends within a set; each ends with NaN");
        node.last = static_cast<int32_t>(at++);
      }
      open.push_back(node.no);
      open.push_back(node.yes);
    }
  }
  return Status::Ok();
}

}  // namespace

Result<Trees> ReadTreeEnsemble(const Attrs& attrs, int64_t num_targets) {
  const Ints& features = attrs.IntList("nodes_featureids");
  const Ints& yes = attrs.IntList("nodes_truenodeids");
  const Ints& no = attrs.IntList("nodes_falsenodeids");
  const Ints& is_yes_leaf = attrs.IntList("nodes_trueleafs");
  const Ints& is_no_leaf = attrs.IntList("nodes_falseleafs");
  const Ints& missing = attrs.IntList("nodes_missing_value_tracks_true");
  const Ints& targets = attrs.IntList("leaf_targetids");
  const Tensor* modes = attrs.TensorOf("nodes_modes");
  const std::vector<double> values = RealsOfAttr(attrs, "", "nodes_splits");
  const std::vector<double> weights = RealsOfAttr(attrs, "", "leaf_weights");
  const size_t count = features.size();
  const bool fits =
      count > 0 && count < INT32_MAX / 2 && weights.size() < INT32_MAX / 2 && HasSize(yes.size(), count) &&
      HasSize(no.size(), count) && HasSize(is_yes_leaf.size(), count) && HasSize(is_no_leaf.size(), count) &&
      HasSize(values.size(), count) && modes != nullptr && IsInteger(modes->dtype()) &&
      HasSize(static_cast<size_t>(modes->count()), count) &&
      (missing.empty() || HasSize(missing.size(), count)) && HasSize(targets.size(), weights.size());
  if (!fits) return Invalid("the nodes_ or the leaf_ attributes differ in length, or are empty");
  Trees trees;
  // Inner nodes first, then leaves.
  const auto place = [&](int64_t id, int64_t is_leaf) -> Result<int32_t> {
    const size_t limit = is_leaf != 0 ? weights.size() : count;
    if (id < 0 || static_cast<size_t>(id) >= limit)
      return Invalid("there is no " + std::string(is_leaf != 0 ? "leaf " : "node ") + std::to_string(id));
    return static_cast<int32_t>(id + (is_leaf != 0 ? static_cast<int64_t>(count) : 0));
  };
  for (size_t i = 0; i < count; ++i) {
    TreeNode node;
    const int64_t mode = LoadInt(modes->dtype(), modes->data(), static_cast<int64_t>(i));
    if (mode < 0 || mode > 6)
      return Invalid("nodes_modes holds " + std::to_string(mode) + "; it must be 0 to 6");
    node.mode = static_cast<TreeMode>(mode);
    node.feature = features[i];
    node.value = values[i];
    node.takes_missing = !missing.empty() && missing[i] != 0;
    SLIPWAY_ASSIGN_OR_RETURN(node.yes, place(yes[i], is_yes_leaf[i]));
    SLIPWAY_ASSIGN_OR_RETURN(node.no, place(no[i], is_no_leaf[i]));
    trees.nodes.push_back(node);
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    if (targets[i] < 0 || targets[i] >= num_targets)
      return Invalid("leaf_targetids holds " + std::to_string(targets[i]) + "; there are " +
                     std::to_string(num_targets));
    TreeNode leaf;
    leaf.first = static_cast<int32_t>(i);
    leaf.last = leaf.first + 1;
    trees.nodes.push_back(leaf);
    trees.weights.push_back({targets[i], weights[i]});
  }
  for (int64_t root : attrs.IntList("tree_roots")) {
    SLIPWAY_ASSIGN_OR_RETURN(const int32_t at, place(root, 0));
    trees.roots.push_back(at);
  }
  SLIPWAY_RETURN_IF_ERROR(ReadMembers(attrs, trees));
  return trees;
}

namespace {

bool Holds(const Trees& trees, const TreeNode& node, double x) {
  if (std::isnan(x) && node.takes_missing) return true;
  switch (node.mode) {
    case TreeMode::kLeq: return x <= node.value;
    case TreeMode::kLt: return x < node.value;
    case TreeMode::kGte: return x >= node.value;
    case TreeMode::kGt: return x > node.value;
    case TreeMode::kEq: return x == node.value;
    case TreeMode::kNeq: return x != node.value;
    case TreeMode::kMember:
      return std::find(trees.members.begin() + node.first, trees.members.begin() + node.last, x) !=
             trees.members.begin() + node.last;
    case TreeMode::kLeaf: break;
  }
  return false;
}

void Add(TreeSum sum, const TreeWeight& weight, TreeScores& scores) {
  const auto target = static_cast<size_t>(weight.target);
  double& value = scores.values[target];
  if (!scores.is_set[target]) {
    value = weight.weight;
  } else if (sum == TreeSum::kMin) {
    value = std::min(value, weight.weight);
  } else if (sum == TreeSum::kMax) {
    value = std::max(value, weight.weight);
  } else {
    value += weight.weight;
  }
  scores.is_set[target] = true;
}

}  // namespace

Result<TreeScores> WalkTrees(const Trees& trees, const std::vector<double>& row, TreeSum sum,
                             int64_t num_targets) {
  TreeScores scores;
  scores.values.resize(static_cast<size_t>(num_targets));
  scores.is_set.resize(static_cast<size_t>(num_targets));
  for (int32_t root : trees.roots) {
    const TreeNode* node = &trees.nodes[static_cast<size_t>(root)];
    for (size_t steps = 0; node->mode != TreeMode::kLeaf; ++steps) {
      if (steps > trees.nodes.size()) return Invalid("the nodes of a tree run in a circle");
      if (node->feature < 0 || static_cast<size_t>(node->feature) >= row.size())
        return Invalid("a tree asks for feature " + std::to_string(node->feature) + " of " +
                       std::to_string(row.size()));
      const bool holds = Holds(trees, *node, row[static_cast<size_t>(node->feature)]);
      node = &trees.nodes[static_cast<size_t>(holds ? node->yes : node->no)];
    }
    for (int32_t i = node->first; i < node->last; ++i)
      Add(sum, trees.weights[static_cast<size_t>(i)], scores);
  }
  if (sum == TreeSum::kAverage) {
    for (double& value : scores.values) value /= static_cast<double>(trees.roots.size());
  }
  return scores;
}

}  // namespace slipway
