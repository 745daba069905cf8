// Which values share storage: parts of a Concat's result and of a Split's input, the two sides of a Reshape,
// and a result that takes the place of an operand nobody needs any more.
//
// Values that hold the same elements under other shapes, or one after the other in the same bytes, are a
// group; a group may be a part of another. The values of the topmost group of such a tree begin where its
// buffer begins.
//
// Decided in three sweeps over the steps: Reshapes, then Splits, then Concats (a part of something has one
// place only: first come), and last, when everybody's readers are known, what is written in place. Left out
// on purpose: storage shared with the network's inputs and constants, and a Concat or Split that no uniform
// step describes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backends/api/backend.h"
#include "ir/graph.h"

namespace slipway {

struct Place {
  ValueId root = kNoValue;  // whose buffer it lies in: itself, or another value of this graph
  int64_t offset_bytes = 0;
  int64_t step = 0;  // elements from row to row of the last extent; 0: dense
};

struct Sharing {
  std::vector<Place> places;  // by ValueId; root kNoValue: not in the arena
  // By step: all that it would do is done by where its operands lie.
  std::vector<bool> is_skipped;
};

// `graph`: types known. `is_static`: by step, whether its outputs lie in the arena.
Sharing ShareStorage(const Graph& graph, std::span<const std::unique_ptr<Kernel>> kernels,
                     const std::vector<bool>& is_static);
// Every output of a static step in a buffer of its own.
Sharing ShareNothing(const Graph& graph, const std::vector<bool>& is_static);

// The first step that writes and the last that reads each value, by ValueId: INT_MAX and -1 where none does;
// the graph's outputs are read by the step behind the last.
struct Lifetimes {
  std::vector<int> first;
  std::vector<int> last;
};
Lifetimes LifetimesOf(const Graph& graph);

}  // namespace slipway
