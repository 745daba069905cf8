// Caffe's layers in Slipway's operators: one function a layer type, found by its name.
#pragma once

#include "formats/caffe/net.h"
#include "ops/builder.h"

namespace slipway::caffe {

// One layer under import: its parameters and inputs, and the graph to add nodes to.
class LayerContext {
 public:
  // `blobs` may be null: the layer has no weights.
  // `names`: what the values of the tops are to be called.
  LayerContext(const Layer& layer, std::vector<ValueId> inputs, Strings names, const Blobs* blobs,
               GraphBuilder& builder)
      : layer_(layer),
        inputs_(std::move(inputs)),
        names_(std::move(names)),
        blobs_(blobs),
        builder_(builder),
        first_own_(static_cast<ValueId>(builder.graph().values.size())) {}

  const Layer& layer() const { return layer_; }
  GraphBuilder& builder() { return builder_; }
  size_t num_inputs() const { return inputs_.size(); }
  ValueId in(size_t i = 0) const { return inputs_[i]; }
  size_t num_blobs() const { return blobs_ ? blobs_->size() : 0; }
  // The layer's own message "convolution_param"; empty when it has none.
  Params params(std::string_view name) { return Params(layer_.message.Child(name), error_); }
  // The layer's own fields.
  Params fields() { return Params(&layer_.message, error_); }
  // What Params found wrong so far.
  const Status& error() const { return error_; }

  // REQUIRES: the importer has checked that every input has a rank.
  const DimList& shape(ValueId id) const { return *builder_.type(id).shape; }
  int64_t rank(ValueId id) const { return static_cast<int64_t>(shape(id).size()); }
  // An error where an extent is symbolic; names the layer's need for it.
  Result<Dims> StaticShape(size_t i) const;
  Result<int64_t> Extent(size_t i, int64_t axis) const;
  // A negative axis counts from the end; an error when it lies outside 0..rank.
  Result<int64_t> Axis(int64_t axis, int64_t rank) const;

  // Blob i in that shape; an error when it is missing or of another size.
  Result<Tensor> Blob(size_t i, Dims dims) const;
  Result<Tensor> Blob(size_t i) const;

  Result<ValueId> Add(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {});
  ValueId Const(Tensor tensor) { return builder_.Constant(layer_.name + "/weights", std::move(tensor)); }
  ValueId Number(double value) { return builder_.Scalar(DType::kF32, value); }
  // x * scale + shift, leaving out what changes nothing.
  Result<ValueId> Affine(ValueId x, float scale, float shift);
  Result<ValueId> Reshape(ValueId x, const Ints& shape) { return Add("Reshape", {x, builder_.Ints(shape)}); }
  // A node with any number of outputs, one a top.
  Status EmitAll(const std::string& op, std::vector<ValueId> inputs, Attrs attrs);

  // The next top is this value: an intermediate, which bears the top's name then, or an input.
  void Emit(ValueId value);
  // The same for a last node, which bears the top's name.
  Status Emit(const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {});
  const std::vector<ValueId>& outputs() const { return outputs_; }

  // "Convolution 'conv1' (line 12): <message>"
  Status Error(const std::string& message, std::string hint = {}) const;
  Status Unsupported(const std::string& message, std::string hint = {}) const;

 private:
  std::string Prefix() const;
  Status Explain(const Status& status) const {
    return Status(status.code(), Prefix() + status.message(), status.hint());
  }
  std::string NameOfOutput(size_t i, const std::string& op) const {
    return i < names_.size() && !names_[i].empty() ? names_[i] : layer_.name + "/" + op;
  }

  const Layer& layer_;
  std::vector<ValueId> inputs_;
  Strings names_;
  const Blobs* blobs_;
  GraphBuilder& builder_;
  ValueId first_own_;  // values from here on were made by this layer
  std::vector<ValueId> outputs_;
  Status error_;
};

using LayerFn = Status (*)(LayerContext& context);

struct LayerDef {
  std::string_view type;
  LayerFn import = nullptr;
  size_t min_inputs = 1;
  size_t max_inputs = 1;
};

// Null when there is none. Layers written in Python are known by their class: "Python ProposalLayer".
const LayerDef* FindLayer(const Layer& layer);

// The groups of the table.
std::span<const LayerDef> WindowLayers();       // convolutions, pools, LRN, InnerProduct
std::span<const LayerDef> ElementwiseLayers();  // activations, scales, sums
std::span<const LayerDef> ShapeLayers();        // moves, cuts and joins
std::span<const LayerDef> StatisticLayers();    // normalisations, reductions, ArgMax
std::span<const LayerDef> DetectionLayers();    // SSD's
std::span<const LayerDef> FlowLayers();         // FlowNet's
std::span<const LayerDef> RecurrentLayers();    // LSTM, RNN
std::span<const LayerDef> RegionLayers();       // regions of interest: Fast R-CNN's and its heirs'

}  // namespace slipway::caffe
