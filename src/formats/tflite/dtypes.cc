#include "formats/tflite/dtypes.h"

namespace slipway::tflite {

DType DTypeOf(fb::TensorType type) {
  switch (type) {
    case fb::TensorType::FLOAT32: return DType::kF32;
    case fb::TensorType::FLOAT16: return DType::kF16;
    case fb::TensorType::BFLOAT16: return DType::kBF16;
    case fb::TensorType::FLOAT64: return DType::kF64;
    case fb::TensorType::FLOAT8_E4M3FN: return DType::kF8E4M3FN;
    case fb::TensorType::FLOAT8_E5M2: return DType::kF8E5M2;
    case fb::TensorType::INT2: return DType::kI2;
    case fb::TensorType::INT4: return DType::kI4;
    case fb::TensorType::UINT4: return DType::kU4;
    case fb::TensorType::INT8: return DType::kI8;
    case fb::TensorType::UINT8: return DType::kU8;
    case fb::TensorType::INT16: return DType::kI16;
    case fb::TensorType::UINT16: return DType::kU16;
    case fb::TensorType::INT32: return DType::kI32;
    case fb::TensorType::UINT32: return DType::kU32;
    case fb::TensorType::INT64: return DType::kI64;
    case fb::TensorType::UINT64: return DType::kU64;
    case fb::TensorType::BOOL: return DType::kBool;
    case fb::TensorType::STRING: return DType::kString;
    case fb::TensorType::COMPLEX64: return DType::kC64;
    case fb::TensorType::COMPLEX128: return DType::kC128;
    default: return DType::kNone;
  }
}

std::string TypeName(fb::TensorType type) {
  const char* name = fb::EnumNameTensorType(type);
  return name != nullptr && *name != '\0' ? name : "type " + std::to_string(static_cast<int>(type));
}

}  // namespace slipway::tflite
