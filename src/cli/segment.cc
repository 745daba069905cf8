// slipway segment
#include "tasks/vision/segment.h"

#include <fmt/format.h>

#include "cli/photo_task.h"
#include "tasks/vision/result_json.h"

namespace slipway::cli {

void AddSegment(CLI::App& app, Action& action) {
  auto found = std::make_shared<tasks::Segmentation>();
  PhotoTask task;
  task.name = "segment";
  task.summary = "say what every pixel shows: a category mask";
  task.csv_header = "label,class,fraction";
  task.kind = TaskKind::kSegmentation;
  task.run = [found](tasks::Session& session, const media::Image& photo) -> Result<PhotoResult> {
    SLIPWAY_ASSIGN_OR_RETURN(*found, tasks::Segment(session, photo));
    PhotoResult result;
    result.json = tasks::ToJson(*found);
    for (const auto& share : found->shares) {
      result.text.push_back(fmt::format("{:5.1f}%  {}", share.fraction * 100, share.label));
      result.csv.push_back(fmt::format("{},{},{:.6f}", Csv(share.label), share.index, share.fraction));
    }
    return result;
  };
  task.draw = [found](media::Image* photo) { tasks::DrawSegmentation(photo, *found); };
  task.mask = [found] {
    media::Image mask(found->width, found->height, 1);
    mask.pixels = found->categories;
    return mask;
  };
  task.add_flags = [](CLI::App*, ModelFlags&) {};
  AddPhotoTask(app, action, std::move(task));
}

}  // namespace slipway::cli
