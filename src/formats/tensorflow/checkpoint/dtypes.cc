#include "formats/tensorflow/checkpoint/dtypes.h"

#include <array>

namespace slipway::tensorflow {
namespace {

struct TypeName {
  int number;
  std::string_view name;
  DType dtype;
};

// tensorflow/core/framework/types.proto
constexpr std::array<TypeName, 21> kTypes = {
    {{1, "DT_FLOAT", DType::kF32},     {2, "DT_DOUBLE", DType::kF64},     {3, "DT_INT32", DType::kI32},
     {4, "DT_UINT8", DType::kU8},      {5, "DT_INT16", DType::kI16},      {6, "DT_INT8", DType::kI8},
     {7, "DT_STRING", DType::kString}, {8, "DT_COMPLEX64", DType::kC64},  {9, "DT_INT64", DType::kI64},
     {10, "DT_BOOL", DType::kBool},    {11, "DT_QINT8", DType::kI8},      {12, "DT_QUINT8", DType::kU8},
     {13, "DT_QINT32", DType::kI32},   {14, "DT_BFLOAT16", DType::kBF16}, {15, "DT_QINT16", DType::kI16},
     {16, "DT_QUINT16", DType::kU16},  {17, "DT_UINT16", DType::kU16},    {18, "DT_COMPLEX128", DType::kC128},
     {19, "DT_HALF", DType::kF16},     {22, "DT_UINT32", DType::kU32},    {23, "DT_UINT64", DType::kU64}}};

}  // namespace

DType DTypeFromTf(int64_t number) {
  if (number > 100) number -= 100;  // reference types
  for (const TypeName& type : kTypes) {
    if (type.number == number) return type.dtype;
  }
  return DType::kNone;
}

DType DTypeFromTfName(std::string_view name) {
  for (const TypeName& type : kTypes) {
    if (type.name == name) return type.dtype;
  }
  return DType::kNone;
}

int32_t NumberOfTfType(std::string_view name) {
  if (name.ends_with("_REF")) name.remove_suffix(4);
  for (const TypeName& type : kTypes) {
    if (type.name == name) return type.number;
  }
  return 0;
}

}  // namespace slipway::tensorflow
