// A TensorFlow graph as its files spell it: nodes by name, inputs as "node:k" or "^control".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tensorflow/checkpoint/dtypes.h"
#include "ir/attrs.h"

namespace slipway::tensorflow {

constexpr int64_t kLargeConstant = 4096;  // bytes

struct TfNode {
  std::string name;
  std::string op;
  std::vector<std::string> inputs;
  // Neutral: dtypes as DType, shapes as Ints (absent when the rank is unknown), bools as 0 / 1, functions as
  // names. The value of a Const may lie in the file as it is, not aligned for its dtype, if it takes
  // kLargeConstant bytes or more: whoever reads such elements copies them first.
  Attrs attrs;
};

// One entry of an input list, taken apart.
struct TfInput {
  std::string node;
  int index = 0;  // output number
  bool is_control = false;
};
TfInput ParseInput(std::string_view text);

// A function of the graph's library: sub-graphs that nodes call by name.
struct TfFunction {
  std::string name;
  std::vector<std::string> args;     // names of its nodes of operator "_Arg", as callers order them
  std::vector<std::string> results;  // "node:k"
  std::vector<TfNode> nodes;         // spelled as a graph's
  Status broken;                     // why it cannot be called; usually ok
};
using TfLibrary = std::map<std::string, TfFunction>;

// A look-up table, filled.
struct TfTable {
  Tensor keys, values;  // [n]
  Status broken;        // why it could not be filled; usually ok
};
using TfTables = std::map<std::string, TfTable>;  // by the table's node, and by its shared name

struct TfGraph {
  std::vector<TfNode> nodes;
  std::map<std::string, size_t> by_name;
  std::map<std::string, std::vector<size_t>> readers;  // nodes that read a node's results; not control edges
  std::shared_ptr<const TfLibrary> library;            // null: no functions
  std::shared_ptr<const TfTables> tables;              // null: none
  int64_t version = 0;  // the producer's GraphDef version; 0 when the file does not say

  const TfNode* Find(const std::string& name) const;
  // Null when there is none.
  const TfFunction* FindFunction(const std::string& name) const;
  // Each once, in file order.
  const std::vector<size_t>& ReadersOf(const std::string& name) const;
  // Fills by_name and readers; an error on a name that stands twice.
  Status Index();
};

}  // namespace slipway::tensorflow
