// Tactic for Gather by indices that come with the run (embeddings): whole rows are copied. What is gathered
// by constant indices from a static shape may also go by planned copies (copies.cc).
#include <algorithm>
#include <cstring>

#include "backends/cpu/tactics.h"
#include "base/scalar.h"

namespace slipway::cpu {
namespace {

constexpr int64_t kTaskBytes = 32768;

std::optional<std::string> WhyNot(const Step& step) {
  if (step.op->name != "Gather") return "not a Gather";
  if (step.inputs[0]->type.kind != TypeKind::kTensor) return "not a tensor";
  const DType dtype = TypeOf(step.inputs[0]);
  if (!HasWholeBytes(dtype)) return "elements are not whole bytes";
  const DType indices = TypeOf(step.inputs[1]);
  if (indices != DType::kI64 && indices != DType::kI32) return "indices are neither i64 nor i32";
  return std::nullopt;
}

class GatherKernel : public Kernel {
 public:
  explicit GatherKernel(const Step& step)
      : node_(step.node->name),
        axis_(step.attrs().Int("axis")),
        batch_dims_(step.attrs().Int("batch_dims")) {}

  Status Run(const KernelArgs& args) const override {
    const Shape shape(args.in(0), args.in(1), axis_, batch_dims_);
    SLIPWAY_RETURN_IF_ERROR(Check(args.in(1), shape.extent));
    const int64_t row_bytes = shape.inner * BitsOf(args.in(0).dtype()) / 8;
    if (args.out(0).count() == 0) return Status::Ok();
    const auto* x = static_cast<const uint8_t*>(args.in(0).bytes());  // most of a table is never read
    auto* y = args.out(0).as<uint8_t>();
    args.pool.ParallelFor(shape.batches * shape.outer * shape.picks,
                          std::max<int64_t>(1, kTaskBytes / row_bytes), [&](int64_t begin, int64_t end) {
                            for (int64_t i = begin; i < end; ++i) {
                              const int64_t block = i / shape.picks;  // of batch and outer axes
                              const int64_t at = block / shape.outer * shape.picks + i % shape.picks;
                              const int64_t pick = IndexAt(args.in(1), at, shape.extent);
                              std::memcpy(y + i * row_bytes, x + (block * shape.extent + pick) * row_bytes,
                                          static_cast<size_t>(row_bytes));
                            }
                          });
    return Status::Ok();
  }

 private:
  // x: [batches, outer, extent, inner], indices: [batches, picks], y: [batches, outer, picks, inner].
  struct Shape {
    Shape(const Tensor& x, const Tensor& indices, int64_t axis_attr, int64_t batch_dims) {
      const auto axis = static_cast<size_t>(axis_attr < 0 ? axis_attr + x.rank() : axis_attr);
      const auto batch = static_cast<size_t>(batch_dims);
      const std::span<const int64_t> dims(x.dims());
      batches = CountOf(dims.first(batch));
      outer = CountOf(dims.subspan(batch, axis - batch));
      extent = dims[axis];
      inner = CountOf(dims.subspan(axis + 1));
      picks = CountOf(std::span<const int64_t>(indices.dims()).subspan(batch));
    }
    int64_t batches, outer, extent, inner, picks;
  };

  static int64_t IndexAt(const Tensor& indices, int64_t i, int64_t extent) {
    const int64_t index =
        indices.dtype() == DType::kI64 ? indices.as<int64_t>()[i] : indices.as<int32_t>()[i];
    return index < 0 ? index + extent : index;
  }

  Status Check(const Tensor& indices, int64_t extent) const {
    for (int64_t i = 0, count = indices.count(); i < count; ++i) {
      const int64_t index = IndexAt(indices, i, extent);
      if (index >= 0 && index < extent) continue;
      return Status(Code::kInvalidInput, "Gather '" + node_ + "': index " +
                                             std::to_string(LoadInt(indices.dtype(), indices.data(), i)) +
                                             " is outside an axis of " + std::to_string(extent));
    }
    return Status::Ok();
  }

  std::string node_;
  int64_t axis_, batch_dims_;
};

// The table counts only as far as it is picked from.
class GatherTactic : public SimpleTactic {
 public:
  using SimpleTactic::SimpleTactic;
  double EstimateUs(const Step& step) const override {
    const double picked =
        static_cast<double>(CountOfType(step.outputs[0]->type) * BitsOf(TypeOf(step.outputs[0])) / 8);
    return speed().fixed_us + 2 * picked / speed().gbytes / 1e3;
  }
};

}  // namespace

std::vector<const Tactic*> GatherTactics() {
  static const GatherTactic gather("cpu/gather", BoundByMemory(40), WhyNot, MakeKernel<GatherKernel>);
  return {&gather};
}

}  // namespace slipway::cpu
