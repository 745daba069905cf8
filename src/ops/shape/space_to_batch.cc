// Moves blocks of pixels into the batch, and back: how TensorFlow spells dilated convolutions.
#include <algorithm>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

Status CheckBlocks(const InferContext& context, const Ints& blocks, size_t rank) {
  if (blocks.size() + 1 > rank) {
    return context.Error("has " + std::to_string(blocks.size()) + " block extents for an input of rank " +
                         std::to_string(rank));
  }
  for (int64_t block : blocks) {
    if (block < 1 || block > 65536)
      return context.Error("block extents " + ToString(blocks) + " must be 1 or more");
  }
  return Status::Ok();
}

// Both records: blocks and border known and of fitting lengths, or nothing.
struct Plan {
  Ints blocks;
  Ints border;  // [n,2]
};
Result<std::optional<Plan>> PlanOf(const InferContext& context) {
  const auto blocks = context.ints(1);
  const Tensor* border = context.constant(2);
  if (!context.shape(0) || !blocks || border == nullptr) {
    return std::optional<Plan>();
  }
  SLIPWAY_RETURN_IF_ERROR(CheckBlocks(context, *blocks, context.shape(0)->size()));
  Plan plan{*blocks, IntsOf(*border)};
  const bool fits =
      plan.border.size() == 2 * blocks->size() &&
      std::all_of(plan.border.begin(), plan.border.end(), [](int64_t amount) { return amount >= 0; });
  if (!fits) return context.Error("needs two amounts of 0 or more per block extent");
  return std::optional<Plan>(std::move(plan));
}

