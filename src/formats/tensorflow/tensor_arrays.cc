// TensorArray*V3: lists of TensorFlow 1's loops. The flow carries the elements; the handle carries nothing.
#include "base/scalar.h"
#include "formats/tensorflow/handlers.h"
#include "formats/tensorflow/placeholder.h"

namespace slipway::tensorflow {
namespace {

using Inputs = const std::vector<ValueId>&;

Status CheckOperands(const TfNode& node, Inputs inputs, size_t count) {
  if (inputs.size() >= count) return Status::Ok();
  return Status(Code::kInvalidModel, node.op + " '" + node.name + "' has " + std::to_string(inputs.size()) +
                                         " operands, it takes " + std::to_string(count));
}

std::optional<DimList> ElementShape(const TfNode& node, const char* attr) {
  if (!node.attrs.Has(attr)) return std::nullopt;
  DimList dims;
  for (int64_t extent : node.attrs.IntList(attr)) dims.push_back(extent < 0 ? Dim() : Dim(extent));
  return dims;
}

bool IsNumber(Scope& scope, const std::string& tensor, int64_t number) {
  const Tensor* constant = scope.builder().constant(scope.Find(tensor));
  return constant != nullptr && constant->count() == 1 && IsInteger(constant->dtype()) &&
         LoadInt(constant->dtype(), constant->data(), 0) == number;
}

// Is operand `i` range(0, n), as unstacking and stacking of a whole array have it?
bool IsWholeRange(Scope& scope, const TfNode& node, size_t i) {
  const TfNode* range =
      i < node.inputs.size() ? scope.source().Find(ParseInput(node.inputs[i]).node) : nullptr;
  return range != nullptr && range->op == "Range" && range->inputs.size() >= 3 &&
         IsNumber(scope, range->inputs[0], 0) && IsNumber(scope, range->inputs[2], 1);
}

Status Bound(Scope& scope, const TfNode& node, Result<ValueId> value) {
  if (!value.ok()) return value.status();
  scope.Bind(node.name, 0, *value);
  return Status::Ok();
}

Status Create(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId flow, ReserveList(scope, node, inputs[0], node.attrs.Type("dtype"),
                                                           ElementShape(node, "element_shape")));
  // Whether it may grow is all that is asked of the handle.
  const bool grows = node.attrs.Int("dynamic_size") != 0;
  scope.Bind(node.name, 0, scope.builder().Scalar(DType::kI32, grows ? 1 : 0));
  scope.Bind(node.name, 1, flow);
  return Status::Ok();
}

Status Read(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  return Bound(scope, node,
               ListElement(scope, node, inputs[2], inputs[1], node.attrs.Type("dtype"), std::nullopt));
}

Status Write(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 4));
  const Tensor* handle = scope.builder().constant(inputs[0]);
  const bool grows = handle != nullptr && handle->dtype() == DType::kI32 && handle->count() == 1 &&
                     handle->as<int32_t>()[0] != 0;
  return Bound(scope, node, SetListElement(scope, node, inputs[3], inputs[1], inputs[2], grows));
}

Status GatherItems(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  const DType dtype = node.attrs.Type("dtype");
  const auto element = ElementShape(node, "element_shape");
  return Bound(scope, node,
               IsWholeRange(scope, node, 1) ? StackList(scope, node, inputs[2], dtype, element)
                                            : GatherList(scope, node, inputs[2], inputs[1], dtype, element));
}

Status Scatter(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 4));
  return Bound(scope, node,
               IsWholeRange(scope, node, 1) ? DenseList(scope, node, inputs[2])
                                            : ScatterIntoList(scope, node, inputs[3], inputs[2], inputs[1]));
}

Status SplitItems(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 4));
  return Bound(scope, node, SplitList(scope, node, inputs[1], inputs[2], node.attrs.Type("T")));
}

Status ConcatItems(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 2));
  if (scope.Wants(node, 1))
    return Status(Code::kUnsupported,
                  node.op + " '" + node.name + "' (tensorflow): the lengths of its elements are read");
  std::optional<DimList> element = ElementShape(node, "element_shape_except0");
  if (element) element->insert(element->begin(), Dim());
  return Bound(scope, node, ConcatList(scope, node, inputs[1], node.attrs.Type("dtype"), element));
}

Status Size(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 2));
  return Bound(scope, node, ListLength(scope, node, inputs[1]));
}

}  // namespace

NodeHandler ArrayHandlerOf(const std::string& op) {
  static const std::map<std::string, NodeHandler> kHandlers = {
      {"TensorArrayV3", Create},         {"TensorArrayReadV3", Read},
      {"TensorArrayWriteV3", Write},     {"TensorArrayGatherV3", GatherItems},
      {"TensorArrayScatterV3", Scatter}, {"TensorArrayConcatV3", ConcatItems},
      {"TensorArraySizeV3", Size},       {"TensorArraySplitV3", SplitItems}};
  const auto found = kHandlers.find(op);
  return found == kHandlers.end() ? nullptr : found->second;
}

}  // namespace slipway::tensorflow
