// From a photo's bytes to a model's answer: what requests and camera frames share.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "media/image.h"
#include "server/schedule/scheduler.h"
#include "tasks/core/image_input.h"
#include "tasks/vision/classify.h"
#include "tasks/vision/detect.h"
#include "tasks/vision/segment.h"

namespace slipway::server {

// What the model is asked for: `wanted`, or its own task. An error (kUsage): it is for something else.
Result<TaskKind> TaskFor(const ServedModel& model, std::optional<TaskKind> wanted);

// Whether /upload takes photos for it: its task is known, and one of its inputs is an image.
bool TakesPhotos(const ServedModel& model);

class PhotoWork : public Work {
 public:
  PhotoWork(std::shared_ptr<const ServedModel> model, TaskKind task, size_t bytes)
      : Work(std::move(model), bytes), thresholds(this->model().manifest().thresholds), task_(task) {}

  const std::vector<Tensor>& inputs() const override { return inputs_; }

  Thresholds thresholds;
  int64_t max_pixels = 50'000'000;
  bool keeps_photo = false;  // to draw on

 protected:
  struct Answer {
    std::variant<std::vector<tasks::Detection>, std::vector<tasks::ClassScore>, tasks::Segmentation> found;
    media::Image photo;  // empty unless it was kept
    int width = 0, height = 0;

    // The line that `slipway detect --json` prints.
    std::string Line(const std::string& file) const;
    // A JPEG or PNG of the photo with the answer drawn on it. REQUIRES: the photo was kept.
    Result<std::string> Draw(bool as_png);
  };

  // Decodes the image and makes the inputs.
  Status PreparePhoto(std::span<const uint8_t> bytes);
  Result<Answer> ReadAnswer(std::span<const Tensor> outputs);

 private:
  const TaskKind task_;
  media::Image photo_;
  int width_ = 0, height_ = 0;
  tasks::ImageInput input_;
  std::vector<Tensor> inputs_;
};

}  // namespace slipway::server
