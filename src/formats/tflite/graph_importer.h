// The importer of one sub-graph; subgraph.cc reads operators and tensors, graph_states.cc what outlives a
// run, graph_calls.cc operators that stand for sub-graphs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/tflite/resources.h"
#include "formats/tflite/subgraph.h"

namespace slipway::tflite {

inline Status Invalid(std::string message) {
  return Status(Code::kInvalidModel, std::move(message), "the file is damaged: download or export it again");
}

// The options of either table as attributes; custom operators' own.
Attrs OptionsOf(const TfliteFile& file, const fb::Operator& op);

// Reads one sub-graph.
class GraphImporter {
 public:
  GraphImporter(SubGraphImporter& shared, const fb::SubGraph& source, const Cut& cut, GraphPlace place)
      : shared_(shared), file_(shared.file()), source_(source), cut_(cut), builder_(graph_), place_(place) {}

  Result<Graph> Run();

 private:
  const fb::Tensor& tensor(int index) const { return *source_.tensors()->Get(static_cast<uint32_t>(index)); }
  size_t num_tensors() const { return source_.tensors() ? source_.tensors()->size() : 0; }
  std::string NameOf(int index) const {
    const auto* name = tensor(index).name();
    return name ? name->str() : std::string();
  }

  Status AddInput(int index);
  Status AddOperators();
  std::vector<bool> NeededOperators() const;
  Status AddOperator(const fb::Operator& op);
  // Format, name and version only.
  Result<ForeignNode> OperatorOf(const fb::Operator& op) const;
  Result<ForeignNode> ForeignOf(const fb::Operator& op);
  Status AddSubGraphs(ForeignNode& node);
  Status AddIntermediates(const fb::Operator& op, ForeignNode& node) const;
  Result<bool> FoldedAtImport(const ForeignNode& node, const fb::Operator& op);
  // The value of a tensor that an operator reads: computed before, or a constant added now.
  Result<ValueId> ReadTensor(int index, const std::string& reader);
  Result<ValueId> AddConstant(int index, const std::string& reader);
  Result<Value> DeclaredOutput(int index) const;
  Result<DimList> ShapeWithUnknowns(int index) const;
  // Results for an operator that is not supported, so that the nodes behind it are looked at as well.
  Status BindStandIns(const fb::Operator& op, const ForeignNode& node);
  Status BindOutputs(const fb::Operator& op, const std::vector<ValueId>& values, const std::string& name);

  // graph_calls.cc: operators that stand for sub-graphs.
  Status AddCall(const fb::Operator& op, const ForeignNode& node);
  Result<std::vector<ValueId>> Inline(const Graph& graph, std::span<const ValueId> inputs,
                                      const std::string& name);
  Result<std::vector<ValueId>> AddCase(const ForeignNode& node, const std::vector<GraphRef>& branches);

  // graph_states.cc: variable tensors, and operators on handles.
  // What a variable holds when the model starts: zeros.
  Result<Tensor> StartOfVariable(int index);
  Result<ValueId> AddState(int index);
  ValueId AddState(Tensor start, std::optional<Quant> quant, int index, std::string variable);
  Result<std::vector<int>> AddWrittenStates(const fb::Operator& op, ForeignNode& node) const;
  // A state that an operator keeps to itself, and which of its results the next run finds.
  struct Kept {
    std::string state;
    size_t result;
  };
  Result<std::vector<Kept>> AddOwnStates(ForeignNode& node);
  void KeepStates(const std::vector<int>& written, std::span<const ValueId> values);
  void FinishStates();
  Status AddResourceOperator(const fb::Operator& op, const std::string& name);
  Status AddHandleOperator(const fb::Operator& op, const std::string& name, const std::string& handle);
  Result<int> TensorOf(const flatbuffers::Vector<int32_t>* tensors, uint32_t i,
                       const std::string& reader) const;
  Result<Tensor> ConstantIn(const fb::Operator& op, uint32_t input, const std::string& reader);
  Status AssignVariable(const fb::Operator& op, const std::string& variable);
  Status ReadVariable(const fb::Operator& op, const std::string& variable);
  Status FindInTable(const fb::Operator& op, const HashTable& table);

  // Of a variable tensor, or of a variable behind a handle.
  struct State {
    ValueId before = kNoValue;
    Tensor start;
    int index = -1;  // of the tensor; -1: a variable's
    std::string variable;
  };

  SubGraphImporter& shared_;
  const TfliteFile& file_;
  const fb::SubGraph& source_;
  const Cut& cut_;
  Graph graph_;
  GraphBuilder builder_;
  std::vector<ValueId> values_;  // by tensor index
  GraphPlace place_;
  std::vector<State> states_;                 // in the order of the graph's last inputs
  std::map<int, std::string> handles_;        // by tensor index: what a handle stands for
  std::map<std::string, ValueId> variables_;  // what a variable holds now
  int num_symbols_ = 0;
  bool is_dynamic_ = false;  // an input's shape is not the file's: declared shapes may be wrong
};

}  // namespace slipway::tflite
