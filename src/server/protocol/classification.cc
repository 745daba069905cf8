#include "server/protocol/classification.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <vector>

#include "base/scalar.h"

namespace slipway::server {
namespace {

// x != x for NaN alone, and never for integers.
template <class T>
bool IsNan(T x) {
  return x != x;  // NOLINT: meant
}

template <class T>
std::string Label(T score, int64_t index, std::span<const std::string> labels) {
  char text[32];
  std::string label(text, std::to_chars(text, text + sizeof(text), score).ptr);
  label += ':';
  label += std::to_string(index);
  if (index < std::ssize(labels) && !labels[static_cast<size_t>(index)].empty())
    label += ':' + labels[static_cast<size_t>(index)];
  return label;
}

template <class T>
Tensor BestOf(const Tensor& scores, int classes, std::span<const std::string> labels) {
  const bool has_batch = scores.rank() > 1;
  const int64_t rows = has_batch ? scores.dim(0) : 1;
  const int64_t columns = rows == 0 ? 0 : scores.count() / rows;
  const int64_t k = std::min<int64_t>(classes, columns);
  Tensor best(DType::kString, has_batch ? Dims{rows, k} : Dims{k});
  std::vector<int64_t> order(static_cast<size_t>(columns));
  auto* to = best.as<std::string>();
  for (int64_t row = 0; row < rows; ++row) {
    const T* from = scores.as<T>() + row * columns;
    std::iota(order.begin(), order.end(), 0);
    const auto is_better = [from](int64_t a, int64_t b) {
      if (from[a] > from[b]) return true;
      if (from[b] > from[a]) return false;
      return IsNan(from[a]) == IsNan(from[b]) ? a < b : IsNan(from[b]);
    };
    std::partial_sort(order.begin(), order.begin() + k, order.end(), is_better);
    for (int64_t i = 0; i < k; ++i) *to++ = Label(from[order[i]], order[i], labels);
  }
  return best;
}

Tensor ToF32(const Tensor& tensor) {
  Tensor floats(DType::kF32, tensor.dims());
  const std::span<float> to = floats.values<float>();
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<float>(LoadReal(tensor.dtype(), tensor.data(), static_cast<int64_t>(i)));
  return floats;
}

}  // namespace

Result<Tensor> BestClasses(const Tensor& scores, int classes, std::span<const std::string> labels) {
  switch (scores.dtype()) {
    case DType::kF32: return BestOf<float>(scores, classes, labels);
    case DType::kF16:
    case DType::kBF16: return BestOf<float>(ToF32(scores), classes, labels);
    case DType::kF64: return BestOf<double>(scores, classes, labels);
    case DType::kI8: return BestOf<int8_t>(scores, classes, labels);
    case DType::kI16: return BestOf<int16_t>(scores, classes, labels);
    case DType::kI32: return BestOf<int32_t>(scores, classes, labels);
    case DType::kI64: return BestOf<int64_t>(scores, classes, labels);
    case DType::kBool:
    case DType::kU8: return BestOf<uint8_t>(scores, classes, labels);
    case DType::kU16: return BestOf<uint16_t>(scores, classes, labels);
    case DType::kU32: return BestOf<uint32_t>(scores, classes, labels);
    case DType::kU64: return BestOf<uint64_t>(scores, classes, labels);
    default:
      return Status(Code::kInvalidInput, Describe(scores) + " has no scores to classify by",
                    "leave out the parameter classification");
  }
}

}  // namespace slipway::server
