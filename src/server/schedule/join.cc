#include "server/schedule/join.h"

#include <algorithm>
#include <cstring>

#include "base/brief_tensor.h"

namespace slipway::server {
namespace {

void CopyElements(const Tensor& from, Tensor& to, int64_t at) {
  if (from.dtype() == DType::kString) {
    std::copy_n(from.as<std::string>(), from.count(), to.as<std::string>() + at);
  } else if (from.size_bytes() > 0) {
    std::memcpy(static_cast<uint8_t*>(to.data()) + BytesOf(from.dtype(), at), from.data(),
                static_cast<size_t>(from.size_bytes()));
  }
}

}  // namespace

int64_t RowsOf(const std::vector<Tensor>& inputs) {
  return inputs.empty() || inputs[0].rank() == 0 ? 1 : inputs[0].dim(0);
}

bool CanJoin(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::ranges::equal(a, b, [](const Tensor& x, const Tensor& y) {
    return x.dtype() == y.dtype() && x.rank() == y.rank() && x.rank() > 0 &&
           std::equal(x.dims().begin() + 1, x.dims().end(), y.dims().begin() + 1);
  });
}

std::vector<Tensor> Join(std::span<const std::vector<Tensor>* const> requests) {
  if (requests.size() == 1) return *requests[0];
  std::vector<Tensor> joined;
  for (size_t i = 0; i < requests[0]->size(); ++i) {
    Dims dims = (*requests[0])[i].dims();
    dims[0] = 0;
    for (const auto* request : requests) dims[0] += (*request)[i].dim(0);
    Tensor all = BriefTensor((*requests[0])[i].dtype(), dims);
    int64_t at = 0;
    for (const auto* request : requests) {
      CopyElements((*request)[i], all, at);
      at += (*request)[i].count();
    }
    joined.push_back(std::move(all));
  }
  return joined;
}

Result<std::vector<Tensor>> Rows(std::span<const Tensor> outputs, int64_t begin, int64_t rows,
                                 int64_t total) {
  std::vector<Tensor> cut;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& output = outputs[i];
    if (output.rank() == 0 || output.dim(0) != total) {
      return Status(Code::kInvalidModel,
                    "output " + std::to_string(i) + " is " + Describe(output) + " after a batch of " +
                        std::to_string(total),
                    "its answers cannot be told apart: set max_batch_size: 0");
    }
    Dims dims = output.dims();
    dims[0] = rows;
    const int64_t each = total == 0 ? 0 : output.count() / total;
    if (output.dtype() == DType::kString) {
      Tensor part(DType::kString, dims);
      std::copy_n(output.as<std::string>() + begin * each, rows * each, part.as<std::string>());
      cut.push_back(std::move(part));
      continue;
    }
    auto* at =
        static_cast<uint8_t*>(const_cast<void*>(output.data())) + BytesOf(output.dtype(), begin * each);
    cut.emplace_back(output.dtype(), dims, at);
  }
  return cut;
}

}  // namespace slipway::server
