// Decodes a serialised GraphDef (.pb) with its library of functions, without libprotobuf.
//
// Source: tensorflow/core/framework/{graph,function,op_def}.proto.
#pragma once

#include <memory>
#include <span>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// An output of an operator or function: how many results it stands for is an attribute's, or one.
struct OutputDef {
  std::string name;
  std::string number_attr;     // that attribute is the count
  std::string type_list_attr;  // the count is that list's length
};
using OutputDefs = std::vector<OutputDef>;

// OpDefs of an OpList, by name: what a SavedModel says of the operators that it uses.
Result<std::map<std::string, OutputDefs>> DecodeOpList(std::span<const uint8_t> bytes);

// `owner` keeps the bytes alive; large aligned constants alias them. `ops`: outputs of operators, for the
// bodies of functions, where inputs are written with the names of outputs; operators of several outputs that
// inference meets are known without. Truncated and hostile bytes give an error.
Result<TfGraph> DecodeGraphDef(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                               const std::map<std::string, OutputDefs>& ops = {});
// A quick look: do the bytes begin like a GraphDef (a NodeDef with a name and an op)?
bool LooksLikeGraphDef(std::span<const uint8_t> bytes);

// A tensor from its parts, as TensorProto states them: raw content, or values of which the last is repeated.
Status CheckTensorSize(const Dims& dims, DType dtype, size_t bytes_at_hand);

}  // namespace slipway::tensorflow
