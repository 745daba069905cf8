#include "ops/onnx_dtype.h"

#include <array>

namespace slipway {
namespace {

// Indexed by TensorProto.DataType (onnx.proto of IR version 13).
constexpr std::array<DType, 27> kTypes = {
    DType::kNone,       DType::kF32,    DType::kU8,         DType::kI8,   DType::kU16,  DType::kI16,
    DType::kI32,        DType::kI64,    DType::kString,     DType::kBool, DType::kF16,  DType::kF64,
    DType::kU32,        DType::kU64,    DType::kC64,        DType::kC128, DType::kBF16, DType::kF8E4M3FN,
    DType::kF8E4M3FNUZ, DType::kF8E5M2, DType::kF8E5M2FNUZ, DType::kU4,   DType::kI4,   DType::kF4E2M1,
    DType::kF8E8M0,     DType::kU2,     DType::kI2};

}  // namespace

std::optional<DType> DTypeFromOnnx(int64_t onnx_type) {
  if (onnx_type <= 0 || onnx_type >= static_cast<int64_t>(kTypes.size())) return std::nullopt;
  return kTypes[static_cast<size_t>(onnx_type)];
}

}  // namespace slipway
