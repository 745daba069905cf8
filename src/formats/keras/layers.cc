#include "formats/keras/layers.h"

#include <algorithm>
#include <numeric>

#include "base/scalar.h"
#include "formats/known_extent.h"

namespace slipway::keras {

std::string LayerContext::FullName() const {
  std::string name;
  for (const std::string& model : path_.outer) name += model + "/";
  return name + path_.name;
}

Status LayerContext::Error(const std::string& message, std::string hint) const {
  return Status(Code::kInvalidModel, class_name_ + " '" + FullName() + "': " + message, std::move(hint));
}

Status LayerContext::Unsupported(const std::string& message, std::string hint) const {
  return Status(Code::kUnsupported, class_name_ + " '" + FullName() + "': " + message, std::move(hint));
}

Status LayerContext::Explain(const Status& status) const {
  return Status(status.code(), class_name_ + " '" + FullName() + "': " + status.message(), status.hint());
}

const Values& LayerContext::NamedList(const std::string& name) const {
  static const Values kNone;
  const auto found = named_.find(name);
  return found == named_.end() ? kNone : found->second;
}

ValueId LayerContext::named(const std::string& name) const {
  const Values& values = NamedList(name);
  return values.empty() ? kNoValue : values[0];
}

ValueId LayerContext::MaskOf(ValueId value) const {
  const auto found = around_.masks.find(value);
  return found == around_.masks.end() ? kNoValue : found->second;
}

Result<int64_t> LayerContext::Axis(int64_t axis, int64_t rank) const {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  return Error("axis " + std::to_string(axis) + " lies outside an input of rank " + std::to_string(rank));
}

Result<int64_t> LayerContext::Extent(ValueId id, int64_t axis) const {
  auto extent = KnownExtent(shape(id), axis, "give the model's input a shape with --input NAME[1,224,224,3]");
  if (!extent.ok()) return Error(extent.status().message(), extent.status().hint());
  return extent;
}

Status LayerContext::CheckRank(int64_t low, int64_t high) const {
  if (rank() >= low && rank() <= high) return Status::Ok();
  return Error("the input " + ToString(shape()) + " must have " + std::to_string(low) +
               (high > low ? " to " + std::to_string(high) : "") + " axes");
}

Result<Tensor> LayerContext::Weight(const std::string& leaf, int64_t number, const Dims& dims,
                                    const std::vector<std::string>& inner) const {
  LayerPath path = path_;
  path.inner.insert(path.inner.end(), inner.begin(), inner.end());
  auto found = around_.weights.Find(path, leaf, number);
  if (!found.ok()) return Explain(found.status());
  Dims known = dims;
  std::string wanted = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    wanted += (i ? "," : "") + (dims[i] == kAny ? "?" : std::to_string(dims[i]));
  wanted += "]";
  if (*found == nullptr) {
    return Error(
        "its weight '" + leaf + "' " + wanted +
            " is not in the weightsManifest; of this layer there are: " + around_.weights.NamesFor(path),
        "model.json and its weights must come from one save of one model");
  }
  const Tensor& tensor = **found;
  bool fits = tensor.dims().size() == dims.size();
  for (size_t i = 0; fits && i < dims.size(); ++i) fits = dims[i] == kAny || dims[i] == tensor.dims()[i];
  if (!fits)
    return Error("its weight '" + leaf + "' must be " + wanted + ", the weightsManifest has " +
                     ToString(tensor.dims()),
                 "model.json and its weights must come from one save of one model");
  if (tensor.dtype() != DType::kF32 && tensor.dtype() != DType::kF16 && tensor.dtype() != DType::kI32)
    return Error("its weight '" + leaf + "' must be f32, the weightsManifest has " +
                     std::string(DTypeName(tensor.dtype())),
                 "save the model with float32 weights");
  if (tensor.count() == 0) return Error("its weight '" + leaf + "' is empty: " + ToString(tensor.dims()));
  if (tensor.dtype() == DType::kF32) return tensor;
  Tensor floats(DType::kF32, tensor.dims());
  for (int64_t i = 0; i < tensor.count(); ++i)
    floats.as<float>()[i] = static_cast<float>(LoadReal(tensor.dtype(), tensor.data(), i));
  return floats;
}

Result<ValueId> LayerContext::Add(const std::string& op, Values inputs, Attrs attrs) {
  auto added = builder_->Add(op, std::move(inputs), std::move(attrs), FullName() + "/" + op);
  if (!added.ok()) return Explain(added.status());
  return added;
}

Result<Values> LayerContext::AddAll(const std::string& op, Values inputs, Attrs attrs,
                                    const std::vector<Type>& types) {
  Node node;
  node.op = op;
  node.name = FullName() + "/" + op;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  std::vector<GraphBuilder::Output> outputs;
  for (size_t i = 0; i < types.size(); ++i)
    outputs.push_back({node.name + (i ? ":" + std::to_string(i) : ""), {}, types[i], false});
  auto added = builder_->Add(std::move(node), std::move(outputs));
  if (!added.ok()) return Explain(added.status());
  return added;
}

Result<ValueId> LayerContext::Affine(ValueId x, double scale, double shift) {
  if (scale != 1) {
    SLIPWAY_ASSIGN_OR_RETURN(x, Add("Mul", {x, Number(scale)}));
  }
  if (shift != 0) {
    SLIPWAY_ASSIGN_OR_RETURN(x, Add("Add", {x, Number(shift)}));
  }
  return x;
}

Result<ValueId> LayerContext::Transpose(ValueId x, const Ints& permutation) {
  bool is_identity = true;
  for (size_t i = 0; i < permutation.size(); ++i) is_identity &= permutation[i] == static_cast<int64_t>(i);
  if (is_identity) return x;
  return Add("Transpose", {x}, {{"perm", permutation}});
}

Result<Values> LayerContext::Apply(const Json& layer, const std::string& inner, const Values& inputs,
                                   const std::map<std::string, Values>& named) {
  const Json* config = ConfigOf(layer);
  const std::string class_name = ClassOf(layer);
  if (config == nullptr || class_name.empty())
    return Error("the layer inside of it has no class_name or config");
  constexpr int kMaxDepth = 16;  // real models have 2 or 3
  if (around_.depth >= kMaxDepth) return Error("layers stand in layers more than 16 deep");
  LayerPath path = path_;
  if (!inner.empty()) path.inner.push_back(inner);
  static const Call kPlain;
  LayerContext context(class_name, *config, path, kPlain, inputs, named, *builder_, around_);
  ++around_.depth;
  auto outputs = IsModel(class_name) ? around_.import_model(layer, path, inputs) : ImportLayer(context);
  --around_.depth;
  if (outputs.ok() && std::count(outputs->begin(), outputs->end(), kNoValue) > 0)
    return Unsupported("the model inside of it holds layers that are not supported");
  if (outputs.status().message() == "not supported")
    return Unsupported("the layer inside of it, of class '" + class_name + "', is not supported");
  return outputs;
}

const LayerDef* FindLayer(std::string_view class_name) {
  for (auto group : {CoreLayers, ActivationLayers, ConvolutionLayers, PoolingLayers, NormalizationLayers,
                     ShapeLayers, ImageLayers, EncodingLayers, MergeLayers, RecurrentLayers, WrapperLayers,
                     AttentionLayers, OperationLayers, FunctionLayers}) {
    for (const LayerDef& def : group()) {
      if (def.class_name == class_name) return &def;
    }
  }
  return nullptr;
}

namespace {

Status CheckInputs(LayerContext& context, const LayerDef& def) {
  const size_t count = context.num_inputs();
  if (count < def.min_inputs || count > def.max_inputs)
    return context.Error("has " + std::to_string(count) + " inputs, needs " + std::to_string(def.min_inputs) +
                         (def.max_inputs > def.min_inputs ? " or more" : ""));
  for (size_t i = 0; i < count; ++i) {
    if (!context.builder().type(context.in(i)).HasRank())
      return context.Unsupported("an input of unknown rank");
    if (context.rank(context.in(i)) == 0)
      return context.Error("an input without axes: the batch must be one");
  }
  return Status::Ok();
}

Status PassMask(LayerContext& context, const LayerDef& def, const Values& outputs) {
  if (def.mask == MaskRule::kOwn || def.mask == MaskRule::kDrop) return Status::Ok();
  const ValueId mask = context.MaskOf(context.in());
  if (def.mask == MaskRule::kMerge) {
    for (size_t i = 1; i < context.num_inputs(); ++i) {
      // Keras 2 joins masks by and, Keras 3 by or.
      if (context.MaskOf(context.in(i)) != mask)
        return context.Unsupported("inputs with different masks",
                                   "mask after the merge, or give all inputs the same mask");
    }
  }
  if (mask == kNoValue) return Status::Ok();
  for (ValueId output : outputs) context.SetMask(output, mask);
  return Status::Ok();
}

}  // namespace

Result<Values> ImportLayer(LayerContext& context) {
  const LayerDef* def = FindLayer(context.class_name());
  if (def == nullptr) return Status(Code::kUnsupported, "not supported");
  SLIPWAY_RETURN_IF_ERROR(CheckInputs(context, *def));
  auto outputs = def->import(context);
  // What the config holds comes first: the function went on with defaults.
  if (!context.error().ok()) return context.Error(context.error().message());
  if (!outputs.ok()) return outputs;
  SLIPWAY_RETURN_IF_ERROR(PassMask(context, *def, *outputs));
  return outputs;
}

}  // namespace slipway::keras
