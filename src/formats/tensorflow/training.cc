#include "formats/tensorflow/training.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace slipway::tensorflow {
namespace {

constexpr size_t kMaxMaskNodes = 32;

bool IsOneOf(const std::string& op, const std::set<std::string, std::less<>>& ops) {
  return ops.count(op) > 0;
}

std::vector<std::string> DataInputs(const TfNode& node) {
  std::vector<std::string> inputs;
  for (const std::string& input : node.inputs) {
    if (!ParseInput(input).is_control) inputs.push_back(input);
  }
  return inputs;
}

const TfNode* Producer(const TfGraph& graph, const std::string& input) {
  const TfNode* node = graph.Find(ParseInput(input).node);
  for (int hops = 0; node != nullptr && node->op == "Identity" && !node->inputs.empty() && hops < 64; ++hops)
    node = graph.Find(ParseInput(node->inputs[0]).node);
  return node;
}

// Does `input` hold random numbers compared with a rate, and nothing else?
bool IsMask(const TfGraph& graph, const std::string& input) {
  static const std::set<std::string, std::less<>> kArithmetic = {
      "Floor", "Add", "AddV2", "Sub", "Mul", "Cast", "GreaterEqual", "Less", "Identity"};
  static const std::set<std::string, std::less<>> kLeaves = {"Const", "Placeholder",
                                                             "PlaceholderWithDefault"};
  const TfNode* top = Producer(graph, input);
  if (top == nullptr || !IsOneOf(top->op, {"Floor", "Cast", "GreaterEqual"})) return false;
  bool is_random = false;
  bool is_stepped = false;  // only zeros and ones
  std::set<std::string> seen;
  std::vector<const TfNode*> pending = {top};
  while (!pending.empty()) {
    const TfNode& node = *pending.back();
    pending.pop_back();
    if (!seen.insert(node.name).second) continue;
    if (seen.size() > kMaxMaskNodes) return false;
    is_stepped |= node.op == "Floor" || node.op == "GreaterEqual";
    if (IsOneOf(node.op, {"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"})) {
      is_random = true;  // its shape is read from the data
      continue;
    }
    if (IsOneOf(node.op, kLeaves)) continue;
    if (!IsOneOf(node.op, kArithmetic)) return false;
    for (const std::string& each : DataInputs(node)) {
      const TfNode* producer = graph.Find(ParseInput(each).node);
      if (producer == nullptr) return false;
      pending.push_back(producer);
    }
  }
  return is_random && is_stepped;
}

bool IsScalar(const TfGraph& graph, const std::string& input) {
  const TfNode* node = Producer(graph, input);
  if (node == nullptr) return false;
  if (node->op == "Const") {
    const Tensor* value = node->attrs.TensorOf("value");
    return value != nullptr && value->count() == 1;
  }
  if (IsOneOf(node->op, {"Placeholder", "PlaceholderWithDefault"}))
    return node->attrs.IntList("shape").empty();
  // 1 / keep, 1 - rate
  const bool is_arithmetic = IsOneOf(node->op, {"RealDiv", "Sub", "Reciprocal"});
  const std::vector<std::string> inputs = DataInputs(*node);
  return is_arithmetic && std::all_of(inputs.begin(), inputs.end(), [&](const std::string& each) {
           const TfNode* leaf = Producer(graph, each);
           return leaf != nullptr && leaf->name != node->name &&
                  IsOneOf(leaf->op, {"Const", "Placeholder", "PlaceholderWithDefault"}) &&
                  IsScalar(graph, each);
         });
}

// The x of "x / keep" or "x * scale"; empty: it is something else.
std::string Unscaled(const TfGraph& graph, const std::string& input) {
  const TfNode* node = Producer(graph, input);
  if (node == nullptr) return "";
  const std::vector<std::string> inputs = DataInputs(*node);
  if (inputs.size() != 2) return "";
  if (IsOneOf(node->op, {"RealDiv", "Mul"}) && IsScalar(graph, inputs[1])) return inputs[0];
  if (node->op == "Mul" && IsScalar(graph, inputs[0])) return inputs[1];
  return "";
}

// What dropout leaves as it is when it does not drop; empty: `node` is no dropout.
std::string DroppedFrom(const TfGraph& graph, const TfNode& node) {
  const std::vector<std::string> inputs = DataInputs(node);
  if (node.op == "Mul" && inputs.size() == 2) {
    if (IsMask(graph, inputs[1])) return Unscaled(graph, inputs[0]);
    if (IsMask(graph, inputs[0])) return Unscaled(graph, inputs[1]);
  }
  if (IsOneOf(node.op, {"Select", "SelectV2"}) && inputs.size() == 3 && IsMask(graph, inputs[0]))
    return Unscaled(graph, inputs[1]);
  return "";
}

// A scalar placeholder of bool that is called as people call whether to train.
bool IsTrainingFlag(const TfNode& node) {
  if (node.op != "Placeholder" || node.attrs.Type("dtype") != DType::kBool) return false;
  if (!node.attrs.IntList("shape").empty()) return false;
  std::string name = node.name.substr(node.name.rfind('/') + 1);
  std::erase_if(name, [](char c) { return c == '_' || c == '-'; });
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* word :
       {"training", "istrain", "trainflag", "phasetrain", "learningphase", "trainphase", "trainmode"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

bool IsPipeline(const std::string& op) {
  return IsOneOf(op, {"IteratorGetNext", "IteratorGetNextSync", "QueueDequeueV2", "QueueDequeueManyV2",
                      "QueueDequeueUpToV2", "QueueDequeue", "QueueDequeueMany", "QueueDequeueUpTo"});
}

DType PipelineType(const TfNode& node, size_t index) {
  for (const char* attr : {"output_types", "component_types"}) {
    const Ints& types = node.attrs.IntList(attr);
    if (index < types.size()) return static_cast<DType>(types[index]);
  }
  return DType::kF32;
}

// The placeholders of a pipeline's results, by result.
TfNode PlaceholderFor(const TfNode& node, size_t index) {
  const std::string name = index == 0 ? node.name : node.name + "_" + std::to_string(index);
  return {name, "Placeholder", {}, {{"dtype", PipelineType(node, index)}}};
}

void ReplacePipelines(const TfGraph& graph, const std::set<std::string>& kept, std::vector<TfNode>& nodes,
                      std::vector<std::string>& notes) {
  std::map<std::string, std::set<int>> results;  // of every pipeline, that are read
  for (const TfNode& node : nodes) {
    if (IsPipeline(node.op) && !kept.count(node.name)) results[node.name];
  }
  if (results.empty()) return;
  for (TfNode& node : nodes) {
    for (std::string& input : node.inputs) {
      const TfInput at = ParseInput(input);
      const auto found = at.is_control ? results.end() : results.find(at.node);
      if (found == results.end()) continue;
      found->second.insert(at.index);
      const TfNode placeholder = PlaceholderFor(*graph.Find(at.node), static_cast<size_t>(at.index));
      if (graph.Find(placeholder.name) == nullptr || at.index == 0) input = placeholder.name;
    }
  }
  for (const auto& [name, indices] : results) {
    const TfNode pipeline = *graph.Find(name);
    for (int index : indices) {
      const TfNode placeholder = PlaceholderFor(pipeline, static_cast<size_t>(index));
      if (index == 0 || graph.Find(placeholder.name) == nullptr) {
        if (index != 0) nodes.push_back(placeholder);
        notes.push_back("what " + pipeline.op + " '" + name + "' fetches is the input '" + placeholder.name +
                        "'");
      }
    }
    const auto at = std::find_if(nodes.begin(), nodes.end(),
                                 [&](const TfNode& node) { return node.name == pipeline.name; });
    *at = PlaceholderFor(pipeline, 0);
  }
}

void NoteLeftOut(const TfGraph& graph, std::vector<std::string>& notes) {
  std::map<std::string, int> counts;
  for (const TfNode& node : graph.nodes) {
    if (node.op == "Assert" || node.op == "PrintV2" || node.op.ends_with("Summary") ||
        node.op.ends_with("SummaryV2"))
      ++counts[node.op];
    if (node.op.starts_with("FusedBatchNorm") && node.attrs.Int("is_training", 1) != 0)
      notes.push_back(node.op + " '" + node.name +
                      "' is in training mode: it normalises by its own batch, as TensorFlow does; export for "
                      "inference to use the moving averages");
  }
  for (const auto& [op, count] : counts) notes.push_back("left out: " + op + " x" + std::to_string(count));
}

}  // namespace

TfGraph WithoutTraining(const TfGraph& graph, const std::set<std::string>& kept,
                        std::vector<std::string>& notes) {
  std::vector<TfNode> nodes = graph.nodes;
  size_t num_dropouts = 0;
  for (TfNode& node : nodes) {
    if (kept.count(node.name)) continue;
    if (std::string x = DroppedFrom(graph, node); !x.empty()) {
      node = {node.name, "Identity", {std::move(x)}, {}};
      ++num_dropouts;
    } else if (node.op == "Print" && !node.inputs.empty()) {
      node = {node.name, "Identity", {node.inputs[0]}, {}};
    } else if (IsTrainingFlag(node)) {
      Tensor is_training(DType::kBool, {});
      node = {node.name, "Const", {}, {{"dtype", DType::kBool}, {"value", std::move(is_training)}}};
      notes.push_back("'" + node.name + "' is taken as false; --input " + node.name + " makes it an input");
    }
  }
  if (num_dropouts > 0) notes.push_back("left out: dropout x" + std::to_string(num_dropouts));
  NoteLeftOut(graph, notes);
  ReplacePipelines(graph, kept, nodes, notes);
  TfGraph result;
  result.library = graph.library;
  result.version = graph.version;
  result.nodes = std::move(nodes);
  (void)result.Index();  // names are unique
  return result;
}

}  // namespace slipway::tensorflow
