// Turns decoded ONNX graphs into Slipway graphs: scopes of names, sub-graphs with their captures, functions
// inlined.
//
// A Scope is one level of names: the main graph, a sub-graph (which sees the scopes around it) or the body of
// a model-local function (which sees only its arguments, and whose nodes go into the caller's graph). What a
// sub-graph reads from outside becomes an input of it, except constants, which it gets a copy of (sharing
// storage).
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "formats/model.h"
#include "formats/onnx/proto.h"
#include "formats/onnx/tensor_proto.h"
#include "formats/support.h"
#include "ops/import.h"

namespace slipway::onnx {

// A graph under construction.
struct GraphState {
  Graph graph;
  GraphBuilder builder{graph};
  std::unordered_set<ValueId> broken;  // results of unsupported nodes, and what depends on them
};

using AttributeMap = std::map<std::string_view, const AttributeProto*>;

struct Scope {
  GraphState* state = nullptr;
  Scope* outer = nullptr;                   // sub-graphs only
  const AttributeMap* arguments = nullptr;  // of the function around, for ref attributes
  const std::vector<OpsetProto>* opsets = nullptr;
  std::string prefix;  // of names within functions: "call/"
  int depth = 0;
  std::unordered_map<std::string_view, ValueId> names;
  std::unordered_map<std::string_view, const InitializerProto*> initializers;  // read when first used
  std::unordered_map<std::string_view, const Type*> declared;
  struct Capture {
    ValueId outer;
    ValueId inner;
  };
  std::vector<Capture> captures;  // sub-graphs only
};

class ModelImporter {
 public:
  ModelImporter(const ModelProto& model, TensorSource& source, const ImportOptions& options)
      : model_(model), source_(source), options_(options) {}

  Result<ImportedModel> Run();

 private:
  // importer.cc
  Status CheckVersions() const;
  Status AddInputs(Scope& scope, std::set<std::string_view>& given);
  Status AddOutputs(Scope& scope, const std::vector<std::string_view>& names);
  Status NameOutput(Graph& graph, size_t index, std::string_view name, GraphBuilder& builder);
  Status CheckCuts(const std::vector<std::string_view>& outputs) const;
  Type DeclaredType(const Type& type) const;
  std::string KnownNamesLike(std::string_view name) const;

  // scope.cc
  Status Declare(Scope& scope, const GraphProto& graph);
  Status Define(Scope& scope, std::string_view name, ValueId value);
  Result<ValueId> Resolve(Scope& scope, std::string_view name);
  Result<Tensor> ReadInitializer(const InitializerProto& initializer);
  int64_t OpsetOf(const Scope& scope, std::string_view domain) const;

  // nodes.cc
  Status ImportNodes(Scope& scope, const std::vector<NodeProto>& nodes,
                     const std::vector<std::string_view>& outputs, const std::set<std::string_view>& given);
  Status ImportOne(Scope& scope, const NodeProto& node);
  bool IsPlugins(const Scope& scope, const NodeProto& node) const;
  Status ImportConstant(Scope& scope, const NodeProto& node);
  Status ImportForeign(Scope& scope, const NodeProto& node);
  Status BindOutputs(Scope& scope, const NodeProto& node, const ForeignNode& foreign,
                     const std::vector<ValueId>& values);
  Status Misfit(Scope& scope, const NodeProto& node, const ForeignNode& foreign, const Status& why);
  std::string NodeName(const Scope& scope, const NodeProto& node);

  // zip_map.cc
  static bool IsZipMap(const ForeignNode& foreign);
  Result<ValueId> ImportZipMap(const GraphState& state, const ForeignNode& foreign);

  // functions.cc
  const FunctionProto* FindFunction(const NodeProto& node) const;
  Status ImportCall(Scope& scope, const NodeProto& node, const FunctionProto& function);

  // attributes.cc
  Result<Attr> ConvertAttribute(const AttributeProto& attribute);
  const AttributeProto* Deref(const Scope& scope, const AttributeProto& attribute) const;
  Status ConvertAttributes(Scope& scope, const NodeProto& node, ForeignNode& foreign);
  Status CheckAttributes(const NodeProto& node, const ForeignNode& foreign);
  void NoteIgnoredAttributes();
  struct SubGraph {
    std::string attribute;
    std::shared_ptr<Graph> graph;
    std::vector<Scope::Capture> captures;
  };
  Result<SubGraph> ImportSubGraph(Scope& outer, const AttributeProto& attribute, const ForeignNode& foreign);
  void JoinCaptures(std::vector<SubGraph> subgraphs, ForeignNode& foreign);

  const ModelProto& model_;
  TensorSource& source_;
  const ImportOptions& options_;
  UnsupportedNodes unsupported_;
  std::vector<std::string> notes_;
  // (operator, attribute) that ONNX does not have: the nodes' names.
  std::map<std::pair<std::string, std::string>, Strings> ignored_attributes_;
  int64_t num_nodes_ = 0;     // imported so far, functions expanded
  bool is_reshaped_ = false;  // the user gave shapes: declared shapes of computed values no longer hold
};

}  // namespace slipway::onnx
