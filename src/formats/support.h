// Gathers every node of a model that Slipway cannot read, for the one error that lists them all.
#pragma once

#include <string>
#include <vector>

#include "ops/builder.h"

namespace slipway {

class UnsupportedNodes {
 public:
  // `why`: the error of importing the node (kUnsupported).
  void Add(const ForeignNode& node, const GraphBuilder& builder, const Status& why);

  bool IsEmpty() const { return nodes_.empty(); }
  size_t size() const { return nodes_.size(); }
  // kUnsupported; one line per node: name, operator with domain and version, input types, reason. Ok when
  // empty. `graph`: what was imported; an input without a shape may be why, and is named in the hint.
  Status ToStatus(const Graph& graph) const;

 private:
  struct Entry {
    std::string op;  // "com.acme.Foo version 1"
    std::string line;
  };
  std::vector<Entry> nodes_;
  bool lacks_shapes_ = false;  // an operator that is known was refused operands of unknown rank
};

}  // namespace slipway
