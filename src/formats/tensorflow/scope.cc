#include "formats/tensorflow/scope.h"

#include <algorithm>

#include "base/pages.h"
#include "ops/import.h"
#include "ops/run.h"

namespace slipway::tensorflow {
namespace {

// Results that one node may have; real splitters have far fewer.
constexpr int64_t kMaxOutputs = 1024;
// Elements of a tensor that constants are folded into at import; the passes fold larger ones.
constexpr int64_t kMaxFolded = 1024;

bool HandsOn(const std::string& op) {
  static const std::set<std::string, std::less<>> kOps = {
      "Identity",    "IdentityN",     "ReadVariableOp", "PlaceholderWithDefault", "StopGradient",
      "EnsureShape", "CheckNumerics", "Snapshot",       "PreventGradient",        "LoopCond"};
  return kOps.count(op) > 0;
}

ForeignNode Foreign(const TfNode& node, std::vector<ValueId> inputs) {
  ForeignNode foreign;
  foreign.format = Format::kTensorflow;
  foreign.op = node.op;
  foreign.name = node.name;
  foreign.attrs = node.attrs;
  foreign.inputs = std::move(inputs);
  return foreign;
}

}  // namespace

void ImportState::Note(const std::string& text) {
  if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.push_back(text);
}

ValueId Scope::Find(const std::string& tensor) const {
  const TfInput at = ParseInput(tensor);
  const auto found = values_.find(Key(at.node, at.index));
  return found == values_.end() ? kNoValue : found->second;
}

std::set<std::string> Scope::BoundKeys() const {
  std::set<std::string> keys;
  for (const auto& [key, value] : values_) keys.insert(key);
  return keys;
}

const ListInfo* Scope::ListOf(ValueId id) const {
  const auto found = lists_.find(id);
  return found == lists_.end() ? nullptr : &found->second;
}

Status Scope::Import(const std::vector<std::string>& tensors) {
  for (const std::string& tensor : tensors) {
    const TfInput at = ParseInput(tensor);
    const TfNode* root = source_.Find(at.node);
    if (root == nullptr)
      return Status(Code::kInvalidModel, "the graph lacks '" + at.node + "', which is an output");
    if (Has(at.node, at.index)) continue;
    WantOutput(root, at.index);
    std::vector<const TfNode*> roots = {root};
    for (size_t i = 0; i < roots.size(); ++i) SLIPWAY_RETURN_IF_ERROR(OrderBehind(roots[i], roots));
  }
  for (const TfNode* node : order_) SLIPWAY_RETURN_IF_ERROR(ImportOne(*node));
  order_.clear();
  for (const std::string& tensor : tensors) MakeCopies({Find(tensor)});
  return Status::Ok();
}

// Iterative: graphs may be deep.
Status Scope::OrderBehind(const TfNode* root, std::vector<const TfNode*>& roots) {
  struct Frame {
    const TfNode* node;
    size_t next;
  };
  std::vector<Frame> stack;
  if (states_[root] == State::kNew) stack.push_back({root, 0});
  while (!stack.empty()) {
    Frame& frame = stack.back();
    const TfNode* node = frame.node;
    states_[node] = State::kOpen;
    if (frame.next == node->inputs.size()) {
      states_[node] = State::kDone;
      order_.push_back(node);
      stack.pop_back();
      continue;
    }
    const TfInput input = ParseInput(node->inputs[frame.next++]);
    if (input.is_control || Has(input.node, input.index)) continue;
    const TfNode* producer = source_.Find(input.node);
    if (producer == nullptr) {
      return Status(Code::kInvalidModel,
                    node->op + " '" + node->name + "' reads '" + input.node + "', which the graph lacks");
    }
    WantOutput(producer, input.index);
    // What a loop that could not be raised hands to its next round stands behind it: the only legal circle.
    if (node->op == "Merge" && producer->op == "NextIteration") {
      roots.push_back(producer);
      continue;
    }
    if (states_[producer] == State::kOpen) {
      return Status(Code::kInvalidModel, "node '" + producer->name + "' depends on its own result");
    }
    if (states_[producer] == State::kNew) stack.push_back({producer, 0});
  }
  return Status::Ok();
}

void Scope::WantOutput(const TfNode* node, int index) {
  int& outputs = num_outputs_[node];
  outputs = std::max(outputs, index < kMaxOutputs ? index + 1 : 1);
}

size_t Scope::CountOutputs(const TfNode& node) const {
  const auto found = num_outputs_.find(&node);
  int64_t count = found == num_outputs_.end() ? 1 : std::max(found->second, 1);
  for (const char* name : {"num_split", "num"}) {
    const bool is_splitter = node.op == "Split" || node.op == "SplitV" || node.op == "Unpack";
    if (is_splitter) count = std::max(count, node.attrs.Int(name));
  }
  return static_cast<size_t>(std::min(count, kMaxOutputs));
}

bool Scope::HandOn(const TfNode& node, const std::vector<ValueId>& inputs) {
  if (!HandsOn(node.op)) return false;
  for (ValueId id : inputs) {
    if (builder_.constant(id) == nullptr && ListOf(id) == nullptr) return false;
  }
  for (size_t i = 0; i < inputs.size(); ++i) Bind(node.name, static_cast<int>(i), inputs[i]);
  if (node.op == "PlaceholderWithDefault")
    state_.Note("'" + node.name + "' takes its default; --input " + node.name + " makes it an input");
  return !inputs.empty();
}

// Arithmetic of constants, as shapes and permutations have it, is done at once.
bool Scope::Fold(const ForeignNode& node) {
  Graph graph;
  GraphBuilder builder(graph);
  ForeignNode alone = node;
  for (ValueId& input : alone.inputs) {
    const Tensor* constant = builder_.constant(input);
    if (constant == nullptr || constant->count() > kMaxFolded) return false;
    input = builder.Constant("c", *constant);
  }
  if (alone.inputs.empty()) return false;
  const auto bound = ImportNode(alone, builder);
  if (!bound.ok()) return false;
  graph.outputs = *bound;
  for (ValueId id : graph.outputs) {
    if (id == kNoValue) return false;
  }
  for (const Node& each : graph.nodes) {
    if (!FindOp(each.op)->is_deterministic) return false;
  }
  for (const Value& value : graph.values) {
    const bool is_small = value.type.kind == TypeKind::kTensor && value.type.IsStatic() &&
                          slipway::CountOf(KnownDims(*value.type.shape)) <= kMaxFolded;
    if (!is_small || value.quant) return false;
  }
  const auto results = Interpret(graph, {});
  if (!results.ok()) return false;
  for (size_t i = 0; i < results->size(); ++i) {
    Bind(node.name, static_cast<int>(i),
         builder_.Constant(node.outputs[i].name, (*results)[i].tensor.Clone()));
  }
  return true;
}

void Scope::BindConstant(const TfNode& node, const Tensor& value) {
  const bool is_string = value.dtype() == DType::kString;
  const size_t bytes = is_string ? 1 : std::max<size_t>(static_cast<size_t>(BitsOf(value.dtype())) / 8, 1);
  if (reinterpret_cast<uintptr_t>(value.data()) % bytes == 0) {
    Bind(node.name, 0, builder_.Constant(node.name, value));
    return;
  }
  const ValueId id = builder_.Constant(node.name, value);
  unaligned_[id] = value;
  builder_.graph().value(id).data = Tensor();
  MakeCopies({id});
  Bind(node.name, 0, id);
}

void Scope::MakeCopies(const std::vector<ValueId>& values) {
  for (ValueId id : values) {
    const auto found = unaligned_.find(id);
    if (found == unaligned_.end() || builder_.constant(id) != nullptr) continue;
    const Tensor& source = found->second;
    builder_.graph().value(id).data = source.Clone();
    OfferPages(source.data(), static_cast<size_t>(source.size_bytes()));
  }
}

void Scope::DropCopies(const std::vector<ValueId>& values) {
  if (unaligned_.empty()) return;
  const std::vector<Node>& nodes = builder_.graph().nodes;
  for (; num_scanned_ < nodes.size(); ++num_scanned_) {
    const Node& node = nodes[num_scanned_];
    read_.insert(node.inputs.begin(), node.inputs.end());
  }
  for (ValueId id : values) {
    if (unaligned_.count(id) && !read_.count(id)) builder_.graph().value(id).data = Tensor();
  }
}

Status Scope::ImportOne(const TfNode& node) {
  if (Has(node.name, 0) || node.op == "NoOp") return Status::Ok();
  if (node.op == "Const") {
    const Tensor* value = node.attrs.TensorOf("value");
    if (value == nullptr) return Status(Code::kInvalidModel, "constant '" + node.name + "' has no value");
    BindConstant(node, *value);
    return Status::Ok();
  }
  if (node.op == "Placeholder" && on_placeholder) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId value, on_placeholder(node));
    Bind(node.name, 0, value);
    return Status::Ok();
  }
  state_.unsupported.CountNode();
  std::vector<ValueId> inputs;
  for (const std::string& input : node.inputs) {
    if (!ParseInput(input).is_control) inputs.push_back(Find(input));
  }
  MakeCopies(inputs);
  const NodeHandler handler = HandlerOf(node);
  ForeignNode foreign = Foreign(node, inputs);
  if (std::count(inputs.begin(), inputs.end(), kNoValue) > 0) {
    // Its producer has failed and been listed; what nothing reads is listed all the same.
    if (handler == nullptr && FindForeign(Format::kTensorflow, "", node.op, 1).op == nullptr)
      state_.unsupported.Add(foreign, builder_, Status(Code::kUnsupported, "not supported"));
    return Status::Ok();
  }
  const bool reads_variable = node.op == "ReadVariableOp" || node.op.starts_with("ResourceGather");
  if (reads_variable && !inputs.empty() && type(inputs[0]).dtype == DType::kNone) {
    state_.unsupported.Add(foreign, builder_, Status(Code::kUnsupported, "its variable is not in the graph"));
    return Status::Ok();
  }
  if (HandOn(node, inputs)) return Status::Ok();
  if (handler != nullptr) {
    builder_.SetSources({node.op + " '" + node.name + "'"});
    Status status = handler(*this, node, inputs);
    if (status.code() != Code::kUnsupported) return status;
    state_.unsupported.Add(foreign, builder_, status);
    return Status::Ok();
  }
  SLIPWAY_RETURN_IF_ERROR(ImportRow(node, std::move(foreign)));
  DropCopies(inputs);
  return Status::Ok();
}

