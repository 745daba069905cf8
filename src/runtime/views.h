// Steps that compute nothing: what they give are bytes that exist, under another shape or as parts of each
// other. The planner lets their operands share storage and skips them; their kernels copy where it cannot.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace slipway {

// Where an operand lies within a larger one of static shape.
struct PartView {
  int64_t offset = 0;    // of its first element, in elements of the dense whole
  bool is_rows = false;  // it is the same part of every row of the whole; false: one stretch of the whole
};

enum class ViewKind {
  kSame,  // output 0 is input 0
  kJoin,  // input i is a part of output 0
  kCut,   // output i is a part of input 0
};

struct StepViews {
  ViewKind kind = ViewKind::kSame;
  std::vector<PartView> parts;  // kJoin: by input; kCut: by output
};

// What `node` does to storage, if that is all it does: Reshape and kin, Concat and Split along the last axis
// or within one stretch. REQUIRES: all operands are tensors of static shape. Constants' content is not
// copied.
std::optional<StepViews> ViewsOf(const Graph& graph, const Node& node);

}  // namespace slipway
