#include "formats/wts/fill.h"

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "base/scalar.h"

namespace slipway {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxListed = 200;  // lines of one message
constexpr size_t kMaxGuessed = 20;  // of which those with a "did you mean"

// Calls visit(graph, index of the value) for every constant.
template <class Visit>
void ForEachConstant(const Graph& graph, int depth, const Visit& visit) {
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].IsConstant()) visit(graph, i);
  }
  if (depth == kMaxDepth) return;
  for (const Node& node : graph.nodes) {
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub != nullptr && *sub != nullptr) ForEachConstant(**sub, depth + 1, visit);
    }
  }
}

bool TakesFloats(const Value& value) {
  const DType dtype = value.data.dtype();
  return !value.quant &&
         (dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF64);
}

Tensor Converted(const Tensor& array, const Tensor& like) {
  if (like.dtype() == DType::kF32) return array.Reshaped(like.dims());
  Tensor tensor(like.dtype(), like.dims());
  for (int64_t i = 0; i < tensor.count(); ++i)
    StoreReal(tensor.dtype(), tensor.data(), i, double{array.as<float>()[i]});
  return tensor;
}

// Writes what fits into the graph. REQUIRES: everything that has a name of `weights` fits.
int64_t Fill(Graph& graph, const WtsWeights::Map& weights, int depth) {
  int64_t filled = 0;
  for (Value& value : graph.values) {
    if (!value.IsConstant()) continue;
    const auto found = weights.find(value.name);
    if (found == weights.end()) continue;
    value.data = Converted(found->second, value.data);
    ++filled;
  }
  if (depth == kMaxDepth) return filled;
  for (Node& node : graph.nodes) {
    std::vector<std::pair<std::string, GraphRef>> replaced;
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub == nullptr || *sub == nullptr) continue;
      Graph copy = **sub;
      const int64_t inside = Fill(copy, weights, depth + 1);
      if (inside == 0) continue;
      filled += inside;
      replaced.emplace_back(name, std::make_shared<const Graph>(std::move(copy)));
    }
    for (auto& [name, sub] : replaced) node.attrs.Set(name, std::move(sub));
  }
  return filled;
}

// What does not fit, a line each.
class Misfits {
 public:
  void Add(std::string line) {
    if (++count_ <= kMaxListed) lines_ += "\n    " + std::move(line);
  }
  size_t count() const { return count_; }
  Status ToStatus(std::string_view name) const {
    if (count_ == 0) return Status::Ok();
    std::string lines = lines_;
    if (count_ > kMaxListed) lines += "\n    and " + std::to_string(count_ - kMaxListed) + " more";
    return Status(Code::kInvalidModel,
                  "the weights of '" + std::string(name) + "' do not fit the model:" + lines,
                  "arrays go by the names of the model's constants; inspect lists the file's, "
                  "inspect --no-optimize --text the model's");
  }

 private:
  size_t count_ = 0;
  std::string lines_;
};

}  // namespace

Result<FillReport> FillWeights(Graph& graph, const WtsWeights& weights, std::string_view name,
                               const FillOptions& options) {
  FillReport report;
  std::set<std::string_view> found;
  std::vector<std::string_view> constants;
  Misfits misfits;
  ForEachConstant(graph, 0, [&](const Graph& owner, size_t i) {
    const Value& value = owner.values[i];
    if (TakesFloats(value)) constants.push_back(value.name);
    const auto array = weights.all().find(value.name);
    if (array == weights.all().end()) return;
    found.insert(array->first);
    if (array->first.ends_with(".num_batches_tracked")) return;
    const std::string type = Describe(value.data);
    if (!TakesFloats(value)) {
      misfits.Add("'" + value.name + "' is " + type + (value.quant ? ", quantised," : "") +
                  " in the model; a .wts file holds floats");
    } else if (array->second.count() != value.data.count()) {
      misfits.Add("'" + value.name + "' has " + std::to_string(array->second.count()) +
                  " elements, the model's " + type + " takes " + std::to_string(value.data.count()));
    }
  });
  WtsWeights::Map used;
  for (const auto& [key, tensor] : weights.all()) {
    if (key.ends_with(".num_batches_tracked")) continue;
    if (found.contains(key)) {
      used.emplace(key, tensor);
    } else if (options.leaves_unknown) {
      report.unknown.push_back(key);
    } else {
      // Guessing takes time in proportion to both lists.
      misfits.Add("'" + key + "' is no constant of the model" +
                  (misfits.count() < kMaxGuessed ? DidYouMean(key, constants) : ""));
    }
  }
  SLIPWAY_RETURN_IF_ERROR(misfits.ToStatus(name));
  if (used.empty())
    return Status(Code::kInvalidModel,
                  "no array of '" + std::string(name) + "' is called as a constant of the model",
                  "inspect lists the file's arrays, inspect --no-optimize --text the model's constants");
  ForEachConstant(graph, 0, [&](const Graph& owner, size_t i) {
    const Value& value = owner.values[i];
    if (TakesFloats(value) && value.data.count() > 1 && !used.contains(value.name))
      report.kept.push_back(value.name);
  });
  report.filled = Fill(graph, used, 0);
  return report;
}

}  // namespace slipway
