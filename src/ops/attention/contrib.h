// onnxruntime's attention and transformer operators (com.microsoft), taken apart on import.
#pragma once

#include "ops/import.h"

namespace slipway {

// ONNX's attribute softmax_precision as ours, where it is given.
Result<Attrs> SoftmaxPrecision(const ImportContext& context);

// Attention, MultiHeadAttention: projections, biases and masks of lengths become nodes around Attention.
std::vector<ForeignRow> ContribAttentionRows();

}  // namespace slipway
