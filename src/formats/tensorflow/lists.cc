// TensorList*: lists of TensorFlow 2's loops.
#include <algorithm>

#include "base/scalar.h"
#include "formats/tensorflow/handlers.h"
#include "formats/tensorflow/placeholder.h"

namespace slipway::tensorflow {
namespace {

// Elements that a file may reserve at once.
constexpr int64_t kMaxReserved = int64_t{1} << 20;

Status Refuse(const TfNode& node, const std::string& what) {
  return Status(Code::kUnsupported, node.op + " '" + node.name + "' (tensorflow): " + what);
}

Status CheckOperands(const TfNode& node, const std::vector<ValueId>& inputs, size_t count) {
  if (inputs.size() >= count) return Status::Ok();
  return Status(Code::kInvalidModel, node.op + " '" + node.name + "' has " + std::to_string(inputs.size()) +
                                         " operands, it takes " + std::to_string(count));
}

Result<const ListInfo*> ListIn(const Scope& scope, const TfNode& node, ValueId id) {
  if (const ListInfo* list = scope.ListOf(id)) return list;
  return Status(Code::kInvalidModel, node.op + " '" + node.name + "': its operand is " +
                                         ToString(scope.type(id)) + ", not a list");
}

// The shape that a constant operand asks for: -1 alone is any.
std::optional<DimList> ShapeIn(Scope& scope, ValueId id) {
  const Tensor* shape = scope.builder().constant(id);
  if (shape == nullptr || !IsInteger(shape->dtype()) || shape->rank() != 1 || shape->count() > 64)
    return std::nullopt;
  DimList dims;
  for (int64_t i = 0; i < shape->count(); ++i) {
    const int64_t extent = LoadInt(shape->dtype(), shape->data(), i);
    dims.push_back(extent < 0 ? Dim() : Dim(extent));
  }
  return dims;
}

// What two sources say together: an extent that one leaves open is the other's.
std::optional<DimList> Refined(const std::optional<DimList>& a, const std::optional<DimList>& b) {
  if (!a || !b || a->size() != b->size()) return a ? a : b;
  DimList refined = *a;
  for (size_t i = 0; i < refined.size(); ++i) {
    if (!refined[i].IsKnown() && (*b)[i].IsKnown()) refined[i] = (*b)[i];
  }
  return refined;
}

Type TypeOf(DType dtype, const std::optional<DimList>& shape) {
  return shape ? Type::Of(dtype, *shape) : Type::OfUnknownShape(dtype);
}

ValueId I64(Scope& scope, const std::string& name, const Ints& values) {
  return scope.builder().Constant(
      name, Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(values.size())}, values));
}

// The same value under an id of its own, that is or is no list.
Result<ValueId> Renamed(Scope& scope, const TfNode& node, ValueId id) {
  if (const Tensor* constant = scope.builder().constant(id))
    return scope.builder().Constant(node.name, *constant);
  return scope.Add(node, "Identity", {id});
}

}  // namespace

std::optional<DimList> CommonShape(const std::optional<DimList>& a, const std::optional<DimList>& b) {
  if (!a || !b || a->size() != b->size()) return std::nullopt;
  DimList common = *a;
  for (size_t i = 0; i < common.size(); ++i) {
    if (!common[i].SurelyEquals((*b)[i])) common[i] = Dim();
  }
  return common;
}

Result<ValueId> AsSequence(Scope& scope, const TfNode& node, ValueId list) {
  SLIPWAY_ASSIGN_OR_RETURN(const ListInfo* info, ListIn(scope, node, list));
  if (!info->is_dense) return list;
  ListInfo split = *info;
  split.is_dense = false;
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId sequence,
      scope.Add(node, "SplitToSequence", {list}, {{"axis", int64_t{0}}, {"keepdims", int64_t{0}}}));
  scope.SetList(sequence, std::move(split));
  return sequence;
}

Result<ValueId> DenseList(Scope& scope, const TfNode& node, ValueId tensor) {
  const Type& type = scope.type(tensor);
  ListInfo info;
  info.dtype = type.dtype;
  info.is_dense = true;
  if (type.shape && !type.shape->empty()) info.element = DimList(type.shape->begin() + 1, type.shape->end());
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId list, Renamed(scope, node, tensor));
  scope.SetList(list, std::move(info));
  return list;
}

