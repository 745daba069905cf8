// A TensorFlow graph as its files spell it: nodes by name, inputs as "node:k" or "^control".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attrs.h"

namespace slipway::tensorflow {

struct TfNode {
  std::string name;
  std::string op;
  std::vector<std::string> inputs;
  // Neutral: dtypes as DType, shapes as Ints (absent when the rank is unknown), bools as 0 / 1, functions as
  // names.
  Attrs attrs;
};

// One entry of an input list, taken apart.
struct TfInput {
  std::string node;
  int index = 0;  // output number
  bool is_control = false;
};
TfInput ParseInput(std::string_view text);

struct TfGraph {
  std::vector<TfNode> nodes;
  std::map<std::string, size_t> by_name;
  std::map<std::string, std::vector<size_t>> readers;  // nodes that read a node's results; not control edges
  size_t num_functions = 0;                            // of the library, not imported
  int64_t version = 0;  // the producer's GraphDef version; 0 when the file does not say

  const TfNode* Find(const std::string& name) const;
  // Each once, in file order.
  const std::vector<size_t>& ReadersOf(const std::string& name) const;
  // Fills by_name and readers; an error on a name that stands twice.
  Status Index();
};

// TensorFlow's DataType numbers; kNone for what has no tensor (resource, variant) and for unknown numbers.
DType DTypeFromTf(int64_t number);
// "DT_FLOAT" and the like.
DType DTypeFromTfName(std::string_view name);

}  // namespace slipway::tensorflow
