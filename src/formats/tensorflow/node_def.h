// Decodes a serialised NodeDef with its attributes and tensors.
//
// Source: tensorflow/core/framework/{node_def,attr_value,tensor,tensor_shape}.proto.
#pragma once

#include <memory>
#include <protozero/pbf_reader.hpp>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

struct NodeSource {
  std::shared_ptr<const void> owner;  // keeps the bytes alive; null: tensors copy them
  int64_t* repeated_left;             // elements that values repeated to fill tensors may still make
};

// Throws protozero::exception at bytes that are no message.
Result<TfNode> DecodeNode(protozero::pbf_reader message, const NodeSource& source);
// TensorShapeProto; -1 is an open extent.
Result<Ints> DecodeShape(protozero::pbf_reader shape, bool* is_rank_unknown);

}  // namespace slipway::tensorflow