// Where the border is computed, the axes behind the blocks keep their extents all the same.
Status SetUnknown(InferContext& context) {
  Type type = Type::OfUnknownShape(context.dtype(0));
  const auto& x = context.shape(0);
  const auto blocks = context.ints(1);
  if (x) type.shape = DimList(x->size());
  for (size_t axis = blocks ? blocks->size() + 1 : SIZE_MAX; x && axis < x->size(); ++axis)
    (*type.shape)[axis] = (*x)[axis];
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status InferToBatch(InferContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::optional<Plan> plan, PlanOf(context));
  if (!plan) return SetUnknown(context);
  DimList shape = *context.shape(0);
  for (size_t i = 0; i < plan->blocks.size(); ++i) {
    const Dim padded = shape[i + 1] + plan->border[2 * i] + plan->border[2 * i + 1];
    if (padded.IsKnown() && padded.value() % plan->blocks[i] != 0) {
      return context.Error("axis " + std::to_string(i + 1) + " of " + ToString(*context.shape(0)) +
                           " padded to " + padded.ToString() + " is no multiple of block " +
                           std::to_string(plan->blocks[i]));
    }
    shape[i + 1] = FloorDiv(padded, plan->blocks[i]);
    shape[0] = shape[0] * plan->blocks[i];
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

Status InferToSpace(InferContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::optional<Plan> plan, PlanOf(context));
  if (!plan) return SetUnknown(context);
  DimList shape = *context.shape(0);
  int64_t all = 1;
  for (size_t i = 0; i < plan->blocks.size(); ++i) {
    all *= plan->blocks[i];
    Dim& dim = shape[i + 1];
    dim = dim * plan->blocks[i] - plan->border[2 * i] - plan->border[2 * i + 1];
    if (dim.IsKnown() && dim.value() < 0)
      return context.Error("crops more than axis " + std::to_string(i + 1) + " has");
    if (all > INT32_MAX) return context.Error("the blocks are too large");
  }
  if (shape[0].IsKnown() && shape[0].value() % all != 0) {
    return context.Error("the batch of " + shape[0].ToString() + " is no multiple of " + std::to_string(all));
  }
  shape[0] = FloorDiv(shape[0], all);
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// Copies between the batched tensor, image by block offset, and the pixels of the spatial one that are inside
// it. spatial index = batched index * block + offset - border before.
enum class Direction { kToBatch, kToSpace };

void CopyBlocks(RunContext& context, Direction direction) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const Tensor& batched = direction == Direction::kToBatch ? y : x;
  const Tensor& spatial = direction == Direction::kToBatch ? x : y;
  const auto number = [&](size_t input, size_t i) {
    return LoadInt(context.in(input).dtype(), context.in(input).data(), static_cast<int64_t>(i));
  };
  const auto n = static_cast<size_t>(context.in(1).count());
  const std::vector<int64_t> b = DenseStrides(batched.dims());
  const std::vector<int64_t> s = DenseStrides(spatial.dims());
  const int64_t images = spatial.dims()[0];
  const int64_t parts = images == 0 ? 0 : batched.dims()[0] / images;
  for (int64_t part = 0; part < parts; ++part) {
    StridedView batched_view{part * images * b[0], b};
    StridedView spatial_view{0, s};
    Dims dims = batched.dims();
    dims[0] = images;
    int64_t rest = part;
    for (size_t i = n; i-- > 0;) {
      const int64_t block = number(1, i);
      const int64_t shift = rest % block - number(2, 2 * i);  // spatial index of batched index 0
      rest /= block;
      const int64_t first = shift < 0 ? (-shift + block - 1) / block : 0;
      const int64_t extent = spatial.dims()[i + 1];
      const int64_t beyond = extent > shift ? (extent - shift + block - 1) / block : 0;
      dims[i + 1] = std::max<int64_t>(0, std::min(beyond, batched.dims()[i + 1]) - first);
      batched_view.offset += first * b[i + 1];
      spatial_view.offset += (first * block + shift) * s[i + 1];
      spatial_view.strides[i + 1] = s[i + 1] * block;
    }
    const bool is_to_batch = direction == Direction::kToBatch;
    CopyStrided(x.dtype(), x.data(), is_to_batch ? spatial_view : batched_view, y.data(),
                is_to_batch ? batched_view : spatial_view, dims);
  }
}

Status RunToBatch(RunContext& context) {
  Tensor& y = context.out(0);
  const Quant* quant = context.in_quant(0);
  const int64_t zero = quant != nullptr && !quant->zero_points.empty() ? quant->zero_points[0] : 0;
  for (int64_t i = 0; i < y.count(); ++i) StoreInt(y.dtype(), y.data(), i, zero);
  CopyBlocks(context, Direction::kToBatch);
  return Status::Ok();
}

Status RunToSpace(RunContext& context) {
  CopyBlocks(context, Direction::kToSpace);
  return Status::Ok();
}

OpDef BatchOp(const char* name) {
  OpDef op;
  op.name = name;
  op.group = "shape";
  op.inputs = {{"x", kNumbers | kBools | DTypeSet{DType::kC64}, "[N, n block axes..., rest...]"},
               {"block", kIndices, "[n]"},
               {"border", kIndices, "[n,2]: before and after, padding or cropping"}};
  op.outputs = {{"y", kNumbers | kBools | DTypeSet{DType::kC64}, "the same axes"}};
  return op;
}

std::vector<TestCase> Cases(Dims dims, std::vector<double> border) {
  return {{"blocks",
           {{.dims = std::move(dims)},
            {.dtype = DType::kI32, .dims = {2}, .values = {2, 3}, .is_constant = true},
            {.dtype = DType::kI32, .dims = {2, 2}, .values = std::move(border), .is_constant = true}},
           {}}};
}

}  // namespace

OpDef MakeSpaceToBatch() {
  OpDef op = BatchOp("SpaceToBatch");
  op.summary =
      "Pads, then moves blocks of pixels into the batch: image p of the result holds every block's pixel p.";
  op.infer = InferToBatch;
  op.reference = RunToBatch;
  op.cases = [] { return Cases({2, 5, 7, 3}, {1, 0, 2, 0}); };
  op.foreign = {{Format::kTensorflow, "SpaceToBatchND"}, {Format::kTflite, "SPACE_TO_BATCH_ND"}};
  return op;
}

OpDef MakeBatchToSpace() {
  OpDef op = BatchOp("BatchToSpace");
  op.summary = "Moves images of the batch into blocks of pixels, then crops: SpaceToBatch backwards.";
  op.infer = InferToSpace;
  op.reference = RunToSpace;
  op.cases = [] { return Cases({12, 3, 3, 3}, {1, 0, 2, 0}); };
  op.foreign = {{Format::kTensorflow, "BatchToSpaceND"}, {Format::kTflite, "BATCH_TO_SPACE_ND"}};
  return op;
}

}  // namespace slipway
