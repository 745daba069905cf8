#include "formats/tensorflow/preprocessor.h"

#include <algorithm>
#include <set>

#include "base/scalar.h"

namespace slipway::tensorflow {
namespace {

constexpr size_t kMaxLoopNodes = 256;

// What FindPreprocessor collects from one loop.
struct Loop {
  std::vector<const TfNode*> resizes;
  std::vector<const TfNode*> writes;   // TensorArrayWriteV3
  std::vector<const TfNode*> sources;  // values scattered into the loop's TensorArray
};

const Tensor* ConstantOf(const TfGraph& graph, const std::string& input) {
  const TfNode* node = graph.Find(ParseInput(input).node);
  while (node != nullptr && (node->op == "Identity" || node->op == "Enter") && !node->inputs.empty()) {
    node = graph.Find(ParseInput(node->inputs[0]).node);
  }
  return node != nullptr && node->op == "Const" ? node->attrs.TensorOf("value") : nullptr;
}

std::optional<double> ScalarOf(const TfGraph& graph, const std::string& input) {
  const Tensor* tensor = ConstantOf(graph, input);
  if (tensor == nullptr || tensor->count() != 1 || tensor->dtype() == DType::kString) return std::nullopt;
  return LoadReal(tensor->dtype(), tensor->data(), 0);
}

// Walks backwards from the gather; stops at what is scattered in.
std::optional<Loop> CollectLoop(const TfGraph& graph, const TfNode& gather) {
  Loop loop;
  std::set<std::string> seen;
  std::vector<const TfNode*> pending = {&gather};
  bool has_loop = false;
  while (!pending.empty()) {
    const TfNode& node = *pending.back();
    pending.pop_back();
    if (!seen.insert(node.name).second) continue;
    if (seen.size() > kMaxLoopNodes) return std::nullopt;
    has_loop |= node.op == "LoopCond";
    if (node.op == "ResizeBilinear" || node.op == "ResizeNearestNeighbor") loop.resizes.push_back(&node);
    if (node.op == "TensorArrayWriteV3") loop.writes.push_back(&node);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const TfInput input = ParseInput(node.inputs[i]);
      const TfNode* producer = graph.Find(input.node);
      if (producer == nullptr) return std::nullopt;
      const bool is_scattered = node.op == "TensorArrayScatterV3" && i == 2;
      if (is_scattered) {
        loop.sources.push_back(producer);
        continue;
      }
      if (!input.is_control) pending.push_back(producer);
    }
  }
  const bool is_plain = loop.resizes.size() == 1 && loop.sources.size() == 1 && loop.writes.size() == 1;
  if (!has_loop || !is_plain) return std::nullopt;
  return loop;
}

// The node that computes what `input` holds, behind operators that leave the numbers as they are.
const TfNode* ProducerOf(const TfGraph& graph, const std::string& input) {
  const TfNode* node = graph.Find(ParseInput(input).node);
  for (int hops = 0; node != nullptr && hops < 8; ++hops) {
    const bool is_pass =
        node->op == "Squeeze" || node->op == "ExpandDims" || node->op == "Identity" || node->op == "Cast";
    if (!is_pass || node->inputs.empty()) return node;
    node = graph.Find(ParseInput(node->inputs[0]).node);
  }
  return nullptr;
}

// Does the loop hand every image to the resize and the result on, in place, with nothing else done to it?
bool OnlyResizes(const TfGraph& graph, const Loop& loop) {
  const TfNode& write = *loop.writes[0];
  const TfNode& resize = *loop.resizes[0];
  if (write.inputs.size() < 3 || resize.inputs.empty()) return false;
  if (ProducerOf(graph, write.inputs[2]) != &resize) return false;
  const TfNode* read = ProducerOf(graph, resize.inputs[0]);
  return read != nullptr && read->op == "TensorArrayReadV3" && read->inputs.size() > 1 &&
         read->inputs[1] == write.inputs[1];
}

// The placeholder behind casts and the like.
const TfNode* PlaceholderBehind(const TfGraph& graph, const TfNode* node) {
  for (int hops = 0; node != nullptr && hops < 8; ++hops) {
    if (node->op == "Placeholder") return node;
    const bool is_pass = node->op == "Cast" || node->op == "ToFloat" || node->op == "Identity";
    if (!is_pass || node->inputs.empty()) return nullptr;
    node = graph.Find(ParseInput(node->inputs[0]).node);
  }
  return nullptr;
}

// The only node that reads `name`; null when there are more or none.
const TfNode* OnlyReader(const TfGraph& graph, const std::string& name) {
  const std::vector<size_t>& readers = graph.ReadersOf(name);
  return readers.size() == 1 ? &graph.nodes[readers[0]] : nullptr;
}

// Takes `node` into value = level * scale + offset; false if it isn't arithmetic with one scalar constant.
bool Absorb(const TfGraph& graph, const TfNode& node, const std::string& value, double* scale,
            double* offset) {
  if (node.inputs.size() < 2) return false;
  const bool is_left = ParseInput(node.inputs[0]).node == value;
  const auto constant = ScalarOf(graph, node.inputs[is_left ? 1 : 0]);
  if (!constant) return false;
  if (node.op == "Mul" && *constant != 0) {
    *scale *= *constant;
    *offset *= *constant;
  } else if ((node.op == "Sub" || node.op == "RealDiv") && !is_left) {
    return false;
  } else if (node.op == "Sub") {
    *offset -= *constant;
  } else if (node.op == "Add" || node.op == "AddV2") {
    *offset += *constant;
  } else if (node.op == "RealDiv" && *constant != 0) {
    *scale /= *constant;
    *offset /= *constant;
  } else {
    return false;
  }
  return true;
}

std::optional<Preprocessor> Match(const TfGraph& graph, const TfNode& gather) {
  const auto loop = CollectLoop(graph, gather);
  if (!loop || !OnlyResizes(graph, *loop)) return std::nullopt;
  const TfNode* placeholder = PlaceholderBehind(graph, loop->sources[0]);
  const TfNode& resize = *loop->resizes[0];
  const Tensor* size = resize.inputs.size() > 1 ? ConstantOf(graph, resize.inputs[1]) : nullptr;
  if (placeholder == nullptr || size == nullptr || size->count() != 2 || size->dtype() != DType::kI32)
    return std::nullopt;
  Preprocessor found;
  found.input = placeholder->name;
  found.resize_node = resize.name;
  found.height = size->as<int32_t>()[0];
  found.width = size->as<int32_t>()[1];
  if (found.height <= 0 || found.width <= 0) return std::nullopt;
  found.is_nearest = resize.op == "ResizeNearestNeighbor";
  found.is_align_corners = resize.attrs.Int("align_corners") != 0;
  found.is_half_pixel = resize.attrs.Int("half_pixel_centers") != 0;
  const Ints& shape = placeholder->attrs.IntList("shape");
  if (shape.size() == 4 && shape[3] > 0) found.channels = shape[3];
  found.replaced = gather.name;
  while (const TfNode* reader = OnlyReader(graph, found.replaced)) {
    if (!Absorb(graph, *reader, found.replaced, &found.scale, &found.offset)) break;
    found.replaced = reader->name;
  }
  return found;
}

}  // namespace

std::optional<Preprocessor> FindPreprocessor(const TfGraph& graph) {
  for (const TfNode& node : graph.nodes) {
    if (node.op != "TensorArrayGatherV3") continue;
    if (auto found = Match(graph, node)) return found;
  }
  return std::nullopt;
}

}  // namespace slipway::tensorflow
