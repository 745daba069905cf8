// Nodes and operands as the C interface shows them to a plugin.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/c_views.h"
#include "ir/graph.h"
#include "slipway/plugin_abi.h"
#include "slipway/status.h"

namespace slipway {

// Open extents by number, for one call: equal symbols have equal numbers, anonymous ones have 0.
class DimTable {
 public:
  slipway_dim View(const Dim& dim);
  // The other way. An extent of -1 with a number that was not given out, and other negative extents, come
  // back as they are: see IsExtent.
  Dim Read(const slipway_dim& dim) const;

 private:
  std::vector<Dim> dims_;  // number 1 first
  std::map<std::string, uint64_t, std::less<>> numbers_;
};

// What is known of an operand before a run; a null type: it is left out.
struct OperandFacts {
  const Type* type = nullptr;
  const Tensor* content = nullptr;
  const Quant* quant = nullptr;
};

// The elements of a tensor of strings; it must outlive them.
std::vector<slipway_bytes> ViewStrings(const Tensor& tensor);

// A node as a plugin sees it. The facts' targets, the node and the table must outlive it.
class NodeView {
 public:
  // An error names the attribute that cannot cross (a sub-graph, a tensor of strings).
  static Result<std::unique_ptr<NodeView>> Make(const Node& node, int64_t version,
                                                std::span<const OperandFacts> inputs,
                                                std::span<const OperandFacts> outputs, DimTable& dims);
  NodeView(const NodeView&) = delete;
  NodeView& operator=(const NodeView&) = delete;

  const slipway_node& raw() const { return raw_; }

 private:
  NodeView() = default;
  Result<slipway_attr> ViewAttr(const std::string& name, const Attr& attr);
  slipway_operand ViewOperand(const OperandFacts& facts, DimTable& dims);

  slipway_node raw_{};
  std::vector<slipway_attr> attrs_;
  std::vector<slipway_operand> inputs_, outputs_;
  std::deque<std::vector<slipway_bytes>> texts_;
  std::deque<std::vector<slipway_dim>> shapes_;
  std::deque<slipway_tensor> tensors_;
  std::deque<slipway_quant> quants_;
};

// Gathers what a plugin writes; at most kMaxBytes are kept.
class Sink {
 public:
  static constexpr size_t kMaxTextBytes = 4096;  // of an error's words

  explicit Sink(size_t max_bytes) : max_bytes_(max_bytes) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  slipway_sink raw() { return {this, Write}; }
  const std::string& bytes() const { return bytes_; }
  // More was written than is kept.
  bool IsCut() const { return is_cut_; }
  // What a plugin said, fit to stand in a message: one line, never empty.
  std::string Words() const;

 private:
  static void Write(void* host, const void* data, uint64_t size);

  std::string bytes_;
  size_t max_bytes_;
  bool is_cut_ = false;
};

}  // namespace slipway
