// Loops: everything of one frame becomes the two functions of a While.
#include <algorithm>
#include <set>

#include "formats/tensorflow/raising.h"

namespace slipway::tensorflow {
namespace {

bool IsEnter(const TfNode& node) { return node.op == "Enter" || node.op == "RefEnter"; }
bool IsMerge(const TfNode& node) { return node.op == "Merge" || node.op == "RefMerge"; }
bool IsSwitch(const TfNode& node) { return node.op == "Switch" || node.op == "RefSwitch"; }
bool IsNext(const TfNode& node) { return node.op == "NextIteration" || node.op == "RefNextIteration"; }
bool IsExit(const TfNode& node) { return node.op == "Exit" || node.op == "RefExit"; }

// Loops of one graph; no real one comes near.
constexpr int kMaxLoops = 1000;

// One carried value.
struct Carried {
  const TfNode* enter = nullptr;
  const TfNode* merge = nullptr;
  const TfNode* next = nullptr;
  std::vector<const TfNode*> exits;
};

// What raising needs of one frame. Empty `carried`: not of the usual form.
struct Frame {
  std::vector<Carried> carried;
  std::vector<const TfNode*> constants;  // Enters of values that stay
  const TfNode* condition = nullptr;     // LoopCond
};

const TfNode* Producer(const TfGraph& graph, const TfNode& node, size_t input) {
  return input < node.inputs.size() ? graph.Find(ParseInput(node.inputs[input]).node) : nullptr;
}

// nullopt: some part is missing.
std::optional<Frame> FrameOf(const TfGraph& graph, const std::vector<const TfNode*>& enters) {
  Frame frame;
  for (const TfNode* enter : enters) {
    if (enter->inputs.empty()) return std::nullopt;
    Carried carried;
    carried.enter = enter;
    for (size_t index : graph.ReadersOf(enter->name)) {
      const TfNode& reader = graph.nodes[index];
      if (IsMerge(reader)) carried.merge = &reader;
    }
    if (carried.merge == nullptr) {
      frame.constants.push_back(enter);
      continue;
    }
    for (size_t i = 0; i < carried.merge->inputs.size(); ++i) {
      const TfNode* producer = Producer(graph, *carried.merge, i);
      if (producer != nullptr && IsNext(*producer)) carried.next = producer;
    }
    for (size_t index : graph.ReadersOf(carried.merge->name)) {
      const TfNode& reader = graph.nodes[index];
      const TfNode* condition = IsSwitch(reader) ? Producer(graph, reader, 1) : nullptr;
      if (condition == nullptr || condition->op != "LoopCond") continue;
      if (frame.condition != nullptr && frame.condition != condition) return std::nullopt;
      frame.condition = condition;
      for (size_t at : graph.ReadersOf(reader.name)) {
        if (IsExit(graph.nodes[at])) carried.exits.push_back(&graph.nodes[at]);
      }
    }
    if (carried.next == nullptr || carried.next->inputs.empty()) return std::nullopt;
    frame.carried.push_back(std::move(carried));
  }
  // A value that the body leaves alone may be merged without a Switch; one Switch there must be.
  if (frame.condition == nullptr || frame.condition->inputs.empty()) return std::nullopt;
  return frame;
}

class LoopRaiser {
 public:
  LoopRaiser(TfGraph& graph, TfLibrary& library) : graph_(graph), library_(library) {}

  // Raises one loop that holds no other; false when there is none.
  bool RaiseOne() {
    std::map<std::string, std::vector<const TfNode*>> frames;
    for (const TfNode& node : graph_.nodes) {
      if (IsEnter(node)) frames[node.attrs.String("frame_name")].push_back(&node);
    }
    for (const auto& [name, enters] : frames) {
      const auto frame = FrameOf(graph_, enters);
      if (frame && Raise(name, *frame)) return true;
    }
    return false;
  }

 private:
  // A function whose arguments are the carried values, then the constants; false when what `results` need
  // holds another loop.
  bool AddFunction(const std::string& name, const Frame& frame, const std::vector<std::string>& results) {
    FunctionBuilder builder(graph_);
    for (size_t i = 0; i < frame.carried.size(); ++i)
      builder.AddArgument(frame.carried[i].merge->name, DTypeOf(*frame.carried[i].enter));
    for (const TfNode* constant : frame.constants) builder.AddArgument(constant->name, DTypeOf(*constant));
    builder.Step = [&](const TfNode& node, int) -> std::optional<std::string> {
      // Within the loop a Switch of its condition hands on; the value may come from the condition's part.
      if (!IsSwitch(node)) return std::nullopt;
      const TfNode* condition = Producer(graph_, node, 1);
      if (condition == nullptr || condition != frame.condition) return std::nullopt;
      return node.inputs[0];
    };
    builder.IsBarred = [](const TfNode& node) {
      return IsEnter(node) || IsExit(node) || IsNext(node) || node.op == "LoopCond";
    };
    auto function = builder.Build(name, results);
    if (!function) return false;
    library_.emplace(name, std::move(*function));
    return true;
  }

  static DType DTypeOf(const TfNode& enter) { return enter.attrs.Type("T"); }

  bool Raise(const std::string& frame_name, const Frame& frame) {
    const std::string name = UniqueName(graph_, library_, frame_name.empty() ? "while" : frame_name);
    std::vector<std::string> results;
    for (const Carried& carried : frame.carried) results.push_back(carried.next->inputs[0]);
    for (const TfNode* constant : frame.constants) results.push_back(constant->name + ":0");
    if (!AddFunction(name + "/cond", frame, {frame.condition->inputs[0]})) return false;
    if (!AddFunction(name + "/body", frame, results)) {
      library_.erase(name + "/cond");
      return false;
    }
    TfNode loop{name, "While", {}, {{"cond", name + "/cond"}, {"body", name + "/body"}}};
    for (const Carried& carried : frame.carried) loop.inputs.push_back(carried.enter->inputs[0]);
    for (const TfNode* constant : frame.constants) loop.inputs.push_back(constant->inputs[0]);
    Replace(frame, std::move(loop));
    return true;
  }

  // Exits read the loop's results; its own nodes go with whatever else nothing needs any more.
  void Replace(const Frame& frame, TfNode loop) {
    std::map<std::string, std::string> exits;
    std::set<std::string> dropped;
    for (size_t i = 0; i < frame.carried.size(); ++i) {
      const Carried& carried = frame.carried[i];
      for (const TfNode* exit : carried.exits) exits[exit->name] = loop.name + ":" + std::to_string(i);
      dropped.insert(carried.enter->name);
      dropped.insert(carried.merge->name);
      dropped.insert(carried.next->name);
    }
    for (const TfNode* constant : frame.constants) dropped.insert(constant->name);
    dropped.insert(frame.condition->name);
    std::vector<TfNode> nodes;
    for (TfNode& node : graph_.nodes) {
      if (dropped.count(node.name)) continue;
      if (const auto exit = exits.find(node.name); exit != exits.end())
        node = {node.name, "Identity", {exit->second}, {}};
      nodes.push_back(std::move(node));
    }
    nodes.push_back(std::move(loop));
    SetNodes(graph_, std::move(nodes));
  }

  TfGraph& graph_;
  TfLibrary& library_;
};

}  // namespace

void RaiseLoops(TfGraph& graph, TfLibrary& library) {
  LoopRaiser raiser(graph, library);
  for (int i = 0; i < kMaxLoops && raiser.RaiseOne(); ++i) {
  }
}

}  // namespace slipway::tensorflow
