// Moves channels into blocks of pixels, and back (SpaceToDepth).
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

struct Axes {
  size_t channels, height, width;
};

Axes AxesFor(const Attrs& attrs) {
  return attrs.String("layout") == "channels_last" ? Axes{3, 1, 2} : Axes{1, 2, 3};
}

Status Infer(InferContext& context) {
  const int64_t block = context.attrs().Int("blocksize");
  if (block < 1 || block > 65536) return context.Error("blocksize is " + std::to_string(block));
  if (!context.shape(0)) {
    context.SetOutput(0, context.dtype(0), DimList(4));
    return Status::Ok();
  }
  DimList shape = *context.shape(0);
  if (shape.size() != 4) return context.Error("x must have rank 4, is " + ToString(shape));
  const Axes axes = AxesFor(context.attrs());
  const bool is_to_space = context.node().op == "DepthToSpace";
  const auto divide = [&](size_t axis, int64_t by) -> Status {
    Dim& dim = shape[axis];
    if (dim.IsKnown() && dim.value() % by != 0) {
      return context.Error("axis " + std::to_string(axis) + " of " + ToString(*context.shape(0)) +
                           " is no multiple of " + std::to_string(by));
    }
    dim = FloorDiv(dim, by);
    return Status::Ok();
  };
  if (is_to_space) {
    SLIPWAY_RETURN_IF_ERROR(divide(axes.channels, block * block));
    shape[axes.height] = shape[axes.height] * block;
    shape[axes.width] = shape[axes.width] * block;
  } else {
    SLIPWAY_RETURN_IF_ERROR(divide(axes.height, block));
    SLIPWAY_RETURN_IF_ERROR(divide(axes.width, block));
    shape[axes.channels] = shape[axes.channels] * (block * block);
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

// Views of the deep and of the wide tensor over the axes [N, block y, block x, C, H, W], C of the wide one.
Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const bool is_to_space = context.node().op == "DepthToSpace";
  const Tensor& deep = is_to_space ? x : y;
  const Tensor& wide = is_to_space ? y : x;
  const Axes axes = AxesFor(context.attrs());
  const int64_t block = context.attrs().Int("blocksize");
  const std::vector<int64_t> d = DenseStrides(deep.dims());
  const std::vector<int64_t> w = DenseStrides(wide.dims());
  const int64_t channels = wide.dims()[axes.channels];
  const Dims dims = {x.dims()[0], block, block, channels, deep.dims()[axes.height], deep.dims()[axes.width]};
  // DCR: channel of the deep tensor = (by * block + bx) * C + c; CRD: (c * block + by) * block + bx.
  const bool is_crd = context.attrs().String("mode") == "CRD";
  const int64_t by = is_crd ? block : block * channels;
  const int64_t bx = is_crd ? 1 : channels;
  const int64_t c = is_crd ? block * block : 1;
  const int64_t dc = d[axes.channels];
  const StridedView deep_view{0, {d[0], by * dc, bx * dc, c * dc, d[axes.height], d[axes.width]}};
  const StridedView wide_view{
      0,
      {w[0], w[axes.height], w[axes.width], w[axes.channels], w[axes.height] * block, w[axes.width] * block}};
  CopyStrided(x.dtype(), x.data(), is_to_space ? deep_view : wide_view, y.data(),
              is_to_space ? wide_view : deep_view, dims);
  return Status::Ok();
}

Status ImportBlocks(ImportContext& context) {
  const std::string& format = context.attrs().String("data_format");
  if (!format.empty() && format != "NHWC" && format != "NCHW")
    return context.Unsupported("data_format " + format);
  const std::string layout = format == "NCHW" ? "channels_first" : "channels_last";
  return context.Emit(context.op().name, {context.in(0)},
                      {{"blocksize", context.attrs().Int("block_size")}, {"layout", layout}});
}

OpDef BlockOp(const char* name, std::string summary) {
  OpDef op;
  op.name = name;
  op.group = "shape";
  op.summary = std::move(summary);
  op.inputs = {{"x", kAnyType, "[N,C,H,W], or [N,H,W,C] for channels_last"}};
  op.outputs = {{"y", kAnyType, "the same layout"}};
  op.attrs = {
      Required(IntAttr("blocksize", 1, "side of a block")),
      StringAttr("layout", "channels_first", {"channels_first", "channels_last"}, "where the channels are"),
      StringAttr("mode", "DCR", {"DCR", "CRD"},
                 "order within the deep channels: block then channel (DCR), or channel then block (CRD)")};
  op.infer = Infer;
  op.reference = Reference;
  return op;
}

}  // namespace

OpDef MakeDepthToSpace() {
  OpDef op =
      BlockOp("DepthToSpace", "Moves channels into blocks of pixels: each deep pixel becomes a square.");
  op.cases = [] {
    const std::pair<const std::string, Attr> block{"blocksize", int64_t{2}};
    return std::vector<TestCase>{
        {"dcr", {{.dims = {2, 12, 3, 5}}}, {block}},
        {"crd", {{.dims = {2, 12, 3, 5}}}, {block, {"mode", std::string("CRD")}}},
        {"last", {{.dims = {2, 3, 5, 12}}}, {block, {"layout", std::string("channels_last")}}}};
  };
  op.foreign = {{Format::kOnnx, "DepthToSpace"},
                {Format::kTensorflow, "DepthToSpace", 1, INT_MAX, ImportBlocks},
                {Format::kTflite, "DEPTH_TO_SPACE", 1, INT_MAX, ImportBlocks}};
  return op;
}

OpDef MakeSpaceToDepth() {
  OpDef op =
      BlockOp("SpaceToDepth", "Moves blocks of pixels into channels: each square becomes one deep pixel.");
  op.cases = [] {
    const std::pair<const std::string, Attr> block{"blocksize", int64_t{2}};
    return std::vector<TestCase>{
        {"first", {{.dims = {2, 3, 4, 6}}}, {block}},
        {"last", {{.dims = {2, 4, 6, 3}}}, {block, {"layout", std::string("channels_last")}}}};
  };
  op.foreign = {{Format::kOnnx, "SpaceToDepth"},
                {Format::kTensorflow, "SpaceToDepth", 1, INT_MAX, ImportBlocks},
                {Format::kTflite, "SPACE_TO_DEPTH", 1, INT_MAX, ImportBlocks}};
  return op;
}

}  // namespace slipway
