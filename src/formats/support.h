// Gathers every node of a model that Slipway cannot read, for the one error and the one report that list them
// all.
#pragma once

#include <string>
#include <vector>

#include "ops/builder.h"

namespace slipway {

struct UnsupportedNode {
  struct Operand {
    std::string name;  // empty: left out
    Type type;         // dtype kNone and no shape: what an unsupported node before it computes
  };

  Format format = Format::kOnnx;
  std::string name;
  std::string op;
  std::string domain;  // ONNX only; "" is ai.onnx
  int64_t version = 1;
  Attrs attrs;  // under the format's own names
  std::vector<Operand> inputs;
  std::vector<Operand> outputs;  // as the file declares them; it may declare none
  std::string reason;            // empty: no record reads the operator at all
  std::string hint;              // how to do without it; empty: no better way is known than to replace it

  // "com.acme.Foo (opset 1)", "CONV_2D (version 7)", "Enter"
  std::string OpText() const;
};

// "f32[1,3]", "?" for what an unsupported node before computes, "-" for an operand left out.
std::string ToString(const UnsupportedNode::Operand& operand);

// What importing found out, whether it succeeded or not. See ImportOptions::support.
struct SupportReport {
  int64_t num_nodes = 0;  // of the source that were looked at: those that the outputs need, no constants
  std::vector<UnsupportedNode> unsupported;
};

class UnsupportedNodes {
 public:
  // To be called for every node that is imported.
  void CountNode() { ++report_.num_nodes; }
  // `why`: the error of importing the node (kUnsupported).
  void Add(const ForeignNode& node, GraphBuilder& builder, const Status& why);

  bool IsEmpty() const { return report_.unsupported.empty(); }
  size_t size() const { return report_.unsupported.size(); }
  const SupportReport& report() const { return report_; }
  // kUnsupported; one line per node: name, operator with domain and version, input types, reason. Ok when
  // empty. `graph`: what was imported; an input without a shape may be why, and is named in the hint.
  // `support`: not null, gets a copy of the report.
  Status ToStatus(const Graph& graph, SupportReport* support = nullptr) const;

 private:
  SupportReport report_;
  bool lacks_shapes_ = false;  // an operator that is known was refused operands of unknown rank
};

}  // namespace slipway
