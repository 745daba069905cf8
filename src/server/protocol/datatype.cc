#include "server/protocol/datatype.h"

namespace slipway::server {
namespace {

struct Row {
  DType dtype;
  std::string_view datatype;
};

constexpr Row kRows[] = {{DType::kBool, "BOOL"},  {DType::kU8, "UINT8"},    {DType::kU16, "UINT16"},
                         {DType::kU32, "UINT32"}, {DType::kU64, "UINT64"},  {DType::kI8, "INT8"},
                         {DType::kI16, "INT16"},  {DType::kI32, "INT32"},   {DType::kI64, "INT64"},
                         {DType::kF16, "FP16"},   {DType::kBF16, "BF16"},   {DType::kF32, "FP32"},
                         {DType::kF64, "FP64"},   {DType::kString, "BYTES"}};

}  // namespace

std::string_view DatatypeOf(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row.datatype;
  }
  return {};
}

std::optional<DType> ParseDatatype(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.datatype == name) return row.dtype;
  }
  return std::nullopt;
}

std::string ConfigTypeOf(DType dtype) {
  if (dtype == DType::kString) return "TYPE_STRING";
  const std::string_view datatype = DatatypeOf(dtype);
  return datatype.empty() ? "TYPE_INVALID" : "TYPE_" + std::string(datatype);
}

}  // namespace slipway::server
