#include "tasks/core/session.h"

#include <algorithm>

#include "base/nearest.h"
#include "base/scalar.h"

namespace slipway::tasks {
namespace {

RealOutput ToReal(const Tensor& tensor, const PortInfo& port) {
  if (tensor.dtype() == DType::kF32)
    return {port.name, tensor.dims(), RealValues::LookAt(tensor.values<float>())};
  std::vector<float> values(static_cast<size_t>(tensor.count()));
  const bool is_quantized = port.quant && port.quant->scales.size() == 1 && IsInteger(tensor.dtype());
  for (size_t i = 0; i < values.size(); ++i) {
    const double raw = LoadReal(tensor.dtype(), tensor.data(), static_cast<int64_t>(i));
    values[i] = static_cast<float>(
        is_quantized ? port.quant->scales[0] * (raw - static_cast<double>(port.quant->zero_points[0])) : raw);
  }
  return {port.name, tensor.dims(), std::move(values)};
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
  std::vector<std::string_view> names;
  for (const PortInfo& port : ports) names.push_back(port.name);
  return Status(Code::kInvalidModel,
                "the model has no input '" + name + "'" + DidYouMean(name, names) + "; it has " + known);
}

Result<ImageInput> PrepareImage(const Engine& engine, const Manifest& manifest, media::Image photo) {
  for (const InputSpec& spec : manifest.inputs) {
    if (spec.kind != InputKind::kImage) continue;
    SLIPWAY_ASSIGN_OR_RETURN(size_t index, FindInput(engine, spec.tensor));
    return MakeImageInput(std::move(photo), spec, engine.inputs()[index]);
  }
  return Status(Code::kInvalidModel, "the manifest has no image input", "set inputs in the manifest");
}

Result<std::vector<Tensor>> InputsWith(const Engine& engine, const Manifest& manifest,
                                       const ImageInput& input) {
  std::vector<Tensor> tensors(engine.inputs().size());
  for (const InputSpec& spec : manifest.inputs) {
    if (spec.kind != InputKind::kImage) continue;
    SLIPWAY_ASSIGN_OR_RETURN(size_t index, FindInput(engine, spec.tensor));
    tensors[index] = input.tensor;
    break;
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].IsNone()) continue;
    const Type& type = engine.inputs()[i].type;
    if (!type.IsStatic())
      return Status(Code::kInvalidInput, "input '" + engine.inputs()[i].name + "' has no fixed shape");
    tensors[i] = Tensor(type.dtype, KnownDims(*type.shape));
  }
  return tensors;
}

std::vector<RealOutput> RealOutputsOf(const Engine& engine, std::span<const Tensor> outputs) {
  std::vector<RealOutput> reals;
  for (size_t i = 0; i < outputs.size(); ++i) reals.push_back(ToReal(outputs[i], engine.outputs()[i]));
  return reals;
}

Result<ImageInput> Session::Prepare(media::Image photo) const {
  return PrepareImage(*engine_, manifest_, std::move(photo));
}

Result<std::vector<RealOutput>> Session::Run(const ImageInput& input) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Tensor> tensors, InputsWith(*engine_, manifest_, input));
  context_->ResetStates();
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context_->Run(tensors));
  return RealOutputsOf(*engine_, outputs);
}

namespace {

std::vector<std::string_view> RolesOf(DecoderKind decoder) {
  switch (decoder) {
    case DecoderKind::kClassification: return {"scores", "logits", "predictions"};
    case DecoderKind::kYolov5:
    case DecoderKind::kYolov8:
    case DecoderKind::kYolox:
    case DecoderKind::kFastestdet: return {"predictions"};
    case DecoderKind::kSsd:
    case DecoderKind::kAnchors: return {"boxes", "scores"};
    case DecoderKind::kSsdPostprocess: return {"boxes", "classes", "scores", "count"};
    case DecoderKind::kMask: return {"mask"};
    case DecoderKind::kRaw: break;
  }
  return {kRoles.begin(), kRoles.end()};
}

Status CheckRole(const OutputSpec& spec, const std::string& role, size_t count) {
  const auto roles = RolesOf(spec.decoder);
  const std::string decoder = "decoder " + std::string(NameOf(spec.decoder));
  if (std::find(roles.begin(), roles.end(), role) == roles.end()) {
    std::string known;
    for (std::string_view each : roles) known += (known.empty() ? "'" : ", '") + std::string(each) + "'";
    return Status(Code::kInvalidModel, decoder + " reads no tensor as '" + role + "'",
                  "its roles are " + known);
  }
  const bool may_spread = spec.decoder == DecoderKind::kYolov5;
  if (count <= 1 || may_spread || spec.decoder == DecoderKind::kRaw) return Status::Ok();
  return Status(Code::kInvalidModel,
                decoder + " reads one tensor as '" + role + "', the manifest names " + std::to_string(count));
}

}  // namespace

Status CheckOutputNames(const OutputSpec& spec, const std::vector<RealOutput>& outputs) {
  std::string known;
  for (const RealOutput& output : outputs) known += (known.empty() ? "'" : ", '") + output.name + "'";
  for (const auto& [role, names] : spec.tensors) {
    SLIPWAY_RETURN_IF_ERROR(CheckRole(spec, role, names.size()));
    for (const std::string& name : names) {
      const bool is_known = std::any_of(outputs.begin(), outputs.end(),
                                        [&](const RealOutput& output) { return output.name == name; });
      if (is_known) continue;
      return Status(Code::kInvalidModel, "the manifest names '" + name + "' as the output for '" + role +
                                             "'; the model has " + known);
    }
  }
  return Status::Ok();
}

std::string LabelOf(const Manifest& manifest, int64_t label_index) {
  const auto& labels = manifest.labels;
  const bool is_known = label_index >= 0 && label_index < static_cast<int64_t>(labels.size()) &&
                        !labels[static_cast<size_t>(label_index)].empty();
  return is_known ? labels[static_cast<size_t>(label_index)] : "class " + std::to_string(label_index);
}

}  // namespace slipway::tasks
