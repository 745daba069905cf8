#include "formats/tensorflow/placeholder.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "base/scalar.h"

namespace slipway::tensorflow {
namespace {

// GraphDef versions up to this one could not tell a scalar from an unknown shape (array_ops.cc).
constexpr int64_t kLastVersionWithoutUnknownShapes = 21;
constexpr size_t kMaxVisited = 256;

// Rank of the first input of operators that take one rank only.
std::optional<size_t> RankTaken(std::string_view op) {
  struct Entry {
    std::string_view op;
    size_t rank;
  };
  static constexpr Entry kRanks[] = {{"DecodeWav", 0},
                                     {"DecodeJpeg", 0},
                                     {"DecodePng", 0},
                                     {"DecodeImage", 0},
                                     {"AudioSpectrogram", 2},
                                     {"Mfcc", 3},
                                     {"Conv2D", 4},
                                     {"DepthwiseConv2dNative", 4},
                                     {"MaxPool", 4},
                                     {"AvgPool", 4},
                                     {"FusedBatchNorm", 4},
                                     {"FusedBatchNormV2", 4},
                                     {"ResizeBilinear", 4},
                                     {"ResizeNearestNeighbor", 4},
                                     {"DepthToSpace", 4},
                                     {"SpaceToDepth", 4},
                                     {"LRN", 4},
                                     {"_FusedConv2D", 4},
                                     {"Conv3D", 5},
                                     {"MaxPool3D", 5},
                                     {"AvgPool3D", 5},
                                     {"MatMul", 2},
                                     {"_FusedMatMul", 2}};
  for (const Entry& entry : kRanks) {
    if (entry.op == op) return entry.rank;
  }
  return std::nullopt;
}

// The result of these has the rank of their data.
bool KeepsRank(std::string_view op) {
  static const std::set<std::string_view> kOps = {
      "Identity", "Cast",           "Relu",           "Relu6",  "Elu",     "Abs",   "Neg",       "Sqrt",
      "Rsqrt",    "Tanh",           "Sigmoid",        "Square", "Pad",     "PadV2", "MirrorPad", "BiasAdd",
      "Softmax",  "SpaceToBatchND", "BatchToSpaceND", "Split",  "ConcatV2"};
  return kOps.count(op) > 0;
}

bool ChangesChannels(std::string_view op) {
  return op == "Split" || op == "ConcatV2" || op.find("Pad") != std::string_view::npos;
}

// Is `name` the data (of a ConcatV2: one of them) that `reader` takes?
bool ReadsAsData(const TfNode& reader, const std::string& name) {
  const size_t first = reader.op == "Split" ? 1 : 0;
  const size_t end = reader.op == "ConcatV2" ? std::max<size_t>(reader.inputs.size(), 1) - 1 : first + 1;
  for (size_t i = first; i < std::min(end, reader.inputs.size()); ++i) {
    if (ParseInput(reader.inputs[i]).node == name) return true;
  }
  return false;
}

// The constant of that shape behind weights.
const Tensor* ConstantBehind(const TfGraph& graph, const std::string& input) {
  const TfNode* node = graph.Find(ParseInput(input).node);
  for (int hops = 0; node != nullptr && hops < 8; ++hops) {
    if (node->op == "Const") return node->attrs.TensorOf("value");
    const bool keeps_shape = node->op == "Identity" || node->op == "Dequantize" || node->op == "Cast";
    if (!keeps_shape || node->inputs.empty()) return nullptr;
    node = graph.Find(ParseInput(node->inputs[0]).node);
  }
  return nullptr;
}

bool IsChannelsFirst(const TfNode& node) { return node.attrs.String("data_format").starts_with("NC"); }

// Channels that a convolution's or a product's weights ask for; -1 when they do not say.
int64_t ChannelsAsked(const TfGraph& graph, const TfNode& reader) {
  if (reader.inputs.size() < 2) return -1;
  const Tensor* weights = ConstantBehind(graph, reader.inputs[1]);
  if (weights == nullptr || weights->rank() < 2) return -1;
  if (reader.op.find("MatMul") != std::string::npos)
    return weights->dim(reader.attrs.Int("transpose_b") != 0 ? 1 : 0);
  return reader.op.find("Conv") != std::string::npos ? weights->dim(weights->rank() - 2) : -1;
}

struct Taker {
  const TfNode* node = nullptr;
  bool has_same_channels = true;
  std::vector<int64_t> axes_added = {};  // by ExpandDims on the way, in order; negative ones as written
};

// The axis that an ExpandDims adds.
std::optional<int64_t> AxisAdded(const TfGraph& graph, const TfNode& node) {
  if (node.op != "ExpandDims" || node.inputs.size() < 2) return std::nullopt;
  const Tensor* axis = ConstantBehind(graph, node.inputs[1]);
  if (axis == nullptr || !IsInteger(axis->dtype()) || axis->count() != 1) return std::nullopt;
  return LoadInt(axis->dtype(), axis->data(), 0);
}

// The extents before the axes were added; nullopt: they cannot have been.
std::optional<DimList> WithoutAxes(DimList dims, const std::vector<int64_t>& axes_added) {
  for (size_t i = axes_added.size(); i-- > 0;) {
    const int64_t axis =
        axes_added[i] < 0 ? axes_added[i] + static_cast<int64_t>(dims.size()) : axes_added[i];
    if (axis < 0 || axis >= static_cast<int64_t>(dims.size())) return std::nullopt;
    dims.erase(dims.begin() + axis);
  }
  return dims;
}

// The nearest reader, through operators that keep the rank, that takes one rank only.
Taker FindRankTaker(const TfGraph& graph, const TfNode& placeholder) {
  std::vector<Taker> pending = {{&placeholder}};
  std::set<const TfNode*> seen;
  for (size_t at = 0; at < pending.size() && at < kMaxVisited; ++at) {
    const Taker from = pending[at];  // a copy: `pending` grows
    for (size_t index : graph.ReadersOf(from.node->name)) {
      const TfNode* reader = &graph.nodes[index];
      if (!ReadsAsData(*reader, from.node->name) || !seen.insert(reader).second) continue;
      Taker taker{reader, from.has_same_channels && !ChangesChannels(reader->op), from.axes_added};
      if (RankTaken(reader->op)) return taker;
      const std::optional<int64_t> axis = AxisAdded(graph, *reader);
      if (axis) taker.axes_added.push_back(*axis);
      if (axis || KeepsRank(reader->op)) pending.push_back(std::move(taker));
    }
  }
  return {};
}

}  // namespace

DimList ToDims(const Ints& dims) {
  DimList shape;
  for (size_t i = 0; i < dims.size(); ++i) {
    shape.push_back(dims[i] >= 0 ? Dim(dims[i]) : i == 0 ? Dim::Symbol("batch") : Dim());
  }
  return shape;
}

PlaceholderType TypeOfPlaceholder(const TfGraph& graph, const TfNode& node) {
  const DType dtype = node.attrs.Type("dtype", DType::kF32);
  if (node.attrs.Has("shape")) {
    const Ints& dims = node.attrs.IntList("shape");
    if (!dims.empty() || graph.version > kLastVersionWithoutUnknownShapes)
      return {Type::Of(dtype, ToDims(dims)), ""};
  }
  const auto [taker, has_same_channels, axes_added] = FindRankTaker(graph, node);
  if (taker == nullptr) return {Type::OfUnknownShape(dtype), ""};
  Ints dims(RankTaken(taker->op).value_or(0), -1);
  if (!dims.empty() && has_same_channels)
    dims[IsChannelsFirst(*taker) ? 1 : dims.size() - 1] = ChannelsAsked(graph, *taker);
  const std::optional<DimList> shape = WithoutAxes(ToDims(dims), axes_added);
  if (!shape) return {Type::OfUnknownShape(dtype), ""};
  return {Type::Of(dtype, *shape), "input '" + node.name + "' has no shape in the file: taken as " +
                                       ToString(*shape) + " from " + taker->op + " '" + taker->name +
                                       "'; --input " + node.name + "[shape] says otherwise"};
}

DType HalfTypeOfReaders(const TfGraph& graph, const TfNode& node) {
  if (node.attrs.Type("dtype", DType::kF32) != DType::kF32) return DType::kNone;
  DType half = DType::kNone;
  for (size_t reader : graph.ReadersOf(node.name)) {
    const DType type = graph.nodes[reader].attrs.Type("T");
    if ((type != DType::kF16 && type != DType::kBF16) || (half != DType::kNone && half != type))
      return DType::kNone;
    half = type;
  }
  return half;
}

}  // namespace slipway::tensorflow
