// Decision trees: TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble.
//
// Source: ai.onnx.ml, versions 1, 3 and 5. Two classes whose leaves speak of one class only are decided by
// that score, as onnxruntime does; where leaves speak of both, the greater score wins, as ONNX says.
#include <algorithm>

#include "base/scalar.h"
#include "ops/ml/trees.h"

namespace slipway {
namespace {

constexpr int64_t kMostTargets = 1 << 20;

Status CheckTargets(const InferContext& context, int64_t targets) {
  if (targets >= 1 && targets <= kMostTargets) return Status::Ok();
  return context.Error("there are " + std::to_string(targets) +
                       " targets or classes; it must be 1 to 1048576");
}

std::vector<double> BaseOf(const Attrs& attrs) {
  return RealsOfAttr(attrs, "base_values", "base_values_as_tensor");
}

Status InferScores(InferContext& context, size_t output, DType dtype, int64_t columns,
                   const Result<Trees>& trees) {
  if (!trees.ok()) return context.Error(trees.status().message());
  SLIPWAY_ASSIGN_OR_RETURN(DimList shape, RowShape(context, columns));
  context.SetOutput(output, dtype, std::move(shape));
  return Status::Ok();
}

Status InferRegressor(InferContext& context) {
  const int64_t targets = context.attrs().Int("n_targets");
  SLIPWAY_RETURN_IF_ERROR(CheckTargets(context, targets));
  const size_t base = BaseOf(context.attrs()).size();
  if (base != 0 && base != static_cast<size_t>(targets))
    return context.Error(std::to_string(base) + " base values for " + std::to_string(targets) + " targets");
  return InferScores(context, 0, DType::kF32, targets, ReadTrees(context.attrs(), "target", targets));
}

// Writes the finished scores of every sample.
Status RunTargets(RunContext& context, const Trees& trees, TreeSum sum, int64_t targets,
                  const std::string& transform) {
  const Tensor& x = context.in(0);
  const SampleRows rows = RowsOf(x);
  const std::vector<double> base = BaseOf(context.attrs());
  Tensor& y = context.AllocateOutput(0, {rows.samples, targets});
  for (int64_t n = 0; n < rows.samples; ++n) {
    auto scores = WalkTrees(trees, RealsOfRow(x, n, rows.features), sum, targets);
    if (!scores.ok()) return context.Error(scores.status().message());
    for (size_t t = 0; t < base.size(); ++t) scores->values[t] += base[t];
    FinishScores(transform, SecondScore::kNone, scores->values);
    for (int64_t t = 0; t < targets; ++t)
      StoreReal(y.dtype(), y.data(), n * targets + t, scores->values[static_cast<size_t>(t)]);
  }
  return Status::Ok();
}

TreeSum SumOf(const std::string& name) {
  if (name == "AVERAGE") return TreeSum::kAverage;
  if (name == "MIN") return TreeSum::kMin;
  return name == "MAX" ? TreeSum::kMax : TreeSum::kSum;
}

Status RunRegressor(RunContext& context) {
  const Attrs& attrs = context.attrs();
  const int64_t targets = attrs.Int("n_targets");
  SLIPWAY_ASSIGN_OR_RETURN(const Trees trees, ReadTrees(attrs, "target", targets));
  return RunTargets(context, trees, SumOf(attrs.String("aggregate_function")), targets,
                    attrs.String("post_transform"));
}

constexpr const char* kLabels = "classlabels_int64s";

Status InferClassifier(InferContext& context) {
  const Attrs& attrs = context.attrs();
  const Labels labels(attrs, kLabels);
  const auto classes = static_cast<int64_t>(labels.size());
  SLIPWAY_RETURN_IF_ERROR(CheckTargets(context, classes));
  const size_t base = BaseOf(attrs).size();
  if (base != 0 && base != labels.size() && !(base == 1 && classes == 2))
    return context.Error(std::to_string(base) + " base values for " + std::to_string(classes) + " classes");
  SLIPWAY_RETURN_IF_ERROR(InferScores(context, 1, DType::kF32, classes, ReadTrees(attrs, "class", classes)));
  context.SetOutput(0, labels.dtype(), {(*RowShape(context, classes))[0]});
  return Status::Ok();
}

// Two classes, and all leaves speak of one: the class they speak of, else -1.
int64_t OnlyClass(const Trees& trees, int64_t classes) {
  if (classes != 2 || trees.weights.empty()) return -1;
  const int64_t first = trees.weights[0].target;
  const bool is_only = std::all_of(trees.weights.begin(), trees.weights.end(),
                                   [&](const TreeWeight& weight) { return weight.target == first; });
  return is_only ? first : -1;
}

// Finishes one sample's scores in place, and gives the number of its class.
size_t Classify(const Trees& trees, const Attrs& attrs, const std::vector<double>& base, int64_t only,
                std::vector<double>& scores) {
  const std::string& transform = attrs.String("post_transform");
  if (only < 0 || base.size() == 2) {
    for (size_t i = 0; i < base.size() && base.size() == scores.size(); ++i) scores[i] += base[i];
    const size_t best = ArgMax(scores);
    FinishScores(transform, SecondScore::kNone, scores);
    return best;
  }
  const bool is_positive = std::all_of(trees.weights.begin(), trees.weights.end(),
                                       [](const TreeWeight& weight) { return weight.weight >= 0; });
  double score = scores[static_cast<size_t>(only)];
  if (only == 0) {
    if (base.size() == 1) score += base[0];
    scores = {score};
  }
  FinishScores(transform, is_positive ? SecondScore::kComplement : SecondScore::kNegated, scores);
  if (scores.size() == 1) scores.push_back(0);
  return score > (is_positive ? 0.5 : 0) ? 1 : 0;
}

Status RunClassifier(RunContext& context) {
  const Tensor& x = context.in(0);
  const Attrs& attrs = context.attrs();
  const SampleRows rows = RowsOf(x);
  const Labels labels(attrs, kLabels);
  const auto classes = static_cast<int64_t>(labels.size());
  SLIPWAY_ASSIGN_OR_RETURN(const Trees trees, ReadTrees(attrs, "class", classes));
  const std::vector<double> base = BaseOf(attrs);
  const int64_t only = OnlyClass(trees, classes);
  Tensor* label = context.HasOutput(0) ? &context.AllocateOutput(0, {rows.samples}) : nullptr;
  Tensor* score = context.HasOutput(1) ? &context.AllocateOutput(1, {rows.samples, classes}) : nullptr;
  for (int64_t n = 0; n < rows.samples; ++n) {
    auto scores = WalkTrees(trees, RealsOfRow(x, n, rows.features), TreeSum::kSum, classes);
    if (!scores.ok()) return context.Error(scores.status().message());
    const size_t best = Classify(trees, attrs, base, only, scores->values);
    if (label != nullptr) labels.Store(best, *label, n);
    for (int64_t t = 0; score != nullptr && t < classes; ++t)
      StoreReal(score->dtype(), score->data(), n * classes + t, scores->values[static_cast<size_t>(t)]);
  }
  return Status::Ok();
}

Status InferEnsemble(InferContext& context) {
  const Attrs& attrs = context.attrs();
  const int64_t targets = attrs.Int("n_targets");
  SLIPWAY_RETURN_IF_ERROR(CheckTargets(context, targets));
  const bool is_known = attrs.Int("aggregate_function") >= 0 && attrs.Int("aggregate_function") <= 3 &&
                        attrs.Int("post_transform") >= 0 && attrs.Int("post_transform") <= 4;
  if (!is_known) return context.Error("aggregate_function must be 0 to 3 and post_transform 0 to 4");
  return InferScores(context, 0, context.dtype(0), targets, ReadTreeEnsemble(attrs, targets));
}

Status RunEnsemble(RunContext& context) {
  const Attrs& attrs = context.attrs();
  constexpr const char* kTransforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  const int64_t targets = attrs.Int("n_targets");
  SLIPWAY_ASSIGN_OR_RETURN(const Trees trees, ReadTreeEnsemble(attrs, targets));
  return RunTargets(context, trees, static_cast<TreeSum>(attrs.Int("aggregate_function")), targets,
                    kTransforms[attrs.Int("post_transform")]);
}

std::vector<AttrDef> NodeAttrs() {
  return {IntsAttr("nodes_treeids", {}, "of each node: its tree"),
          IntsAttr("nodes_nodeids", {}, "of each node: its number in the tree"),
          IntsAttr("nodes_featureids", {}, "of each node: the feature that decides"),
          StringsAttr("nodes_modes", {}, "of each node: BRANCH_LEQ, _LT, _GTE, _GT, _EQ, _NEQ or LEAF"),
          FloatsAttr("nodes_values", {}, "of each node: what the feature is compared with"),
          TensorAttr("nodes_values_as_tensor", "the same, in doubles"),
          IntsAttr("nodes_truenodeids", {}, "of each node: the next where it holds"),
          IntsAttr("nodes_falsenodeids", {}, "of each node: the next where it does not"),
          IntsAttr("nodes_missing_value_tracks_true", {}, "of each node: 1 where it holds for NaN"),
          FloatsAttr("nodes_hitrates", {}, "not used"),
          TensorAttr("nodes_hitrates_as_tensor", "not used"),
          FloatsAttr("base_values", {}, "added to the sums of the trees"),
          TensorAttr("base_values_as_tensor", "the same, in doubles"),
          PostTransformAttr()};
}

void AddLeafAttrs(const std::string& prefix, std::vector<AttrDef>& attrs) {
  attrs.push_back(IntsAttr(prefix + "_treeids", {}, "of each weight: the tree"));
  attrs.push_back(IntsAttr(prefix + "_nodeids", {}, "of each weight: the leaf"));
  attrs.push_back(IntsAttr(prefix + "_ids", {}, "of each weight: the " + prefix + " it is for"));
  attrs.push_back(FloatsAttr(prefix + "_weights", {}, "what the leaves add"));
  attrs.push_back(TensorAttr(prefix + "_weights_as_tensor", "the same, in doubles"));
}

// Two stumps.
Attrs TestNodes(const std::string& prefix, Ints ids) {
  return {{"nodes_treeids", Ints{0, 0, 0, 1, 1, 1}},
          {"nodes_nodeids", Ints{0, 1, 2, 0, 1, 2}},
          {"nodes_featureids", Ints{0, 0, 0, 2, 0, 0}},
          {"nodes_modes", Strings{"BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_GT", "LEAF", "LEAF"}},
          {"nodes_values", Floats{0.5F, 0, 0, -1, 0, 0}},
          {"nodes_truenodeids", Ints{1, 0, 0, 1, 0, 0}},
          {"nodes_falsenodeids", Ints{2, 0, 0, 2, 0, 0}},
          {prefix + "_treeids", Ints{0, 0, 1, 1}},
          {prefix + "_nodeids", Ints{1, 2, 1, 2}},
          {prefix + "_ids", std::move(ids)},
          {prefix + "_weights", Floats{1, -2, 0.5F, 4}}};
}

}  // namespace

OpDef MakeTreeEnsembleRegressor() {
  OpDef op;
  op.name = "TreeEnsembleRegressor";
  op.group = "ml";
  op.summary = "The sum, mean, least or greatest of what the leaves of decision trees say, per target.";
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]"}};
  op.outputs = {{"y", {DType::kF32}, "[N,n_targets]"}};
  op.attrs = NodeAttrs();
  AddLeafAttrs("target", op.attrs);
  op.attrs.push_back(IntAttr("n_targets", 1, "targets"));
  op.attrs.push_back(
      StringAttr("aggregate_function", "SUM", {"AVERAGE", "SUM", "MIN", "MAX"}, "how trees combine"));
  op.infer = InferRegressor;
  op.reference = RunRegressor;
  op.cases = [] {
    Attrs attrs = TestNodes("target", {0, 1, 1, 0});
    attrs.Set("n_targets", int64_t{2});
    return std::vector<TestCase>{{"stumps", {{.dims = {6, 3}}}, attrs}};
  };
  op.foreign = {{Format::kOnnx, "TreeEnsembleRegressor", 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

OpDef MakeTreeEnsembleClassifier() {
  OpDef op;
  op.name = "TreeEnsembleClassifier";
  op.group = "ml";
  op.summary = "The class with the greatest sum of what the leaves of decision trees say.";
  op.inputs = {{"x", kMlNumbers, "[N,features] or [features]"}};
  op.outputs = {{"label", {DType::kString, DType::kI64}, "[N]: the class of each sample"},
                {"scores", {DType::kF32}, "[N,classes]"}};
  op.attrs = NodeAttrs();
  AddLeafAttrs("class", op.attrs);
  for (AttrDef& attr : LabelAttrs(kLabels)) op.attrs.push_back(std::move(attr));
  op.infer = InferClassifier;
  op.reference = RunClassifier;
  op.cases = [] {
    Attrs attrs = TestNodes("class", {0, 1, 1, 2});
    attrs.Set("classlabels_int64s", Ints{7, 8, 9});
    return std::vector<TestCase>{{"stumps", {{.dims = {6, 3}}}, attrs, 2}};
  };
  op.foreign = {{Format::kOnnx, "TreeEnsembleClassifier", 1, INT_MAX, nullptr, kMlDomain}};
  return op;
}

OpDef MakeTreeEnsemble() {
  const DTypeSet reals = {DType::kF32, DType::kF64, DType::kF16};
  OpDef op;
  op.name = "TreeEnsemble";
  op.group = "ml";
  op.summary = "Decision trees with one weight per leaf, their nodes and leaves numbered across all trees.";
  op.inputs = {{"x", reals, "[N,features] or [features]"}};
  op.outputs = {{"y", reals, "[N,n_targets]"}};
  op.attrs = {IntsAttr("tree_roots", {}, "the node that each tree begins with"),
              IntsAttr("nodes_featureids", {}, "of each node: the feature that decides"),
              Required(TensorAttr("nodes_modes",
                                  "of each node: 0 <=, 1 <, 2 >=, 3 >, 4 ==, 5 !=, 6 member of a set")),
              Required(TensorAttr("nodes_splits", "of each node: what the feature is compared with")),
              IntsAttr("nodes_truenodeids", {}, "of each node: the next node or leaf where it holds"),
              IntsAttr("nodes_trueleafs", {}, "1: that is a leaf"),
              IntsAttr("nodes_falsenodeids", {}, "of each node: the next node or leaf where it does not"),
              IntsAttr("nodes_falseleafs", {}, "1: that is a leaf"),
              IntsAttr("nodes_missing_value_tracks_true", {}, "of each node: 1 where it holds for NaN"),
              TensorAttr("nodes_hitrates", "not used"),
              TensorAttr("membership_values", "the sets in the order of their nodes, NaN after each"),
              IntsAttr("leaf_targetids", {}, "of each leaf: its target"),
              Required(TensorAttr("leaf_weights", "of each leaf: what it adds")),
              IntAttr("n_targets", 1, "targets"),
              IntAttr("aggregate_function", 1, "0 mean, 1 sum, 2 least, 3 greatest"),
              IntAttr("post_transform", 0, "0 none, 1 SOFTMAX, 2 LOGISTIC, 3 SOFTMAX_ZERO, 4 PROBIT")};
  op.infer = InferEnsemble;
  op.reference = RunEnsemble;
  op.cases = [] {
    const auto floats = [](std::vector<float> values) {
      return Tensor::From<float>(DType::kF32, {static_cast<int64_t>(values.size())},
                                 std::span<const float>(values));
    };
    const std::vector<uint8_t> modes = {0, 3};
    return std::vector<TestCase>{
        {"two_nodes",
         {{.dims = {6, 2}}},
         {{"tree_roots", Ints{0}},
          {"nodes_featureids", Ints{0, 1}},
          {"nodes_modes", Tensor::From<uint8_t>(DType::kU8, {2}, std::span<const uint8_t>(modes))},
          {"nodes_splits", floats({0.5F, -1})},
          {"nodes_truenodeids", Ints{1, 0}},
          {"nodes_trueleafs", Ints{0, 1}},
          {"nodes_falsenodeids", Ints{2, 1}},
          {"nodes_falseleafs", Ints{1, 1}},
          {"leaf_targetids", Ints{0, 1, 0}},
          {"leaf_weights", floats({1, 2, 3})},
          {"n_targets", int64_t{2}}}}};
  };
  op.foreign = {{Format::kOnnx, "TreeEnsemble", 5, INT_MAX, nullptr, kMlDomain}};
  return op;
}

}  // namespace slipway