Result<ValueId> ReserveList(Scope& scope, const TfNode& node, ValueId count, DType dtype,
                            const std::optional<DimList>& element) {
  if (dtype == DType::kNone || dtype == DType::kString) return Refuse(node, "a list of these elements");
  // Elements of no shape hold nothing: the first that is set says what they are.
  Ints extents = {0};
  if (element && AllKnown(*element)) {
    const Dims dims = KnownDims(*element);
    extents.assign(dims.begin(), dims.end());
  }
  const Tensor* known = scope.builder().constant(count);
  ValueId shape = kNoValue;
  if (known != nullptr && IsInteger(known->dtype()) && known->count() == 1) {
    const int64_t elements = LoadInt(known->dtype(), known->data(), 0);
    if (elements < 0 || elements > kMaxReserved)
      return Refuse(node, "a list of " + std::to_string(elements) + " elements");
    Ints dims = {elements};
    dims.insert(dims.end(), extents.begin(), extents.end());
    shape = I64(scope, node.name + "/shape", dims);
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(ValueId wide, scope.Add(node, "Cast", {count}, {{"to", DType::kI64}}));
    SLIPWAY_ASSIGN_OR_RETURN(wide, scope.Add(node, "Reshape", {wide, I64(scope, node.name + "/one", {1})}));
    SLIPWAY_ASSIGN_OR_RETURN(shape,
                             scope.Add(node, "Concat", {wide, I64(scope, node.name + "/element", extents)},
                                       {{"axis", int64_t{0}}}));
  }
  Tensor zero(dtype, {1});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId zeros,
                           scope.Add(node, "ConstantOfShape", {shape}, {{"value", std::move(zero)}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId list, scope.Add(node, "SplitToSequence", {zeros},
                                                         {{"axis", int64_t{0}}, {"keepdims", int64_t{0}}}));
  scope.SetList(list, {dtype, element, false, true});
  return list;
}

Result<ValueId> ListElement(Scope& scope, const TfNode& node, ValueId list, ValueId index, DType dtype,
                            const std::optional<DimList>& element) {
  SLIPWAY_ASSIGN_OR_RETURN(const ListInfo* info, ListIn(scope, node, list));
  if (info->is_dense) return scope.Add(node, "Gather", {list, index}, {{"axis", int64_t{0}}});
  return scope.Add(node, "SequenceAt", {list, index}, {}, TypeOf(dtype, Refined(info->element, element)));
}

Result<ValueId> SetListElement(Scope& scope, const TfNode& node, ValueId list, ValueId index, ValueId item,
                               bool grows) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sequence, AsSequence(scope, node, list));
  ListInfo info = *scope.ListOf(sequence);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId changed, scope.Add(node, "SequenceSet", {sequence, item, index},
                                                            {{"grows", int64_t{grows ? 1 : 0}}}));
  const std::optional<DimList>& shape = scope.type(item).shape;
  info.element = info.is_open ? shape : CommonShape(info.element, shape);
  info.is_open = false;
  scope.SetList(changed, std::move(info));
  return changed;
}

Result<ValueId> StackList(Scope& scope, const TfNode& node, ValueId list, DType dtype,
                          const std::optional<DimList>& element) {
  SLIPWAY_ASSIGN_OR_RETURN(const ListInfo* info, ListIn(scope, node, list));
  if (info->is_dense) return Renamed(scope, node, list);
  std::optional<DimList> shape = Refined(info->element, element);
  if (shape) shape->insert(shape->begin(), Dim());
  return scope.Add(node, "ConcatFromSequence", {list}, {{"axis", int64_t{0}}, {"new_axis", int64_t{1}}},
                   TypeOf(dtype, shape));
}

Result<ValueId> GatherList(Scope& scope, const TfNode& node, ValueId list, ValueId indices, DType dtype,
                           const std::optional<DimList>& element) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId stacked, StackList(scope, node, list, dtype, element));
  return scope.Add(node, "Gather", {stacked, indices}, {{"axis", int64_t{0}}});
}

Result<ValueId> ConcatList(Scope& scope, const TfNode& node, ValueId list, DType dtype,
                           const std::optional<DimList>& element) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sequence, AsSequence(scope, node, list));
  std::optional<DimList> shape = Refined(scope.ListOf(sequence)->element, element);
  if (shape && !shape->empty()) (*shape)[0] = Dim();
  return scope.Add(node, "ConcatFromSequence", {sequence}, {{"axis", int64_t{0}}, {"new_axis", int64_t{0}}},
                   TypeOf(dtype, shape));
}

