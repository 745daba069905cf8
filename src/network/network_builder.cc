// The builder's core: handles, mistakes with their lines, nodes, outputs. The layers are in *_layers.cc.
#include "slipway/network_builder.h"

#include <algorithm>

#include "base/nearest.h"
#include "base/scalar.h"
#include "network/state.h"
#include "ops/verify.h"
#include "plugin/nodes.h"
#include "slipway/plugin_library.h"

namespace slipway {
namespace {

constexpr int32_t kRefusedId = -1;
constexpr int32_t kLeftOutId = -2;
constexpr int kMaxOutputs = 1024;  // of one node: no operator of the house comes near

// "lenet.cc:42"; the path in front is the compiler's business.
std::string LineOf(const SourceLine& where) {
  const std::string_view path = where.file_name();
  const std::string_view file = path.substr(path.find_last_of("/\\") + 1);
  return std::string(file) + ":" + std::to_string(where.line());
}

Attrs ToAttrs(const LayerAttrs& given) {
  Attrs attrs;
  for (const auto& layer_attr : given)
    std::visit([&](const auto& held) { attrs.Set(layer_attr.first, held); }, layer_attr.second);
  return attrs;
}

}  // namespace

NetTensor NetTensor::LeftOut() { return {nullptr, kLeftOutId}; }

NetworkBuilder::NetworkBuilder(std::string name) : state_(std::make_unique<State>()) {
  state_->graph->name = std::move(name);
}

NetworkBuilder::~NetworkBuilder() = default;

const Status& NetworkBuilder::status() const { return state_->first_mistake; }

NetTensor NetworkBuilder::Refused() const { return {this, kRefusedId}; }

NetTensor NetworkBuilder::Fail(Where where, const Status& status) {
  if (state_->first_mistake.ok()) state_->first_mistake = status.WithContext(LineOf(where));
  return Refused();
}

NetTensor NetworkBuilder::Input(std::string name, DType dtype, std::vector<Extent> shape, Where where) {
  if (!status().ok()) return Refused();
  if (name.empty() || state_->graph->FindValue(name) != kNoValue)
    return Fail(where, Status(Code::kUsage, "input '" + name + "' needs a name of its own"));
  if (dtype == DType::kNone) return Fail(where, Status(Code::kUsage, "input '" + name + "' needs a type"));
  DimList dims;
  for (const Extent& extent : shape) {
    if (extent.IsKnown() && extent.value() < 0)
      return Fail(
          where, Status(Code::kUsage, "input '" + name + "' has the extent " + std::to_string(extent.value()),
                        "give a name, such as \"N\", to an extent that is known only at run time"));
    dims.push_back(extent.IsKnown() ? Dim(extent.value()) : Dim::Symbol(extent.symbol()));
  }
  return {this, state_->builder.Input(std::move(name), Type::Of(dtype, std::move(dims)))};
}

NetTensor NetworkBuilder::AddConstant(Tensor data) {
  return {this, state_->builder.Constant("constant", std::move(data))};
}

NetTensor NetworkBuilder::Constant(Tensor data, Where where) {
  if (!status().ok()) return Refused();
  if (data.IsNone()) return Fail(where, Status(Code::kUsage, "a constant needs a tensor, this one is none"));
  return AddConstant(std::move(data));
}

NetTensor NetworkBuilder::Number(float value, Where where) {
  return Constant(Tensor::From<float>(DType::kF32, {}, std::vector<float>{value}), where);
}

NetTensor NetworkBuilder::Integers(const Dims& values) {
  if (!status().ok()) return Refused();
  if (values.empty()) return NetTensor::LeftOut();
  return AddConstant(Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(values.size())}, values));
}

NetTensor NetworkBuilder::ScalarLike(NetTensor x, double value) {
  if (!status().ok() || !x.HoldsTensor()) return Refused();
  Tensor scalar(dtype(x), {});
  StoreReal(scalar.dtype(), scalar.data(), 0, value);
  return AddConstant(std::move(scalar));
}

std::vector<NetTensor> NetworkBuilder::Many(const char* layer, const std::string& op,
                                            const std::vector<NetTensor>& inputs, const LayerAttrs& attrs,
                                            int num_outputs, Where where) {
  const auto count = static_cast<size_t>(std::clamp(num_outputs, 1, kMaxOutputs));
  std::vector<NetTensor> refused(count, Refused());
  if (!status().ok()) return refused;
  Node node;
  node.op = op;
  node.name = std::string(layer) + "_" + std::to_string(++state_->uses_of_names[layer]);
  node.attrs = ToAttrs(attrs);
  node.sources = {std::string(layer) + " '" + LineOf(where) + "'"};
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].id_ != kLeftOutId && (inputs[i].network_ != this || !inputs[i].HoldsTensor())) {
      Fail(where,
           Status(Code::kUsage,
                  op + " '" + node.name + "': operand " + std::to_string(i) + " is no tensor of this network",
                  "use the handles that this builder's layers gave"));
      return refused;
    }
    node.inputs.push_back(inputs[i].id_ == kLeftOutId ? kNoValue : inputs[i].id_);
  }
  // A trailing operand that is left out is none at all.
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  std::vector<GraphBuilder::Output> outputs(count);
  for (GraphBuilder::Output& output : outputs) output.name = node.name;
  if (FindPlugin(op) != nullptr) {
    if (const Status status = PreparePluginNode(*state_->graph, node, count); !status.ok()) {
      Fail(where, status);
      return refused;
    }
  }
  const auto ids = state_->builder.Add(std::move(node), std::move(outputs));
  if (!ids.ok()) {
    Fail(where, ids.status());
    return refused;
  }
  std::vector<NetTensor> made;
  for (const ValueId id : *ids) made.push_back(NetTensor(this, id));
  return made;
}

