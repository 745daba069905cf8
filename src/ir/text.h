// The graph as text: to read, to compare in golden files, and to write small graphs by hand.
//
//   graph "main" {
//     input "x": f32["N", 3, 224, 224]
//     state "h": f32[1,4] = [0, 0, 0, 0]
//     const "w": f32[2] = [1, -0.5]
//     const "k": i8[3] quant scales [0.5] zero_points [0] axis -1 = [1, 2, -1]
//     node Conv "conv1" ["x", "w", _] -> ["y": f32["N", 2]] {"group" = 1} from ["Conv 'c1'"]
//     output "y"
//   }
//
// A state is an input that the last outputs, one for each state, feed from run to run, and its first value.
// Operators of plugins, whose names are no words ("Scale@1"), stand in quotes.
// `_` is an operand left out, `?` an anonymous dimension, `*` an unknown rank. Sub-graphs stand in
// attributes.
#pragma once

#include <string>
#include <string_view>

#include "ir/graph.h"
#include "slipway/status.h"

namespace slipway {

// Everything but the numbers of value ids: ParseGraph gives a graph that prints the same.
std::string PrintGraph(const Graph& graph);

// Errors (kInvalidModel) name line and what was expected. Sizes are checked against the text that is there,
// nesting is bounded. The result is not verified: see ops/verify.h.
Result<Graph> ParseGraph(std::string_view text);

}  // namespace slipway
