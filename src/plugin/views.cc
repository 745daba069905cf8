#include "plugin/views.h"

#include <algorithm>

#include "ops/dynamic_ops.h"

namespace slipway {
namespace {

slipway_bytes ViewText(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Known extents below 0 arise on the way (2 - 5) + 4; they travel as open ones with a number.
slipway_dim DimTable::View(const Dim& dim) {
  if (dim.IsKnown() && dim.value() >= 0) return {dim.value(), 0};
  if (!dim.IsKnown() && !dim.IsNamed()) return {-1, 0};
  const auto [found, is_new] = numbers_.emplace(dim.ToString(), dims_.size() + 1);
  if (is_new) dims_.push_back(dim);
  return {-1, found->second};
}

Dim DimTable::Read(const slipway_dim& dim) const {
  if (dim.extent != -1) return {dim.extent};
  if (dim.symbol == 0) return {};
  return dim.symbol <= dims_.size() ? dims_[static_cast<size_t>(dim.symbol - 1)] : Dim(-1);
}

std::vector<slipway_bytes> ViewStrings(const Tensor& tensor) {
  std::vector<slipway_bytes> texts;
  for (const std::string& text : tensor.values<std::string>()) texts.push_back(ViewText(text));
  return texts;
}

slipway_operand NodeView::ViewOperand(const OperandFacts& facts, DimTable& dims) {
  slipway_operand operand{};
  operand.rank = -1;
  if (facts.type == nullptr) return operand;
  operand.is_present = 1;
  const Type& type = *facts.type;
  if (type.kind == TypeKind::kTensor) {
    operand.dtype = static_cast<uint32_t>(type.dtype);
    if (type.shape) {
      std::vector<slipway_dim>& shape = shapes_.emplace_back();
      for (const Dim& dim : *type.shape) shape.push_back(dims.View(dim));
      operand.rank = static_cast<int64_t>(shape.size());
      operand.dims = shape.data();
    }
    const bool has_content =
        facts.content != nullptr && type.IsStatic() && facts.content->dtype() == type.dtype;
    if (has_content && type.dtype == DType::kString) {
      operand.data = texts_.emplace_back(ViewStrings(*facts.content)).data();
    } else if (has_content) {
      operand.data = facts.content->data();
    }
  }
  if (facts.quant != nullptr) operand.quant = &quants_.emplace_back(ViewQuant(*facts.quant));
  return operand;
}

Result<slipway_attr> NodeView::ViewAttr(const std::string& name, const Attr& attr) {
  slipway_attr view{};
  view.name = ViewText(name);
  view.kind = static_cast<uint32_t>(attr.index());
  if (const auto* value = std::get_if<int64_t>(&attr)) view.i = *value;
  if (const auto* value = std::get_if<float>(&attr)) view.f = *value;
  if (const auto* value = std::get_if<std::string>(&attr)) view.s = ViewText(*value);
  if (const auto* value = std::get_if<DType>(&attr)) view.dtype = static_cast<uint32_t>(*value);
  if (const auto* value = std::get_if<Ints>(&attr)) {
    view.ints = value->data();
    view.count = value->size();
  }
  if (const auto* value = std::get_if<Floats>(&attr)) {
    view.floats = value->data();
    view.count = value->size();
  }
  if (const auto* value = std::get_if<Strings>(&attr)) {
    std::vector<slipway_bytes>& texts = texts_.emplace_back();
    for (const std::string& text : *value) texts.push_back(ViewText(text));
    view.strings = texts.data();
    view.count = texts.size();
  }
  if (const auto* value = std::get_if<Tensor>(&attr)) {
    if (value->IsNone() || value->dtype() == DType::kString)
      return Status(Code::kUnsupported,
                    "attribute '" + name + "' is a tensor of strings, which plugins do not take");
    slipway_tensor& tensor = tensors_.emplace_back();
    tensor = {1,
              static_cast<uint32_t>(value->dtype()),
              value->rank(),
              value->dims().data(),
              const_cast<void*>(value->data()),
              static_cast<uint64_t>(value->size_bytes()),
              nullptr};
    view.tensor = &tensor;
  }
  if (std::holds_alternative<GraphRef>(attr))
    return Status(Code::kUnsupported, "attribute '" + name + "' is a sub-graph, which plugins do not take");
  return view;
}

Result<std::unique_ptr<NodeView>> NodeView::Make(const Node& node, int64_t version,
                                                 std::span<const OperandFacts> inputs,
                                                 std::span<const OperandFacts> outputs, DimTable& dims) {
  std::unique_ptr<NodeView> view(new NodeView);
  for (const auto& [name, attr] : node.attrs) {
    if (name == kPluginLibraryAttr || name == kPluginStateAttr) continue;
    SLIPWAY_ASSIGN_OR_RETURN(slipway_attr one, view->ViewAttr(name, attr));
    view->attrs_.push_back(one);
  }
  for (const OperandFacts& facts : inputs) view->inputs_.push_back(view->ViewOperand(facts, dims));
  for (const OperandFacts& facts : outputs) view->outputs_.push_back(view->ViewOperand(facts, dims));
  slipway_node& raw = view->raw_;
  raw.size = sizeof(raw);
  raw.version = static_cast<uint32_t>(version);
  raw.name = ViewText(node.name);
  raw.num_attrs = view->attrs_.size();
  raw.attrs = view->attrs_.data();
  if (const Tensor* state = node.attrs.TensorOf(kPluginStateAttr); state != nullptr && !state->IsNone()) {
    if (state->dtype() != DType::kU8)
      return Status(Code::kInvalidModel, "its state is " + Describe(*state) + "; it must be bytes, u8[n]");
    raw.state = {state->data(), static_cast<uint64_t>(state->count())};
  }
  raw.num_inputs = view->inputs_.size();
  raw.inputs = view->inputs_.data();
  raw.num_outputs = view->outputs_.size();
  raw.outputs = view->outputs_.data();
  return view;
}

std::string Sink::Words() const {
  std::string words = bytes_;
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (!words.empty() && words.back() == ' ') words.pop_back();
  return words.empty() ? "the plugin failed without saying why" : words;
}

// Called from a plugin's frames: nothing may be thrown through them.
void Sink::Write(void* host, const void* data, uint64_t size) {
  auto& self = *static_cast<Sink*>(host);
  const size_t room = self.max_bytes_ - self.bytes_.size();
  self.is_cut_ |= size > room;
  const auto taken = static_cast<size_t>(std::min<uint64_t>(size, room));
  try {
    if (data != nullptr) self.bytes_.append(static_cast<const char*>(data), taken);
  } catch (const std::exception&) {
    self.is_cut_ = true;
  }
}

}  // namespace slipway
