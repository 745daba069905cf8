// Keras's layers in Slipway's operators: one function a class, found by its name.
#pragma once

#include <functional>

#include "formats/keras/net.h"
#include "formats/keras/weights.h"
#include "ops/builder.h"

namespace slipway::keras {

using Values = std::vector<ValueId>;

class LayerContext;

// What the importer lends to a layer's function.
struct Surroundings {
  const WeightStore& weights;
  int64_t keras_version = 3;          // the major one
  std::vector<std::string>& notes;    // of the model
  std::map<ValueId, ValueId>& masks;  // [N,T] bool, of values that have a mask
  // The outputs of a model inside of a layer; `path`: where it stands.
  std::function<Result<Values>(const Json& model, const LayerPath& path, const Values& inputs)> import_model;
  int depth = 0;  // layers inside of layers
};

enum class MaskRule {
  kPass,   // the outputs have the mask of the first input
  kMerge,  // the same, where all inputs have one mask; a mixture is not read
  kDrop,   // the outputs have none, and the layer does not care
  kOwn,    // the layer's function sees to it
};

using LayerFn = Result<Values> (*)(LayerContext& context);

struct LayerDef {
  std::string_view class_name;
  LayerFn import = nullptr;
  size_t min_inputs = 1;
  size_t max_inputs = 1;
  MaskRule mask = MaskRule::kPass;
};

// Null when there is none.
const LayerDef* FindLayer(std::string_view class_name);

// The groups of the table.
std::span<const LayerDef> CoreLayers();  // Dense, Embedding, what does nothing at inference
std::span<const LayerDef> ActivationLayers();
std::span<const LayerDef> ConvolutionLayers();
std::span<const LayerDef> PoolingLayers();
std::span<const LayerDef> NormalizationLayers();
std::span<const LayerDef> ShapeLayers();     // Reshape, Permute, padding, cropping
std::span<const LayerDef> ImageLayers();     // UpSampling, Resizing, Rescaling
std::span<const LayerDef> EncodingLayers();  // numbers into categories
std::span<const LayerDef> MergeLayers();
std::span<const LayerDef> RecurrentLayers();
std::span<const LayerDef> WrapperLayers();  // Bidirectional, TimeDistributed
std::span<const LayerDef> AttentionLayers();
std::span<const LayerDef> OperationLayers();  // arithmetic of keras.ops and TensorFlow
std::span<const LayerDef> FunctionLayers();   // the same that moves elements: concat, slices

constexpr int64_t kAny = -1;  // in the shape that a weight is to have

// One call of a layer under import: its config, inputs and weights, and the graph to add nodes to.
class LayerContext {
 public:
  LayerContext(std::string class_name, const Json& config, LayerPath path, const Call& call, Values inputs,
               std::map<std::string, Values> named, GraphBuilder& builder, Surroundings& around)
      : class_name_(std::move(class_name)),
        json_(config),
        path_(std::move(path)),
        call_(call),
        inputs_(std::move(inputs)),
        named_(std::move(named)),
        builder_(&builder),
        around_(around),
        config_(&json_, error_),
        options_(&call_.options, error_) {}
  LayerContext(const LayerContext&) = delete;

  const std::string& class_name() const { return class_name_; }
  const LayerPath& path() const { return path_; }
  GraphBuilder& builder() { return *builder_; }
  const Config& config() const { return config_; }
  const Config& options() const { return options_; }  // keyword arguments of the call that are no tensors
  const Call& call() const { return call_; }
  // Of TensorFlow, called by Keras 2: "tf.math.multiply".
  bool IsTensorFlowFunction() const { return class_name_.starts_with("tf."); }
  bool IsKeras3() const { return around_.keras_version >= 3; }
  // What config and options found wrong so far.
  const Status& error() const { return error_; }
  void Note(const std::string& note) { around_.notes.push_back(note); }

