// onnxruntime's quantised element-wise operators (com.microsoft), taken apart on import.
#pragma once

#include "ops/import.h"

namespace slipway {

// QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu, QLinearConcat, QLinearSoftmax,
// QLinearAveragePool, QLinearGlobalAveragePool, QLinearWhere and QLinearReduceMean become DequantizeLinear ->
// the operator -> QuantizeLinear; QGemm multiplies in integers.
ForeignRows QLinearRows();

}  // namespace slipway
