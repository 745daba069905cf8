// An operand of attention that is spelt out: where its heads come from, and how it can be had packed in rows.
#pragma once

#include <span>

#include "passes/rewrite.h"

namespace slipway {

// How the product reads the operand.
enum class HeadAxes {
  kApart,  // [B,H,L,D]
  kTurned  // [B,H,D,L]
};

struct AttentionOperand {
  DimList extents;  // [B,H,L,D]
  double scale = 1;
  // What splits and moves the heads and nothing else needs: dropped, or made into something else.
  std::vector<Node*> nodes;

  // Rows of heads, [B,L,H,D], that `turn` (one of `nodes`) moves; else kNoValue and null.
  ValueId rows = kNoValue;
  Node* turn = nullptr;
  // Already [B,L,H*D]; else kNoValue.
  ValueId packed = kNoValue;
  // [B,H,L,D], where no `turn` is needed for that; else kNoValue.
  ValueId apart = kNoValue;
  // Of a projection [B,L,3*H*D] of all three: the Reshape to [B,L,3,H,D], the Transpose by [2,0,3,1,4] behind
  // it, and which of the three this is. Null where there is none.
  Node* split_heads = nullptr;
  Node* split_turn = nullptr;
  int64_t split_index = 0;
  ValueId split_part = kNoValue;  // what takes that part's place
};

// Sums up factors and divisors of one element, as long as nothing else reads their results; adds their nodes.
ValueId SkipScale(GraphView& view, ValueId value, double& scale, std::vector<Node*>& nodes);

// nullopt: its rank is not 4.
std::optional<AttentionOperand> ReadAttentionOperand(GraphView& view, ValueId value, HeadAxes axes);

// Whether rows of all three can be had without moving an element.
bool CanPackTogether(GraphView& view, const AttentionOperand& q, const AttentionOperand& k,
                     const AttentionOperand& v);
// Queries, keys and values as [B,L,H*D]. REQUIRES: CanPackTogether.
Result<std::vector<ValueId>> PackOperands(GraphView& view, std::span<AttentionOperand* const> operands);
// As [B,H,L,D]; a transposition to [B,H,D,L] turns into one to that.
ValueId ApartOf(GraphView& view, const AttentionOperand& operand);

// The shape is known to be that.
bool IsSurely(const Type& type, const DimList& extents);
// `node` becomes the Reshape of `from` to those extents. What is not known of them is copied: `from` has it
// at the same place.
Status BecomeReshape(GraphView& view, Node& node, ValueId from, const DimList& extents);

}  // namespace slipway
