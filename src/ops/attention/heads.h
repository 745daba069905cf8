// What the attention operators share: operands seen as heads, settled extents, one row of attention.
//
// Queries, keys and values come packed, [B,L,heads*D], or apart, [B,heads,L,D]; query head h reads key and
// value head h / (q_heads / kv_heads) (grouped-query attention: Ainslie et al., 2023).
#pragma once

#include <vector>

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {

// Extents of one call as far as they are known while shapes are inferred.
struct AttentionDims {
  Dim batch, q_heads, kv_heads, q_length, kv_length, head, v_head;
};

// `known` takes over what `seen` knows; an error that names `what` where they contradict.
Status Settle(const InferContext& context, const char* what, Dim& known, const Dim& seen);

// Settles the extents that input i shows: rank 3 is packed and needs `heads` known, rank 4 is apart.
// REQUIRES: the input is there.
Status SettleHeads(const InferContext& context, size_t i, Dim& batch, Dim& heads, Dim& length, Dim& head);
// An error unless the query heads share the key heads evenly.
Status CheckGroups(const InferContext& context, const Dim& q_heads, const Dim& kv_heads);

// A tensor of heads as doubles; element (b, h, l, d) is at(b, h, l)[d].
class Heads {
 public:
  Heads() = default;
  // x: [B,L,heads*D] or [B,heads,L,D], dense.
  Heads(const Tensor& x, int64_t heads);
  // Zeros, [B,heads,L,D].
  Heads(int64_t batch, int64_t heads, int64_t length, int64_t size);

  int64_t batch() const { return batch_; }
  int64_t heads() const { return heads_; }
  int64_t length() const { return length_; }
  int64_t size() const { return size_; }
  const double* at(int64_t b, int64_t h, int64_t l) const { return values_.data() + Offset(b, h, l); }
  double* at(int64_t b, int64_t h, int64_t l) { return values_.data() + Offset(b, h, l); }

  // Writes the heads into y: packed where its rank is 3, apart where it is 4.
  void StoreTo(Tensor& y) const;
  // `past` before `now`, [B,heads,past+now,D].
  static Heads Joined(const Heads& past, const Heads& now);

 private:
  int64_t Offset(int64_t b, int64_t h, int64_t l) const {
    return b * batch_stride_ + h * head_stride_ + l * row_stride_;
  }

  std::vector<double> values_;
  int64_t batch_ = 0, heads_ = 0, length_ = 0, size_ = 0;
  int64_t batch_stride_ = 0, head_stride_ = 0, row_stride_ = 0;
};

// `value` as `dtype` would hold it; f32 and f64 are left as they are, so that sums stay wide.
double RoundedTo(DType dtype, double value);
// In place: exp(x - max) / sum, both rounded to `dtype`. Where every score is -infinity, zeros.
void SoftmaxRow(std::vector<double>& scores, DType dtype);
// x limited smoothly to (-cap, cap); cap 0: x.
double SoftCapped(double x, double cap);
double Dot(const double* a, const double* b, int64_t count);
// The given scale; 1 / sqrt(head size) where that is 0.
double ScaleOr(float scale, int64_t head_size);
// y[d] = sum over rows j of weights[j] * v(b, h, j)[d].
void WeighRows(const std::vector<double>& weights, const Heads& v, int64_t b, int64_t h, double* y);

}  // namespace slipway
