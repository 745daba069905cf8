// Pools over the whole image.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/scalar.h"
#include "ops/nn/window.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  if (!context.shape(0)) return Status::Ok();
  DimList shape = *context.shape(0);
  if (shape.size() < 2) return context.Error("input " + ToString(shape) + " must be [N,C,...]");
  const auto first = static_cast<size_t>(FirstSpatialAxis(LayoutOf(context.attrs())));
  for (size_t i = first; i < first + shape.size() - 2; ++i) shape[i] = Dim(1);
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// Calls pool(values of one channel of one image) and stores what it returns.
template <class F>
Status RunPool(RunContext& context, const F& pool) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const bool is_first = LayoutOf(context.attrs()) == Layout::kChannelsFirst;
  const int64_t n = x.dim(0);
  const int64_t c = is_first ? x.dim(1) : x.dim(-1);
  const int64_t pixels = n * c == 0 ? 0 : x.count() / (n * c);
  std::vector<double> values(static_cast<size_t>(pixels));
  for (int64_t i = 0; i < n * c; ++i) {
    for (int64_t k = 0; k < pixels; ++k) {
      const int64_t at = is_first ? i * pixels + k : (i / c * pixels + k) * c + i % c;
      values[static_cast<size_t>(k)] = LoadReal(x.dtype(), x.data(), at);
    }
    StoreReal(y.dtype(), y.data(), i, pool(values));
  }
  return Status::Ok();
}

OpDef GlobalPool() {
  OpDef op;
  op.group = "nn";
  op.inputs = {{"x", kFloats, "[N,C,spatial...] or [N,spatial...,C]"}};
  op.outputs = {{"y", kFloats, "x with every spatial extent 1"}};
  op.attrs = {LayoutAttr()};
  op.infer = Infer;
  op.flops = [](const InferContext& context) { return context.CountOfInput(0); };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* layout : {"channels_first", "channels_last"}) {
      const Attrs attrs = {{"layout", std::string(layout)}};
      for (const Dims& dims :
           {Dims{1, 7, 5, 9}, Dims{2, 33, 7, 7}, Dims{1, 3, 17}, Dims{1, 2, 3, 4, 5}, Dims{1, 3, 0}}) {
        cases.push_back({std::string(layout) + "_" + ToString(dims), {{.dims = dims}}, attrs});
      }
    }
    return cases;
  };
  return op;
}

}  // namespace

OpDef MakeGlobalAveragePool() {
  OpDef op = GlobalPool();
  op.name = "GlobalAveragePool";
  op.summary = "Mean of every channel over the whole image.";
  op.formula = "y[n,c] = mean_p x[n,c,p]";
  op.reference = [](RunContext& context) {
    return RunPool(context, [](const std::vector<double>& values) {
      double sum = 0;
      for (double value : values) sum += value;
      return values.empty() ? NAN : sum / static_cast<double>(values.size());  // as every mean of nothing
    });
  };
  op.foreign = {{Format::kOnnx, "GlobalAveragePool"}};
  return op;
}

OpDef MakeGlobalMaxPool() {
  OpDef op = GlobalPool();
  op.name = "GlobalMaxPool";
  op.summary = "Largest element of every channel over the whole image.";
  op.formula = "y[n,c] = max_p x[n,c,p]";
  op.reference = [](RunContext& context) {
    return RunPool(context, [](const std::vector<double>& values) {
      double best = -std::numeric_limits<double>::infinity();
      for (double value : values) best = std::max(best, value);
      return best;
    });
  };
  op.foreign = {{Format::kOnnx, "GlobalMaxPool"}};
  return op;
}

OpDef MakeGlobalLpPool() {
  OpDef op = GlobalPool();
  op.name = "GlobalLpPool";
  op.summary = "p-norm of every channel over the whole image.";
  op.formula = "y[n,c] = (sum_i |x[n,c,i]|^p)^(1/p)";
  op.attrs.push_back(IntAttr("p", 2, "the norm's exponent, at least 1"));
  op.reference = [](RunContext& context) {
    const auto p = static_cast<double>(context.attrs().Int("p", 2));
    if (p < 1) return context.Error("p must be at least 1");
    return RunPool(context, [p](const std::vector<double>& values) {
      double sum = 0;
      for (double value : values) sum += std::pow(std::abs(value), p);
      return std::pow(sum, 1 / p);
    });
  };
  op.foreign = {{Format::kOnnx, "GlobalLpPool"}};
  return op;
}

}  // namespace slipway
