#include "formats/caffe/layers.h"

#include "formats/known_extent.h"

namespace slipway::caffe {

std::string LayerContext::Prefix() const {
  return layer_.type + " '" + layer_.name + "' (line " + std::to_string(layer_.line) + "): ";
}

Status LayerContext::Error(const std::string& message, std::string hint) const {
  return Status(Code::kInvalidModel, Prefix() + message, std::move(hint));
}

Status LayerContext::Unsupported(const std::string& message, std::string hint) const {
  return Status(Code::kUnsupported, Prefix() + message, std::move(hint));
}

Result<Dims> LayerContext::StaticShape(size_t i) const {
  const DimList& dims = shape(in(i));
  if (AllKnown(dims)) return KnownDims(dims);
  return Error("needs an input of known extents, has " + ToString(dims),
               "give the net's input with --input NAME[1,3,224,224]");
}

Result<int64_t> LayerContext::Extent(size_t i, int64_t axis) const {
  auto extent = KnownExtent(shape(in(i)), axis, "give the net's input with --input NAME[1,3,224,224]");
  if (!extent.ok()) return Error(extent.status().message(), extent.status().hint());
  return extent;
}

Result<int64_t> LayerContext::Axis(int64_t axis, int64_t rank) const {
  if (axis >= -rank && axis <= rank) return axis < 0 ? axis + rank : axis;
  return Error("axis " + std::to_string(axis) + " lies outside an input of rank " + std::to_string(rank));
}

Result<Tensor> LayerContext::Blob(size_t i) const {
  if (i < num_blobs()) return (*blobs_)[i];
  return Error("needs " + std::to_string(i + 1) + " blobs of weights, the .caffemodel has " +
                   std::to_string(num_blobs()) + " for it",
               "description (.prototxt) and weights (.caffemodel) must be of one net; layers meet by name");
}

Result<Tensor> LayerContext::Blob(size_t i, Dims dims) const {
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor blob, Blob(i));
  const auto wanted = ElementCount(dims);
  if (!wanted.ok()) return Error(wanted.status().message());
  if (*wanted == blob.count() && *wanted > 0) return blob.Reshaped(std::move(dims));
  return Error("blob " + std::to_string(i) + " must be " + ToString(dims) + ", the .caffemodel has " +
                   ToString(blob.dims()),
               "description (.prototxt) and weights (.caffemodel) must be of one net");
}

Result<ValueId> LayerContext::Add(const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  auto added = builder_.Add(op, std::move(inputs), std::move(attrs), layer_.name + "/" + op);
  if (!added.ok()) return Explain(added.status());
  return added;
}

void LayerContext::Emit(ValueId value) {
  const size_t i = outputs_.size();
  const bool is_own = value >= first_own_ && builder_.constant(value) == nullptr;
  if (is_own && i < names_.size() && !names_[i].empty()) builder_.graph().value(value).name = names_[i];
  outputs_.push_back(value);
}

Status LayerContext::Emit(const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  auto added = builder_.Add(op, std::move(inputs), std::move(attrs), NameOfOutput(outputs_.size(), op));
  if (!added.ok()) return Explain(added.status());
  outputs_.push_back(*added);
  return Status::Ok();
}

Status LayerContext::EmitAll(const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  std::vector<GraphBuilder::Output> outputs;
  for (size_t i = 0; i < layer_.tops.size(); ++i) outputs.push_back({NameOfOutput(i, op), {}, {}, false});
  Node node;
  node.op = op;
  node.name = layer_.name;
  node.inputs = std::move(inputs);
  node.attrs = std::move(attrs);
  auto added = builder_.Add(std::move(node), std::move(outputs));
  if (!added.ok()) return Explain(added.status());
  outputs_ = *added;
  return Status::Ok();
}

Result<ValueId> LayerContext::Affine(ValueId x, float scale, float shift) {
  if (scale != 1) {
    SLIPWAY_ASSIGN_OR_RETURN(x, Add("Mul", {x, Number(static_cast<double>(scale))}));
  }
  if (shift != 0) {
    SLIPWAY_ASSIGN_OR_RETURN(x, Add("Add", {x, Number(static_cast<double>(shift))}));
  }
  return x;
}

const LayerDef* FindLayer(const Layer& layer) {
  const Message* python = layer.type == "Python" ? layer.message.Child("python_param") : nullptr;
  const std::string type = python == nullptr ? layer.type : "Python " + python->Text("layer");
  for (auto group : {WindowLayers, ElementwiseLayers, ShapeLayers, StatisticLayers, DetectionLayers,
                     FlowLayers, RegionLayers, RecurrentLayers}) {
    for (const LayerDef& def : group()) {
      if (def.type == type) return &def;
    }
  }
  return nullptr;
}

}  // namespace slipway::caffe