namespace {

// [n,1]: as ScatterND takes them.
Result<ValueId> AsRows(Scope& scope, const TfNode& node, ValueId indices) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId wide, scope.Add(node, "Cast", {indices}, {{"to", DType::kI64}}));
  return scope.Add(node, "Reshape", {wide, I64(scope, node.name + "/rows", {-1, 1})});
}

}  // namespace

Result<ValueId> ScatterList(Scope& scope, const TfNode& node, ValueId tensor, ValueId indices,
                            ValueId count) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, AsRows(scope, node, indices));
  if (count == kNoValue) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId last,
                             scope.Add(node, "ReduceMax", {rows}, {{"keepdims", int64_t{0}}}));
    SLIPWAY_ASSIGN_OR_RETURN(count, scope.Add(node, "Add", {last, scope.builder().Scalar(DType::kI64, 1)}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(ValueId extent, scope.Add(node, "Cast", {count}, {{"to", DType::kI64}}));
  SLIPWAY_ASSIGN_OR_RETURN(extent, scope.Add(node, "Reshape", {extent, I64(scope, node.name + "/one", {1})}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId element,
                           scope.Add(node, "Shape", {tensor}, {{"start", int64_t{1}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shape,
                           scope.Add(node, "Concat", {extent, element}, {{"axis", int64_t{0}}}));
  Tensor zero(scope.type(tensor).dtype, {1});
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId zeros,
                           scope.Add(node, "ConstantOfShape", {shape}, {{"value", std::move(zero)}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId all, scope.Add(node, "ScatterND", {zeros, rows, tensor}));
  return DenseList(scope, node, all);
}

Result<ValueId> ScatterIntoList(Scope& scope, const TfNode& node, ValueId list, ValueId tensor,
                                ValueId indices) {
  SLIPWAY_ASSIGN_OR_RETURN(const ListInfo* info, ListIn(scope, node, list));
  if (info->is_open) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId count, ListLength(scope, node, list));
    return ScatterList(scope, node, tensor, indices, count);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId stacked, StackList(scope, node, list, info->dtype, info->element));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, AsRows(scope, node, indices));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId all, scope.Add(node, "ScatterND", {stacked, rows, tensor}));
  return DenseList(scope, node, all);
}

Result<ValueId> SplitList(Scope& scope, const TfNode& node, ValueId tensor, ValueId lengths, DType dtype) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId list,
                           scope.Add(node, "SplitToSequence", {tensor, lengths}, {{"axis", int64_t{0}}}));
  std::optional<DimList> element = scope.type(tensor).shape;
  if (element && !element->empty()) (*element)[0] = Dim();
  scope.SetList(list, {dtype, element, false, false});
  return list;
}

Result<ValueId> ListLength(Scope& scope, const TfNode& node, ValueId list) {
  SLIPWAY_ASSIGN_OR_RETURN(const ListInfo* info, ListIn(scope, node, list));
  ValueId length = kNoValue;
  if (info->is_dense) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId shape, scope.Add(node, "Shape", {list}));
    const ValueId first = scope.builder().Scalar(DType::kI64, 0);
    SLIPWAY_ASSIGN_OR_RETURN(length, scope.Add(node, "Gather", {shape, first}, {{"axis", int64_t{0}}}));
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(length, scope.Add(node, "SequenceLength", {list}));
  }
  return scope.Add(node, "Cast", {length}, {{"to", DType::kI32}});
}

namespace {

DType DTypeOf(const TfNode& node) { return node.attrs.Type("element_dtype"); }

Status Bound(Scope& scope, const TfNode& node, Result<ValueId> value) {
  if (!value.ok()) return value.status();
  scope.Bind(node.name, 0, *value);
  return Status::Ok();
}

using Inputs = const std::vector<ValueId>&;

Status Empty(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 1));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId list,
                           scope.Add(node, "SequenceEmpty", {}, {{"dtype", DTypeOf(node)}}));
  scope.SetList(list, {DTypeOf(node), ShapeIn(scope, inputs[0]), false, true});
  scope.Bind(node.name, 0, list);
  return Status::Ok();
}

Status Reserve(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 2));
  return Bound(scope, node, ReserveList(scope, node, inputs[1], DTypeOf(node), ShapeIn(scope, inputs[0])));
}