// By the row of a record.
Status Scope::ImportRow(const TfNode& node, ForeignNode foreign) {
  const size_t num_outputs = CountOutputs(node);
  for (size_t i = 0; i < num_outputs; ++i) {
    foreign.outputs.push_back({i ? Key(node.name, static_cast<int>(i)) : node.name, {}, {}, {}});
  }
  if (Fold(foreign)) return Status::Ok();
  const bool is_kept = state_.keeps_unknown && FindForeign(Format::kTensorflow, "", node.op, 1).op == nullptr;
  auto bound = is_kept ? ImportCustom(foreign, builder_) : ImportNode(foreign, builder_);
  if (!bound.ok()) {
    if (bound.status().code() != Code::kUnsupported) return bound.status();
    state_.unsupported.Add(foreign, builder_, bound.status());
    return Status::Ok();
  }
  for (size_t i = 0; i < bound->size(); ++i) {
    if ((*bound)[i] != kNoValue) Bind(node.name, static_cast<int>(i), (*bound)[i]);
  }
  return Status::Ok();
}

Result<ValueId> Scope::Add(const TfNode& for_node, std::string op, std::vector<ValueId> inputs, Attrs attrs,
                           Type declared) {
  Node node;
  node.name = for_node.name + "/" + op;
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  std::string name = node.name;
  SLIPWAY_ASSIGN_OR_RETURN(
      const std::vector<ValueId> ids,
      builder_.Add(std::move(node), {GraphBuilder::Output{std::move(name), {}, std::move(declared), false}}));
  return ids[0];
}

void Prune(Graph& graph) {
  std::vector<bool> is_needed(graph.values.size(), false);
  for (ValueId id : graph.outputs) is_needed[static_cast<size_t>(id)] = true;
  std::vector<bool> is_dropped(graph.nodes.size(), true);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    for (ValueId id : node.outputs) {
      if (id != kNoValue && is_needed[static_cast<size_t>(id)]) is_dropped[i] = false;
    }
    if (is_dropped[i]) continue;
    for (ValueId id : node.inputs) {
      if (id != kNoValue) is_needed[static_cast<size_t>(id)] = true;
    }
  }
  graph.Compact(is_dropped);
}

}  // namespace slipway::tensorflow
