// Operators that take more than a row of a record.
#pragma once

#include "formats/tensorflow/scope.h"

namespace slipway::tensorflow {

// --- Loops and branches (control_flow.cc) ---
Status ImportWhile(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs);
Status ImportIf(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs);

// --- Operators that are several of ours (parts.h) ---
bool HasRecipe(const std::string& op);
Status ImportRecipe(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs);

// --- Look-up tables (table_nodes.cc) ---
NodeHandler TableHandlerOf(const std::string& op);

// --- TensorList and TensorArray (lists.cc, tensor_arrays.cc) ---
NodeHandler ListHandlerOf(const std::string& op);
NodeHandler ArrayHandlerOf(const std::string& op);

// --- What both kinds of list share (lists.cc) ---

// The list as a sequence; one that is dense is split.
Result<ValueId> AsSequence(Scope& scope, const TfNode& node, ValueId list);
// The elements of a tensor along its axis 0.
Result<ValueId> DenseList(Scope& scope, const TfNode& node, ValueId tensor);
// `count` (one number) elements that hold nothing yet: zeros of the element's shape where that is known.
Result<ValueId> ReserveList(Scope& scope, const TfNode& node, ValueId count, DType dtype,
                            const std::optional<DimList>& element);
Result<ValueId> ListElement(Scope& scope, const TfNode& node, ValueId list, ValueId index, DType dtype,
                            const std::optional<DimList>& element);
Result<ValueId> SetListElement(Scope& scope, const TfNode& node, ValueId list, ValueId index, ValueId item,
                               bool grows);
// All elements along a new axis 0.
Result<ValueId> StackList(Scope& scope, const TfNode& node, ValueId list, DType dtype,
                          const std::optional<DimList>& element);
// The elements at `indices` along a new axis 0.
Result<ValueId> GatherList(Scope& scope, const TfNode& node, ValueId list, ValueId indices, DType dtype,
                           const std::optional<DimList>& element);
// All elements joined along axis 0, and the extent of each there.
Result<ValueId> ConcatList(Scope& scope, const TfNode& node, ValueId list, DType dtype,
                           const std::optional<DimList>& element);
Result<ValueId> ListLength(Scope& scope, const TfNode& node, ValueId list);  // i32 scalar
// Rows of `tensor` at `indices` of a list of `count` elements (kNoValue: as far as the indices go), zeros
// between them.
Result<ValueId> ScatterList(Scope& scope, const TfNode& node, ValueId tensor, ValueId indices, ValueId count);
// The same into a list that has elements already.
Result<ValueId> ScatterIntoList(Scope& scope, const TfNode& node, ValueId list, ValueId tensor,
                                ValueId indices);
// The parts of `tensor` along axis 0, of these lengths.
Result<ValueId> SplitList(Scope& scope, const TfNode& node, ValueId tensor, ValueId lengths, DType dtype);

// What both say of an extent or a shape: where they disagree, unknown.
std::optional<DimList> CommonShape(const std::optional<DimList>& a, const std::optional<DimList>& b);

}  // namespace slipway::tensorflow