NetTensor NetworkBuilder::One(const char* layer, const std::string& op, const std::vector<NetTensor>& inputs,
                              const LayerAttrs& attrs, Where where) {
  return Many(layer, op, inputs, attrs, 1, where)[0];
}

std::vector<NetTensor> NetworkBuilder::Add(const std::string& op, const std::vector<NetTensor>& inputs,
                                           const LayerAttrs& attrs, int num_outputs, Where where) {
  if (status().ok() && FindOp(op) == nullptr)
    Fail(where, Status(Code::kUsage, "no operator is called '" + op + "'", "docs/operators.md lists them"));
  if (status().ok() && (num_outputs < 1 || num_outputs > kMaxOutputs))
    Fail(where, Status(Code::kUsage, op + " cannot have " + std::to_string(num_outputs) + " outputs"));
  return Many(op.c_str(), op, inputs, attrs, num_outputs, where);
}

NetTensor NetworkBuilder::Add(const std::string& op, const std::vector<NetTensor>& inputs,
                              const LayerAttrs& attrs, Where where) {
  return Add(op, inputs, attrs, 1, where)[0];
}

std::vector<NetTensor> NetworkBuilder::AddPlugin(const std::string& plugin,
                                                 const std::vector<NetTensor>& inputs,
                                                 const LayerAttrs& attrs, int num_outputs, Where where) {
  const RegisteredPlugin* found = FindPluginByName(plugin);
  if (found == nullptr && status().ok()) {
    const std::vector<PluginInfo> infos = LoadedPlugins();
    std::vector<std::string_view> names;
    for (const PluginInfo& info : infos) names.push_back(info.name);
    Fail(where, Status(Code::kUsage, "no plugin is called '" + plugin + "'" + DidYouMean(plugin, names),
                       "load its library with LoadPluginLibrary, or register it, before it is added"));
  }
  const std::string op = found == nullptr ? plugin : OpNameOf(*found);
  if (status().ok() && (num_outputs < 1 || num_outputs > kMaxOutputs))
    Fail(where, Status(Code::kUsage, op + " cannot have " + std::to_string(num_outputs) + " outputs"));
  return Many(plugin.c_str(), op, inputs, attrs, num_outputs, where);
}

NetTensor NetworkBuilder::AddPlugin(const std::string& plugin, const std::vector<NetTensor>& inputs,
                                    const LayerAttrs& attrs, Where where) {
  return AddPlugin(plugin, inputs, attrs, 1, where)[0];
}

DType NetworkBuilder::dtype(NetTensor tensor) const {
  if (tensor.network_ != this || !tensor.HoldsTensor() || state_->graph == nullptr) return DType::kNone;
  return state_->graph->value(tensor.id_).type.dtype;
}

std::optional<Dims> NetworkBuilder::dims(NetTensor tensor) const {
  if (tensor.network_ != this || !tensor.HoldsTensor() || state_->graph == nullptr) return std::nullopt;
  const Type& type = state_->graph->value(tensor.id_).type;
  if (!type.HasRank()) return std::nullopt;
  Dims dims;
  for (const Dim& dim : *type.shape) dims.push_back(dim.IsKnown() ? dim.value() : -1);
  return dims;
}

void NetworkBuilder::MarkOutput(NetTensor tensor, std::string name, Where where) {
  if (!status().ok()) return;
  if (tensor.network_ != this || !tensor.HoldsTensor()) {
    Fail(where, Status(Code::kUsage, "output '" + name + "' is no tensor of this network"));
    return;
  }
  const auto is_taken = [&](const State::MarkedOutput& other) { return other.name == name; };
  if (name.empty() || std::any_of(state_->outputs.begin(), state_->outputs.end(), is_taken)) {
    Fail(where, Status(Code::kUsage, "output '" + name + "' needs a name of its own"));
    return;
  }
  // An output of its own keeps the names of inputs and of the outputs marked before.
  const NetTensor copy = One("output", "Identity", {tensor}, {}, where);
  if (copy.HoldsTensor()) state_->outputs.push_back({copy.id_, std::move(name), where});
}

Result<std::shared_ptr<Graph>> NetworkBuilder::Finish() {
  SLIPWAY_RETURN_IF_ERROR(status());
  if (state_->outputs.empty())
    return Status(Code::kUsage, "network '" + state_->graph->name + "' has no output", "call MarkOutput");
  Graph& graph = *state_->graph;
  for (const State::MarkedOutput& output : state_->outputs) {
    if (graph.FindValue(output.name) != kNoValue) {
      Fail(output.where, Status(Code::kUsage, "output '" + output.name + "' is called as another tensor"));
      return status();
    }
    graph.value(output.id).name = output.name;
    graph.outputs.push_back(output.id);
  }
  SLIPWAY_RETURN_IF_ERROR(VerifyGraph(graph));
  state_->first_mistake =
      Status(Code::kUsage, "this network has been finished", "write another with a new builder");
  return std::move(state_->graph);
}

}  // namespace slipway