Status FromTensor(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 1));
  return Bound(scope, node, DenseList(scope, node, inputs[0]));
}

Status GetItem(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  return Bound(scope, node,
               ListElement(scope, node, inputs[0], inputs[1], DTypeOf(node), ShapeIn(scope, inputs[2])));
}

Status SetItem(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  const bool grows = node.attrs.Int("resize_if_index_out_of_bounds") != 0;
  return Bound(scope, node, SetListElement(scope, node, inputs[0], inputs[1], inputs[2], grows));
}

Status Stack(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 2));
  return Bound(scope, node, StackList(scope, node, inputs[0], DTypeOf(node), ShapeIn(scope, inputs[1])));
}

Status GatherItems(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  return Bound(scope, node,
               GatherList(scope, node, inputs[0], inputs[1], DTypeOf(node), ShapeIn(scope, inputs[2])));
}

Status ConcatItems(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 1));
  if (scope.Wants(node, 1)) return Refuse(node, "the lengths of its elements are read");
  const auto element = inputs.size() > 1 ? ShapeIn(scope, inputs[1]) : std::nullopt;
  return Bound(scope, node, ConcatList(scope, node, inputs[0], DTypeOf(node), element));
}

Status Length(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 1));
  return Bound(scope, node, ListLength(scope, node, inputs[0]));
}

Status PushBack(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sequence, AsSequence(scope, node, inputs[0]));
  ListInfo info = *scope.ListOf(sequence);
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId longer, scope.Add(node, "SequenceInsert", {sequence, inputs[1]}));
  const std::optional<DimList>& shape = scope.type(inputs[1]).shape;
  info.element = info.is_open ? shape : CommonShape(info.element, shape);
  info.is_open = false;
  scope.SetList(longer, std::move(info));
  scope.Bind(node.name, 0, longer);
  return Status::Ok();
}

Status PopBack(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sequence, AsSequence(scope, node, inputs[0]));
  const ListInfo info = *scope.ListOf(sequence);
  const ValueId last = scope.builder().Scalar(DType::kI64, -1);
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId item, ListElement(scope, node, sequence, last, DTypeOf(node), ShapeIn(scope, inputs[1])));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId shorter, scope.Add(node, "SequenceErase", {sequence, last}));
  scope.SetList(shorter, info);
  scope.Bind(node.name, 0, shorter);
  scope.Bind(node.name, 1, item);
  return Status::Ok();
}

Status SplitItems(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  return Bound(scope, node, SplitList(scope, node, inputs[0], inputs[2], DTypeOf(node)));
}

Status ScatterItems(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  // -1, or no operand: as many as the indices ask for.
  const Tensor* count = inputs.size() > 3 ? scope.builder().constant(inputs[3]) : nullptr;
  const bool is_open =
      inputs.size() <= 3 || (count != nullptr && IsInteger(count->dtype()) && count->count() == 1 &&
                             LoadInt(count->dtype(), count->data(), 0) < 0);
  return Bound(scope, node, ScatterList(scope, node, inputs[0], inputs[1], is_open ? kNoValue : inputs[3]));
}

Status ScatterInto(Scope& scope, const TfNode& node, Inputs inputs) {
  SLIPWAY_RETURN_IF_ERROR(CheckOperands(node, inputs, 3));
  return Bound(scope, node, ScatterIntoList(scope, node, inputs[0], inputs[1], inputs[2]));
}

}  // namespace

NodeHandler ListHandlerOf(const std::string& op) {
  static const std::map<std::string, NodeHandler> kHandlers = {
      {"EmptyTensorList", Empty},
      {"TensorListConcat", ConcatItems},
      {"TensorListConcatV2", ConcatItems},
      {"TensorListFromTensor", FromTensor},
      {"TensorListGather", GatherItems},
      {"TensorListGetItem", GetItem},
      {"TensorListLength", Length},
      {"TensorListPopBack", PopBack},
      {"TensorListPushBack", PushBack},
      {"TensorListReserve", Reserve},
      {"TensorListScatter", ScatterItems},
      {"TensorListScatterIntoExistingList", ScatterInto},
      {"TensorListScatterV2", ScatterItems},
      {"TensorListSetItem", SetItem},
      {"TensorListSplit", SplitItems},
      {"TensorListStack", Stack}};
  const auto found = kHandlers.find(op);
  return found == kHandlers.end() ? nullptr : found->second;
}

}  // namespace slipway::tensorflow
