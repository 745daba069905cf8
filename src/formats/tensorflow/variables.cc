#include "formats/tensorflow/variables.h"

#include <algorithm>
#include <protozero/pbf_reader.hpp>

#include "formats/tensorflow/inline.h"

namespace slipway::tensorflow {
namespace {

using protozero::pbf_reader;

// Where a variable lies in the checkpoint.
struct Place {
  std::string key;
  std::string slice;  // empty: all of it
};

bool IsVariable(const TfNode& node) {
  return node.op == "VarHandleOp" || node.op == "VariableV2" || node.op == "Variable";
}

// The node that makes what `input` reads, behind operators that hand it on; null for an argument or nothing.
const TfNode* SourceOf(const TfGraph& graph, const std::string& input, int* index = nullptr) {
  TfInput at = ParseInput(input);
  for (int hops = 0; hops < 64; ++hops) {
    const TfNode* node = graph.Find(at.node);
    if (node == nullptr) return nullptr;
    const bool hands_on = node->op == "Identity" || node->op == "IdentityN" || node->op == "Cast";
    if (!hands_on || static_cast<size_t>(at.index) >= node->inputs.size()) {
      if (index != nullptr) *index = at.index;
      return node;
    }
    at = ParseInput(node->inputs[static_cast<size_t>(at.index)]);
  }
  return nullptr;
}

const std::string* TextOf(const TfGraph& graph, const TfNode& node, size_t input, int index) {
  const TfNode* constant = input < node.inputs.size() ? SourceOf(graph, node.inputs[input]) : nullptr;
  const Tensor* texts =
      constant != nullptr && constant->op == "Const" ? constant->attrs.TensorOf("value") : nullptr;
  if (texts == nullptr || texts->dtype() != DType::kString || index >= texts->count()) return nullptr;
  return texts->as<std::string>() + index;
}

// What the restore operator assigns, by the variable's node.
Result<std::map<std::string, Place>> PlacesOfRestore(const TfGraph& whole, const std::string& restore_op) {
  std::map<std::string, Place> places;
  if (restore_op.empty()) return places;
  SLIPWAY_ASSIGN_OR_RETURN(const TfGraph graph, InlineCalls(NodesAwaited(whole, {restore_op})));
  for (const TfNode& node : graph.nodes) {
    const bool assigns = node.op == "AssignVariableOp" || node.op == "Assign";
    if (!assigns || node.inputs.size() < 2) continue;
    const TfNode* variable = SourceOf(graph, node.inputs[0]);
    int index = 0;
    const TfNode* restore = SourceOf(graph, node.inputs[1], &index);
    if (variable == nullptr || restore == nullptr || restore->op != "RestoreV2") continue;
    const std::string* key = TextOf(graph, *restore, 1, index);
    const std::string* slice = TextOf(graph, *restore, 2, index);
    if (key != nullptr) places[variable->name] = {*key, slice ? *slice : ""};
  }
  return places;
}

// Checkpoint keys by the full names of variables, from the checkpoint's own TrackableObjectGraph.
std::map<std::string, std::string> KeysByFullName(const Checkpoint& checkpoint) {
  constexpr const char* kObjectGraph = "_CHECKPOINTABLE_OBJECT_GRAPH";
  std::map<std::string, std::string> keys;
  if (!checkpoint.Has(kObjectGraph)) return keys;
  const auto tensor = checkpoint.ReadTensor(kObjectGraph);
  if (!tensor.ok() || tensor->dtype() != DType::kString || tensor->count() != 1) return keys;
  try {
    pbf_reader graph(*tensor->as<std::string>());
    while (graph.next(1)) {  // nodes
      pbf_reader object = graph.get_message();
      while (object.next(2)) {  // attributes: SerializedTensor
        pbf_reader attribute = object.get_message();
        std::string name, full_name, key;
        while (attribute.next()) {
          switch (attribute.tag()) {
            case 1: name = attribute.get_string(); break;
            case 2: full_name = attribute.get_string(); break;
            case 3: key = attribute.get_string(); break;
            default: attribute.skip();
          }
        }
        if (name == "VARIABLE_VALUE" && !full_name.empty()) keys.emplace(full_name, key);
      }
    }
  } catch (const protozero::exception&) {
    keys.clear();
  }
  return keys;
}

class Substituter {
 public:
  Substituter(std::map<std::string, Place> places, const Checkpoint* checkpoint)
      : places_(std::move(places)), checkpoint_(checkpoint) {
    if (checkpoint != nullptr) by_full_name_ = KeysByFullName(*checkpoint);
  }

  Status Replace(TfNode& node) {
    const auto place = PlaceOf(node);
    if (!place) {
      return Status(Code::kInvalidModel, "variable '" + node.name + "' is not in the model's checkpoint",
                    checkpoint_ ? "save the model with its variables initialised"
                                : "the folder 'variables' of the SavedModel is missing: copy it along");
    }
    auto value = checkpoint_->ReadTensor(place->key, place->slice);
    if (!value.ok()) return value.status().WithContext("variable '" + node.name + "'");
    const DType declared = node.attrs.Type("dtype");
    if (declared != DType::kNone && declared != value->dtype())
      return Status(Code::kInvalidModel, "variable '" + node.name + "' is " +
                                             std::string(DTypeName(declared)) + ", the checkpoint has " +
                                             Describe(*value));
    node.op = "Const";
    node.inputs.clear();
    node.attrs = {{"dtype", value->dtype()}, {"value", std::move(*value)}};
    return Status::Ok();
  }

 private:
  std::optional<Place> PlaceOf(const TfNode& node) const {
    if (checkpoint_ == nullptr) return std::nullopt;
    if (const auto found = places_.find(node.name); found != places_.end()) return found->second;
    for (const std::string& name : {node.attrs.String("shared_name"), node.name}) {
      if (name.empty()) continue;
      if (const auto found = by_full_name_.find(name); found != by_full_name_.end())
        return Place{found->second, ""};
      if (checkpoint_->Has(name)) return Place{name, ""};
    }
    return std::nullopt;
  }

  std::map<std::string, Place> places_;
  const Checkpoint* checkpoint_;
  std::map<std::string, std::string> by_full_name_;
};

}  // namespace

Status SubstituteVariables(TfGraph& graph, const TfGraph& whole, const std::string& restore_op,
                           const Checkpoint* checkpoint) {
  SLIPWAY_ASSIGN_OR_RETURN(auto places, PlacesOfRestore(whole, restore_op));
  Substituter substituter(std::move(places), checkpoint);
  for (TfNode& node : graph.nodes) {
    if (IsVariable(node)) SLIPWAY_RETURN_IF_ERROR(substituter.Replace(node));
  }
  return Status::Ok();
}

}  // namespace slipway::tensorflow