  size_t num_inputs() const { return inputs_.size(); }
  ValueId in(size_t i = 0) const { return inputs_[i]; }
  // A keyword argument; kNoValue where it is not given.
  ValueId named(const std::string& name) const;
  const Values& NamedList(const std::string& name) const;
  ValueId MaskOf(ValueId value) const;
  void SetMask(ValueId value, ValueId mask) { around_.masks[value] = mask; }

  // REQUIRES: the importer has checked that every input has a rank.
  const DimList& shape(ValueId id) const { return *builder_->type(id).shape; }
  const DimList& shape() const { return shape(in()); }
  int64_t rank(ValueId id) const { return static_cast<int64_t>(shape(id).size()); }
  int64_t rank() const { return rank(in()); }
  DType dtype(ValueId id) const { return builder_->type(id).dtype; }
  // An error where the extent is symbolic.
  Result<int64_t> Extent(ValueId id, int64_t axis) const;
  // A negative axis counts from the end; an error when it lies outside.
  Result<int64_t> Axis(int64_t axis, int64_t rank) const;
  // An error unless the first input has a rank in [low, high].
  Status CheckRank(int64_t low, int64_t high) const;

  // The weight `leaf`, which is the layer's `number`th, in f32. An error when it is missing or its shape is
  // not `dims`, where kAny fits every extent.
  Result<Tensor> Weight(const std::string& leaf, int64_t number, const Dims& dims) const {
    return Weight(leaf, number, dims, {});
  }
  // The same of a layer inside of this one; `inner`: see LayerPath.
  Result<Tensor> Weight(const std::string& leaf, int64_t number, const Dims& dims,
                        const std::vector<std::string>& inner) const;

  Result<ValueId> Add(const std::string& op, Values inputs, Attrs attrs = {});
  // An output a type; the types fill in what inference leaves open.
  Result<Values> AddAll(const std::string& op, Values inputs, Attrs attrs, const std::vector<Type>& types);
  ValueId Const(Tensor tensor) { return builder_->Constant(FullName() + "/weights", std::move(tensor)); }
  ValueId IntsOf(const Ints& values) { return builder_->Ints(values); }
  ValueId Number(double value) { return builder_->Scalar(DType::kF32, value); }
  // x * scale + shift, leaving out what changes nothing.
  Result<ValueId> Affine(ValueId x, double scale, double shift);
  // 0 keeps the extent of x at that place, one -1 is inferred.
  Result<ValueId> Reshape(ValueId x, const Ints& shape) { return Add("Reshape", {x, IntsOf(shape)}); }
  Result<ValueId> Transpose(ValueId x, const Ints& permutation);
  // The activation that the config names `name`: see activations.cc.
  Result<ValueId> Activate(ValueId x, const std::string& name);
  Result<ValueId> Activate(ValueId x, const Json* activation);
  // A layer inside of this one, serialised as {"class_name": ..., "config": ...}. `inner`: its path in the
  // names of weights; "" for a layer that is spelled by its own name.
  Result<Values> Apply(const Json& layer, const std::string& inner, const Values& inputs,
                       const std::map<std::string, Values>& named = {});
  // For cells, whose graph is a body of its own.
  void SwitchBuilder(GraphBuilder& builder) { builder_ = &builder; }

  // "Dense 'fc1': <message>"
  Status Error(const std::string& message, std::string hint = {}) const;
  Status Unsupported(const std::string& message, std::string hint = {}) const;
  std::string FullName() const;

 private:
  Status Explain(const Status& status) const;

  std::string class_name_;
  const Json& json_;
  LayerPath path_;
  const Call& call_;
  Values inputs_;
  std::map<std::string, Values> named_;
  GraphBuilder* builder_;
  Surroundings& around_;
  Status error_;
  Config config_, options_;
};

// Runs the class's function: checks the number of inputs, ranks and what the config held, and hands masks on.
// kUnsupported: no such class, or the function refuses.
Result<Values> ImportLayer(LayerContext& context);

}  // namespace slipway::keras
