// Decodes a serialised GraphDef (.pb) without libprotobuf.
//
// Source: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto.
#pragma once

#include <memory>
#include <span>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// `owner` keeps the bytes alive; large aligned constants alias them. Truncated and hostile bytes give an
// error.
Result<TfGraph> DecodeGraphDef(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner);
// A quick look: do the bytes begin like a GraphDef (a NodeDef with a name and an op)?
bool LooksLikeGraphDef(std::span<const uint8_t> bytes);

// A tensor from its parts, as TensorProto states them: raw content, or values of which the last is repeated.
Status CheckTensorSize(const Dims& dims, DType dtype, size_t bytes_at_hand);

}  // namespace slipway::tensorflow
