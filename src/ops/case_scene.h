// A record's test case as a graph of one node with operands: for property tests and benchmarks.
#pragma once

#include <cstdint>

#include "ops/run.h"

namespace slipway {

struct CaseScene {
  Graph graph;                // one node, types inferred; constant inputs carry their data
  std::vector<Datum> inputs;  // one per operand of the node; nothing where it is left out

  const Node& node() const { return graph.nodes[0]; }
  // As RunReference takes them: null where left out.
  std::vector<const Datum*> operands() const;
};

// Numbers are drawn from `seed` in the inputs' ranges, integers rounded down. An error when the record
// refuses the case.
Result<CaseScene> MakeCaseScene(const OpDef& op, const TestCase& test, uint32_t seed);

}  // namespace slipway
