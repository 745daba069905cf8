#include "tasks/core/session.h"

#include <algorithm>

#include "base/nearest.h"
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
  std::vector<std::string_view> names;
  for (const PortInfo& port : ports) names.push_back(port.name);
  return Status(Code::kInvalidModel,
                "the model has no input '" + name + "'" + DidYouMean(name, names) + "; it has " + known);
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
  context_->ResetStates();
  SLIPWAY_ASSIGN_OR_RETURN(auto outputs, context_->Run(tensors));
  std::vector<RealOutput> reals;
  for (size_t i = 0; i < outputs.size(); ++i) reals.push_back(ToReal(outputs[i], engine_->outputs()[i]));
  return reals;
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
