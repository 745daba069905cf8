// Holds what inference said of every value against what a run gives: symbolic shape inference, proven by
// example.
#pragma once

#include <map>
#include <string>

#include "ops/run.h"

namespace slipway::conformance {

// One run of one graph. A known extent must be the extent; a symbol, or an expression over symbols, stands
// for one extent wherever it occurs.
class TypeCheck {
 public:
  explicit TypeCheck(const Graph& graph) : graph_(graph) {}

  void See(ValueId id, const Datum& datum);
  // The first contradiction (kMismatch), naming the value.
  const Status& status() const { return status_; }

 private:
  void SeeExtent(const Value& value, const Dim& dim, int64_t extent, const Tensor& tensor);
  void Fail(const Value& value, const Tensor& tensor, const std::string& why);

  const Graph& graph_;
  std::map<std::string, int64_t> extents_;
  Status status_;
};

// The graph interpreted, every value checked.
Result<std::vector<Datum>> InterpretChecked(const Graph& graph, std::span<const Datum> inputs);

}  // namespace slipway::conformance
