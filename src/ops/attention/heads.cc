#include "ops/attention/heads.h"

#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "ops/nn/reals.h"

namespace slipway {

Status Settle(const InferContext& context, const char* what, Dim& known, const Dim& seen) {
  if (known.IsKnown() && seen.IsKnown() && known.value() != seen.value()) {
    return context.Error(std::string(what) + " is " + known.ToString() + " in one input and " +
                         seen.ToString() + " in another");
  }
  if (!known.IsKnown() && (seen.IsKnown() || !known.IsNamed())) known = seen;
  return Status::Ok();
}

Status SettleHeads(const InferContext& context, size_t i, Dim& batch, Dim& heads, Dim& length, Dim& head) {
  if (!context.shape(i)) return Status::Ok();
  const DimList& shape = *context.shape(i);
  const std::string& name = context.op().inputs[i].name;
  if (shape.size() != 3 && shape.size() != 4) {
    return context.Error(name + " is " + ToString(shape) + "; it must have rank 3 or 4");
  }
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "the batch", batch, shape[0]));
  if (shape.size() == 4) {
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the number of heads", heads, shape[1]));
    SLIPWAY_RETURN_IF_ERROR(Settle(context, "the sequence length", length, shape[2]));
    return Settle(context, "the head size", head, shape[3]);
  }
  SLIPWAY_RETURN_IF_ERROR(Settle(context, "the sequence length", length, shape[1]));
  if (!heads.IsKnown() || heads.value() <= 0) {
    return context.Error(
        name + " " + ToString(shape) + " is packed, but the number of its heads is not given",
        "set q_num_heads and kv_num_heads");
  }
  if (shape[2].IsKnown() && shape[2].value() % heads.value() != 0) {
    return context.Error(name + " " + ToString(shape) + " cannot be split into " + heads.ToString() +
                         " heads");
  }
  return Settle(context, "the head size", head, FloorDiv(shape[2], heads));
}

Status CheckGroups(const InferContext& context, const Dim& q_heads, const Dim& kv_heads) {
  if (!q_heads.IsKnown() || !kv_heads.IsKnown()) return Status::Ok();
  const bool is_even = kv_heads.value() > 0 && q_heads.value() % kv_heads.value() == 0;
  if (is_even) return Status::Ok();
  return context.Error("there are " + q_heads.ToString() + " query heads, no multiple of the " +
                       kv_heads.ToString() + " key heads");
}

Heads::Heads(const Tensor& x, int64_t heads) : values_(Reals(x)), batch_(x.dim(0)) {
  const bool is_packed = x.rank() == 3;
  heads_ = is_packed ? heads : x.dim(1);
  length_ = is_packed ? x.dim(1) : x.dim(2);
  size_ = is_packed ? x.dim(2) / std::max<int64_t>(heads, 1) : x.dim(3);
  batch_stride_ = heads_ * length_ * size_;
  head_stride_ = is_packed ? size_ : length_ * size_;
  row_stride_ = is_packed ? heads_ * size_ : size_;
}

Heads::Heads(int64_t batch, int64_t heads, int64_t length, int64_t size)
    : values_(static_cast<size_t>(batch * heads * length * size)),
      batch_(batch),
      heads_(heads),
      length_(length),
      size_(size),
      batch_stride_(heads * length * size),
      head_stride_(length * size),
      row_stride_(size) {}

void Heads::StoreTo(Tensor& y) const {
  const bool is_packed = y.rank() == 3;
  for (int64_t b = 0; b < batch_; ++b) {
    for (int64_t h = 0; h < heads_; ++h) {
      for (int64_t l = 0; l < length_; ++l) {
        const int64_t row = is_packed ? (b * length_ + l) * heads_ + h : (b * heads_ + h) * length_ + l;
        for (int64_t d = 0; d < size_; ++d) StoreReal(y.dtype(), y.data(), row * size_ + d, at(b, h, l)[d]);
      }
    }
  }
}

Heads Heads::Joined(const Heads& past, const Heads& now) {
  Heads all(now.batch_, now.heads_, past.length_ + now.length_, now.size_);
  for (int64_t b = 0; b < all.batch_; ++b) {
    for (int64_t h = 0; h < all.heads_; ++h) {
      for (int64_t l = 0; l < all.length_; ++l) {
        const double* row = l < past.length_ ? past.at(b, h, l) : now.at(b, h, l - past.length_);
        std::copy(row, row + all.size_, all.at(b, h, l));
      }
    }
  }
  return all;
}

double RoundedTo(DType dtype, double value) {
  if (dtype == DType::kF32 || dtype == DType::kF64) return value;
  uint16_t stored = 0;
  StoreReal(dtype, &stored, 0, value);
  return LoadReal(dtype, &stored, 0);
}

void SoftmaxRow(std::vector<double>& scores, DType dtype) {
  double largest = -INFINITY;
  bool is_blind = true;
  for (double& score : scores) {
    score = RoundedTo(dtype, score);
    largest = std::max(largest, score);
    is_blind = is_blind && score == -INFINITY;
  }
  if (is_blind) return std::fill(scores.begin(), scores.end(), 0.0);
  double sum = 0;
  for (double& score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  for (double& score : scores) score = RoundedTo(dtype, score / sum);
}

double SoftCapped(double x, double cap) { return cap == 0 ? x : cap * std::tanh(x / cap); }

double Dot(const double* a, const double* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

double ScaleOr(float scale, int64_t head_size) {
  return scale != 0 ? static_cast<double>(scale) : 1 / std::sqrt(static_cast<double>(head_size));
}

void WeighRows(const std::vector<double>& weights, const Heads& v, int64_t b, int64_t h, double* y) {
  for (size_t j = 0; j < weights.size(); ++j) {
    if (weights[j] == 0) continue;  // rows out of reach may hold anything
    const double* row = v.at(b, h, static_cast<int64_t>(j));
    for (int64_t d = 0; d < v.size(); ++d) y[d] += weights[j] * row[d];
  }
}

}  // namespace slipway
