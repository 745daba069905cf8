// What a placeholder takes, where the file leaves it open.
//
// Old graphs (before GraphDef version 22) write "any shape" as a scalar's, many write no shape at all. The
// operators that read the placeholder then say its rank, and the weights of a convolution its channels. Left
// out: anything that would need shape inference against the flow of data.
#pragma once

#include <string>

#include "formats/tensorflow/tf_graph.h"
#include "ir/graph.h"

namespace slipway::tensorflow {

struct PlaceholderType {
  Type type;         // the first axis, where open, is the symbol "batch"
  std::string note;  // for people: what was guessed and from which node; empty when nothing was
};

// `node`: a Placeholder of `graph`.
PlaceholderType TypeOfPlaceholder(const TfGraph& graph, const TfNode& node);

// The half type that every reader of `node` computes in, where the placeholder itself is f32 (as converters
// of weights to halves leave it); kNone otherwise.
DType HalfTypeOfReaders(const TfGraph& graph, const TfNode& node);

// Extents of a shape attribute; -1 is open.
DimList ToDims(const Ints& dims);

}  // namespace slipway::tensorflow
