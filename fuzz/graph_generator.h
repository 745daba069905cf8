// Random valid graphs, made from the operator records.
//
// Nothing here knows what an operator takes: a node is a record's test case whose operands are replaced by
// values that the graph has already, by other shapes and by other constants, and inference and the reference
// say whether that is valid. Every value is computed as the graph grows, so that operands stay in the range
// that the case asks for (indices, logarithms) and numbers stay finite.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ops/run.h"

namespace slipway::fuzz {

// A graph with what to run it on.
struct Sample {
  Graph graph;                // verified
  std::vector<Datum> inputs;  // one per graph input
};

// A record with one of its cases.
struct Source {
  const OpDef* op = nullptr;
  TestCase test;
};

// All cases that are deterministic and small enough, in a fixed order.
const std::vector<Source>& AllSources();

struct GeneratorOptions {
  size_t max_nodes = 20;
  // What nodes are made from. REQUIRES: not empty.
  std::vector<const Source*> sources;
};

// The same graph for the same seed and options.
Sample Generate(uint64_t seed, const GeneratorOptions& options);

// The node that is being tried, or was last, with its operands: for a handler of crashes.
const char* NodeInTrial();

// The graph of one case alone, as the record's tests have it.
Result<Sample> OneNode(const Source& source, uint32_t seed);

}  // namespace slipway::fuzz
