#include "tasks/core/session.h"

#include "base/scalar.h"

namespace slipway::tasks {
namespace {

RealOutput ToReal(const Tensor& tensor, const PortInfo& port) {
  RealOutput output{port.name, tensor.dims(), {}};
  const int64_t count = tensor.count();
  output.values.resize(static_cast<size_t>(count));
  const bool is_quantized = port.quant && port.quant->scales.size() == 1 && IsInteger(tensor.dtype());
  if (tensor.dtype() == DType::kF32) {
    std::copy_n(tensor.as<float>(), count, output.values.begin());
    return output;
  }
  for (int64_t i = 0; i < count; ++i) {
    const double raw = LoadReal(tensor.dtype(), tensor.data(), i);
    output.values[static_cast<size_t>(i)] = static_cast<float>(
        is_quantized ? port.quant->scales[0] * (raw - static_cast<double>(port.quant->zero_points[0])) : raw);
  }
  return output;
}

}  // namespace

Session::Session(std::shared_ptr<const Engine> engine, Manifest manifest)
    : engine_(std::move(engine)), context_(engine_->NewContext()), manifest_(std::move(manifest)) {}

Result<size_t> FindInput(const Engine& engine, const std::string& name) {
  const auto& ports = engine.inputs();
  if (name.empty() && !ports.empty()) return size_t{0};
  std::string known;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name) return i;
    known += (known.empty() ? "'" : ", '") + ports[i].name + "'";
  }
  return Status(Code::kInvalidModel, "the manifest names the input '" + name + "'; the model has " + known);
}

Result<ImageInput> Session::Prepare(const media::Image& photo) const {
  for (const InputSpec& spec : manifest_.inputs) {
    if (spec.kind != InputKind::kImage) continue;
    SLIPWAY_ASSIGN_OR_RETURN(size_t index, FindInput(*engine_, spec.tensor));
    return MakeImageInput(photo, spec, engine_->inputs()[index]);
  }
  return Status(Code::kInvalidModel, "the manifest has no image input", "give one with --manifest");
}

Result<std::vector<RealOutput>> Session::Run(const ImageInput& input) {
  std::vector<Tensor> tensors(engine_->inputs().size());
  for (const InputSpec& spec : manifest_.inputs) {
    if (spec.kind != InputKind::kImage) continue;
    SLIPWAY_ASSIGN_OR_RETURN(size_t index, FindInput(*engine_, spec.tensor));
    tensors[index] = input.tensor;
    break;
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].IsNone()) continue;
    const Type& type = engine_->inputs()[i].type;
    if (!type.IsStatic())
      return Status(Code::kInvalidInput, "input '" + engine_->inputs()[i].name + "' has no fixed shape");
    tensors[i] = Tensor(type.dtype, KnownDims(*type.shape));
  }
  SLIPWAY_ASSIGN_OR_RETURN(auto outputs, context_->Run(tensors));
  std::vector<RealOutput> reals;
  for (size_t i = 0; i < outputs.size(); ++i) reals.push_back(ToReal(outputs[i], engine_->outputs()[i]));
  return reals;
}

std::string LabelOf(const Manifest& manifest, int64_t label_index) {
  const auto& labels = manifest.labels;
  const bool is_known = label_index >= 0 && label_index < static_cast<int64_t>(labels.size()) &&
                        !labels[static_cast<size_t>(label_index)].empty();
  return is_known ? labels[static_cast<size_t>(label_index)] : "class " + std::to_string(label_index);
}

}  // namespace slipway::tasks
