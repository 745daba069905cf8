#include "formats/tensorflow/tf_graph.h"

#include <array>
#include <charconv>

namespace slipway::tensorflow {
namespace {

struct TypeName {
  int number;
  std::string_view name;
  DType dtype;
};

// tensorflow/core/framework/types.proto
constexpr std::array<TypeName, 21> kTypes = {
    {{1, "DT_FLOAT", DType::kF32},     {2, "DT_DOUBLE", DType::kF64},     {3, "DT_INT32", DType::kI32},
     {4, "DT_UINT8", DType::kU8},      {5, "DT_INT16", DType::kI16},      {6, "DT_INT8", DType::kI8},
     {7, "DT_STRING", DType::kString}, {8, "DT_COMPLEX64", DType::kC64},  {9, "DT_INT64", DType::kI64},
     {10, "DT_BOOL", DType::kBool},    {11, "DT_QINT8", DType::kI8},      {12, "DT_QUINT8", DType::kU8},
     {13, "DT_QINT32", DType::kI32},   {14, "DT_BFLOAT16", DType::kBF16}, {15, "DT_QINT16", DType::kI16},
     {16, "DT_QUINT16", DType::kU16},  {17, "DT_UINT16", DType::kU16},    {18, "DT_COMPLEX128", DType::kC128},
     {19, "DT_HALF", DType::kF16},     {22, "DT_UINT32", DType::kU32},    {23, "DT_UINT64", DType::kU64}}};

}  // namespace

TfInput ParseInput(std::string_view text) {
  TfInput input;
  if (!text.empty() && text[0] == '^') {
    input.is_control = true;
    text.remove_prefix(1);
  }
  const size_t colon = text.rfind(':');
  int index = 0;
  if (colon != std::string_view::npos) {
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), index);
    if (error == std::errc() && end == text.data() + text.size() && index >= 0) {
      input.index = index;
      text = text.substr(0, colon);
    }
  }
  input.node = std::string(text);
  return input;
}

const TfNode* TfGraph::Find(const std::string& name) const {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : &nodes[found->second];
}

const std::vector<size_t>& TfGraph::ReadersOf(const std::string& name) const {
  static const std::vector<size_t> kNobody;
  const auto found = readers.find(name);
  return found == readers.end() ? kNobody : found->second;
}

Status TfGraph::Index() {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!by_name.emplace(nodes[i].name, i).second) {
      return Status(Code::kInvalidModel, "node name '" + nodes[i].name + "' stands twice");
    }
    for (const std::string& text : nodes[i].inputs) {
      const TfInput input = ParseInput(text);
      if (input.is_control) continue;
      std::vector<size_t>& of_node = readers[input.node];
      if (of_node.empty() || of_node.back() != i) of_node.push_back(i);
    }
  }
  return Status::Ok();
}

DType DTypeFromTf(int64_t number) {
  if (number > 100) number -= 100;  // reference types
  for (const TypeName& type : kTypes) {
    if (type.number == number) return type.dtype;
  }
  return DType::kNone;
}

DType DTypeFromTfName(std::string_view name) {
  for (const TypeName& type : kTypes) {
    if (type.name == name) return type.dtype;
  }
  return DType::kNone;
}

}  // namespace slipway::tensorflow
