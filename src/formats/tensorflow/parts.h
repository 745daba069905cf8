// Operators of TensorFlow that are several of ours, written as expressions.
#pragma once

#include "formats/tensorflow/scope.h"

namespace slipway::tensorflow {

// Builds nodes for one TensorFlow node. The first error is kept, and everything after it is nothing, so that
// a recipe reads as its formula; Bind tells.
class Parts {
 public:
  Parts(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs)
      : scope_(scope), node_(node), inputs_(inputs) {}

  // Operand i; an error where there is none.
  ValueId In(size_t i);
  ValueId Add(std::string op, std::vector<ValueId> inputs, Attrs attrs = {});
  ValueId Ints(const std::vector<int64_t>& values) { return scope_.builder().Ints(values); }
  ValueId Scalar(DType dtype, double value) { return scope_.builder().Scalar(dtype, value); }
  // A scalar of the type of `like`.
  ValueId Like(ValueId like, double value) { return Scalar(TypeOf(like).dtype, value); }
  ValueId Constant(Tensor value) {
    return scope_.builder().Constant(node_.name + "/const", std::move(value));
  }
  ValueId Cast(ValueId x, DType to) { return Add("Cast", {x}, {{"to", to}}); }
  ValueId Reshape(ValueId x, const std::vector<int64_t>& dims) { return Add("Reshape", {x, Ints(dims)}); }
  // What another operator of TensorFlow gives for these.
  ValueId Foreign(const std::string& op, std::vector<ValueId> inputs, Attrs attrs);

  // Type of a value; nothing is known behind an error.
  Type TypeOf(ValueId id) const { return id == kNoValue ? Type() : scope_.type(id); }
  // Integers of a constant operand; an error where it is none.
  std::vector<int64_t> KnownInts(size_t i);
  int64_t KnownInt(size_t i);
  // Extents of a value that must be known; an error otherwise.
  Dims KnownShape(ValueId id);

  const TfNode& node() const { return node_; }
  size_t num_inputs() const { return inputs_.size(); }
  bool ok() const { return status_.ok(); }
  void Refuse(const std::string& what);  // kUnsupported
  void Bind(int output, ValueId value) {
    if (status_.ok()) scope_.Bind(node_.name, output, value);
  }
  Status status() const { return status_; }

 private:
  Scope& scope_;
  const TfNode& node_;
  const std::vector<ValueId>& inputs_;
  Status status_;
};

// Binds the results of one operator.
using Recipe = void (*)(Parts& p);
// Null: there is none.
Recipe MathRecipeOf(const std::string& op);    // recipes_math.cc
Recipe IndexRecipeOf(const std::string& op);   // recipes_index.cc
Recipe ImageRecipeOf(const std::string& op);   // recipes_image.cc
Recipe SignalRecipeOf(const std::string& op);  // recipes_signal.cc

}  // namespace slipway::tensorflow
