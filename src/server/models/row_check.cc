#include "server/models/row_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "base/scalar.h"

namespace slipway::server {
namespace {

// Of the largest value: other batches may take other kernels, which round otherwise.
constexpr double kTolerance = 1e-3;

// Elements of row `row`: floats at random, others the row's number, which is a token or a flag that models
// know.
void FillRow(Tensor& tensor, int64_t row, int64_t at, std::mt19937& random) {
  const int64_t count = tensor.count() / tensor.dim(0);
  for (int64_t i = 0; i < count; ++i) {
    const double value = IsFloat(tensor.dtype()) ? std::uniform_real_distribution<double>(0, 1)(random)
                                                 : static_cast<double>(row);
    StoreReal(tensor.dtype(), tensor.data(), at * count + i, value);
  }
}

// Rows [first, first + rows) of the check's two. nullopt: of strings, or without a rank.
std::optional<std::vector<Tensor>> MakeRows(const Engine& engine, int64_t first, int64_t rows) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < engine.inputs().size(); ++i) {
    const Type& type = engine.inputs()[i].type;
    if (type.kind != TypeKind::kTensor || !type.shape || type.dtype == DType::kString) return std::nullopt;
    Dims dims = WithUnknownsAsOne(*type.shape);
    dims[0] = rows;
    Tensor tensor(type.dtype, dims);
    for (int64_t row = 0; row < rows; ++row) {
      std::mt19937 random(static_cast<uint32_t>(1 + first + row + 100 * static_cast<int64_t>(i)));
      FillRow(tensor, first + row, row, random);
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

std::optional<std::vector<Tensor>> Outputs(const Engine& engine, Context& context, int64_t first,
                                           int64_t rows) {
  const auto inputs = MakeRows(engine, first, rows);
  if (!inputs) return std::nullopt;
  const auto outputs = context.Run(*inputs);
  if (!outputs.ok()) return std::nullopt;
  std::vector<Tensor> copies;
  for (const Tensor& output : *outputs) {
    if (output.rank() == 0 || output.dim(0) != rows || output.dtype() == DType::kString) return std::nullopt;
    copies.push_back(output.Clone());
  }
  return copies;
}

bool IsRow(const Tensor& alone, const Tensor& together, int64_t row) {
  if (alone.rank() != together.rank() ||
      !std::equal(alone.dims().begin() + 1, alone.dims().end(), together.dims().begin() + 1))
    return false;
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < alone.count(); ++i) {
    const double a = LoadReal(alone.dtype(), alone.data(), i);
    const double b = LoadReal(together.dtype(), together.data(), row * alone.count() + i);
    if (std::isnan(a) != std::isnan(b)) return false;
    if (std::isnan(a)) continue;
    largest = std::max(largest, std::fabs(a));
    difference = std::max(difference, std::fabs(a - b));
  }
  return difference <= kTolerance * largest;
}

}  // namespace

bool DoRowsStayApart(const Engine& engine, Context& context) {
  const auto together = Outputs(engine, context, 0, 2);
  if (!together) return false;
  for (int64_t row = 0; row < 2; ++row) {
    const auto alone = Outputs(engine, context, row, 1);
    if (!alone) return false;
    for (size_t i = 0; i < alone->size(); ++i) {
      if (!IsRow((*alone)[i], (*together)[i], row)) return false;
    }
  }
  return true;
}

}  // namespace slipway::server
