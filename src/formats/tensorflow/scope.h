// The nodes of one TensorFlow graph become nodes of one Graph: the model's own, or the body of a loop or
// branch.
//
// Tensors are values. A variable is its constant, so its handle is too. A TensorList, and the flow of a
// TensorArray, is a sequence, or, as long as nothing is written to it, the dense tensor of its elements along
// axis 0.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/support.h"
#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// What the scopes of one import share.
struct ImportState {
  UnsupportedNodes unsupported;
  std::vector<std::string> notes;
  std::map<std::string, std::shared_ptr<const TfGraph>> bodies;  // functions, ready to import
  bool keeps_unknown = false;                                    // see ImportOptions::allow_custom
  std::shared_ptr<const TfTables> tables;                        // null: none
  std::vector<const TfTable*> tables_read;                       // by the number that stands for a handle
  int depth = 0;                                                 // how deep sub-graphs are nested
  int64_t body_nodes_left = 500'000;  // that bodies may still import: loops in loops are read again and again

  // Each text once.
  void Note(const std::string& text);
};

// What is known of a list beside its value.
struct ListInfo {
  DType dtype = DType::kNone;
  std::optional<DimList> element;  // shape of its elements; none: unknown
  bool is_dense = false;           // the value is a tensor, elements along axis 0
  bool is_open = false;            // nothing has been put in yet: the first element says its shape
};

class Scope {
 public:
  // All three must outlive it.
  Scope(const TfGraph& source, Graph& graph, ImportState& state)
      : source_(source), state_(state), builder_(graph) {}

  const TfGraph& source() const { return source_; }
  ImportState& state() { return state_; }
  GraphBuilder& builder() { return builder_; }
  const Type& type(ValueId id) const { return builder_.type(id); }

  // Tensors of the source, "node" or "node:k", and the values that they are; kNoValue: not there (yet).
  void Bind(const std::string& node, int index, ValueId value) { values_[Key(node, index)] = value; }
  bool Has(const std::string& node, int index) const { return values_.count(Key(node, index)) > 0; }
  ValueId Find(const std::string& tensor) const;
  std::set<std::string> BoundKeys() const;
  static std::string Key(const std::string& node, int index) { return node + ":" + std::to_string(index); }

  // Lists by their values; null for a value that is none.
  const ListInfo* ListOf(ValueId id) const;
  void SetList(ValueId id, ListInfo info) { lists_[id] = std::move(info); }

  // Does anybody read that output?
  bool Wants(const TfNode& node, int index) const {
    const auto found = num_outputs_.find(&node);
    return found != num_outputs_.end() && found->second > index;
  }

  // What a Placeholder becomes; without it they are refused.
  std::function<Result<ValueId>(const TfNode&)> on_placeholder;

  // Imports the nodes that these tensors need, each after what it reads. Nodes that are not supported are
  // gathered in the state, and what reads them has no value. Errors: everything else.
  Status Import(const std::vector<std::string>& tensors);

  // An intermediate node of one output. `declared` fills in what inference leaves open.
  Result<ValueId> Add(const TfNode& for_node, std::string op, std::vector<ValueId> inputs, Attrs attrs = {},
                      Type declared = {});

 private:
  // `roots` gets what is to be ordered later.
  Status OrderBehind(const TfNode* root, std::vector<const TfNode*>& roots);
  void WantOutput(const TfNode* node, int index);
  size_t CountOutputs(const TfNode& node) const;
  Status ImportOne(const TfNode& node);
  Status ImportRow(const TfNode& node, ForeignNode foreign);
  void BindConstant(const TfNode& node, const Tensor& value);
  // Copies of constants that lie unaligned in the file: made again for who reads them, and dropped where no
  // node of the graph has come to read them (weights are transposed once), so that weights are not held
  // twice.
  void MakeCopies(const std::vector<ValueId>& values);
  void DropCopies(const std::vector<ValueId>& values);
  // True: the results are constants, and bound.
  bool Fold(const ForeignNode& node);
  // Operators that hand on what they get, where that is a constant or a list. True: done.
  bool HandOn(const TfNode& node, const std::vector<ValueId>& inputs);

  const TfGraph& source_;
  ImportState& state_;
  GraphBuilder builder_;
  std::map<std::string, ValueId> values_;  // by Key
  std::map<ValueId, ListInfo> lists_;
  std::map<ValueId, Tensor> unaligned_;  // constants as they lie in the file
  std::set<ValueId> read_;               // what the first num_scanned_ nodes of the graph read
  size_t num_scanned_ = 0;
  enum class State { kNew, kOpen, kDone };
  std::map<const TfNode*, State> states_;
  std::vector<const TfNode*> order_;
  std::map<const TfNode*, int> num_outputs_;  // that somebody reads
};

// Nodes of a graph that no output and no other node reads. Their values go too, the graph's inputs stay.
void Prune(Graph& graph);

// An operator that takes more than a row of a record: reads `inputs` (all there), binds its outputs.
using NodeHandler = Status (*)(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs);
// Null: the operator has none.
NodeHandler HandlerOf(const TfNode& node);

}  // namespace slipway::tensorflow
