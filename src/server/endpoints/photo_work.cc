#include <algorithm>

#include "media/image_io.h"
#include "server/endpoints/photo.h"
#include "tasks/core/session.h"
#include "tasks/vision/result_json.h"

namespace slipway::server {
namespace {

constexpr int kJpegQuality = 90;

bool HasImageInput(const Manifest& manifest) {
  return std::ranges::any_of(manifest.inputs,
                             [](const InputSpec& input) { return input.kind == InputKind::kImage; });
}

// The task that is meant, whatever the model's inputs are.
Result<TaskKind> ChooseTask(const ServedModel& model, std::optional<TaskKind> wanted) {
  const Manifest& manifest = model.manifest();
  // A model whose manifest names no task may still do: the task itself then says what is missing.
  if (wanted && (manifest.task == *wanted || manifest.task == TaskKind::kRaw)) {
    if (*wanted == TaskKind::kDetection) SLIPWAY_RETURN_IF_ERROR(tasks::CheckDetector(manifest));
    return *wanted;
  }
  if (!wanted && manifest.task != TaskKind::kRaw) return manifest.task;
  if (!wanted) {
    return Status(Code::kUsage, "what model '" + model.name() + "' is for is not known",
                  "ask for /detect, /classify or /segment, or set task in the manifest");
  }
  return Status(Code::kUsage, "model '" + model.name() + "' is for " + std::string(NameOf(manifest.task)) +
                                  ", not " + std::string(NameOf(*wanted)));
}

}  // namespace

Result<TaskKind> TaskFor(const ServedModel& model, std::optional<TaskKind> wanted) {
  SLIPWAY_ASSIGN_OR_RETURN(const TaskKind task, ChooseTask(model, wanted));
  if (HasImageInput(model.manifest())) return task;
  return Status(Code::kUsage, "model '" + model.name() + "' takes no photos: none of its inputs is an image",
                "ask for /infer with tensors, or set inputs in the manifest");
}

bool TakesPhotos(const ServedModel& model) {
  return model.manifest().task != TaskKind::kRaw && HasImageInput(model.manifest());
}

Status PhotoWork::PreparePhoto(std::span<const uint8_t> bytes) {
  media::DecodeOptions options;
  options.limits.max_pixels = max_pixels;
  SLIPWAY_ASSIGN_OR_RETURN(photo_, media::DecodeImage(bytes, options));
  width_ = photo_.width;
  height_ = photo_.height;
  const ServedModel& served = model();
  SLIPWAY_ASSIGN_OR_RETURN(input_, tasks::PrepareImage(served.engine(), served.manifest(),
                                                       keeps_photo ? photo_ : std::move(photo_)));
  SLIPWAY_ASSIGN_OR_RETURN(inputs_, tasks::InputsWith(served.engine(), served.manifest(), input_));
  return Status::Ok();
}

Result<PhotoWork::Answer> PhotoWork::ReadAnswer(std::span<const Tensor> outputs) {
  const Manifest& manifest = model().manifest();
  const auto reals = tasks::RealOutputsOf(model().engine(), outputs);
  Answer answer;
  answer.width = width_;
  answer.height = height_;
  answer.photo = std::move(photo_);
  switch (task_) {
    case TaskKind::kDetection: {
      SLIPWAY_ASSIGN_OR_RETURN(answer.found, tasks::ReadDetections(manifest, thresholds, input_, reals));
      break;
    }
    case TaskKind::kClassification: {
      SLIPWAY_ASSIGN_OR_RETURN(answer.found, tasks::ReadClasses(manifest, thresholds, reals));
      break;
    }
    default: {
      SLIPWAY_ASSIGN_OR_RETURN(answer.found,
                               tasks::ReadSegmentation(manifest, width_, height_, input_, reals));
      break;
    }
  }
  return answer;
}

std::string PhotoWork::Answer::Line(const std::string& file) const {
  return tasks::PhotoLine(file, width, height,
                          std::visit([](const auto& each) { return tasks::ToJson(each); }, found));
}

Result<std::string> PhotoWork::Answer::Draw(bool as_png) {
  if (const auto* boxes = std::get_if<0>(&found)) tasks::DrawDetections(&photo, *boxes);
  if (const auto* classes = std::get_if<1>(&found)) tasks::DrawClasses(&photo, *classes);
  if (const auto* segmentation = std::get_if<2>(&found)) tasks::DrawSegmentation(&photo, *segmentation);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes,
                           as_png ? media::EncodePng(photo) : media::EncodeJpeg(photo, kJpegQuality));
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace slipway::server
