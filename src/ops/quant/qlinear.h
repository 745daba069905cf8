// onnxruntime's quantised element-wise operators (com.microsoft), taken apart on import.
#pragma once

#include "ops/import.h"

namespace slipway {

// QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu, QLinearConcat, QLinearSoftmax, QLinearAveragePool
// and QLinearGlobalAveragePool become DequantizeLinear -> the operator -> QuantizeLinear.
std::vector<ForeignRow> QLinearRows();

}  // namespace slipway
