// slipway detect
#include "tasks/vision/detect.h"

#include <fmt/format.h>

#include "cli/photo_task.h"
#include "tasks/vision/result_json.h"

namespace slipway::cli {
namespace {

// What the manifest can say, the command line can, too.
Status CheckDetector(const Manifest& manifest) {
  const Status status = tasks::CheckDetector(manifest);
  if (status.ok()) return status;
  return Status(status.code(), status.message(),
                fmt::format("give one with --decoder {}, or in --manifest", tasks::kDetectors));
}

}  // namespace

void AddDetect(CLI::App& app, Action& action) {
  auto found = std::make_shared<std::vector<tasks::Detection>>();
  PhotoTask task;
  task.name = "detect";
  task.summary = "find objects: boxes with labels and scores";
  task.csv_header = "label,class,score,x,y,w,h";
  task.kind = TaskKind::kDetection;
  task.check = CheckDetector;
  task.run = [found](tasks::Session& session, const media::Image& photo) -> Result<PhotoResult> {
    SLIPWAY_ASSIGN_OR_RETURN(*found, tasks::Detect(session, photo));
    PhotoResult result;
    result.json = tasks::ToJson(*found);
    for (const tasks::Detection& each : *found) {
      const media::BoxF& box = each.box;
      result.text.push_back(fmt::format("{:<16} {:5.1f}%  at {:.0f},{:.0f} size {:.0f}x{:.0f}", each.label,
                                        each.score * 100, box.left, box.top, box.Width(), box.Height()));
      result.csv.push_back(fmt::format("{},{},{:.6f},{:.2f},{:.2f},{:.2f},{:.2f}", Csv(each.label),
                                       each.label_index, each.score, box.left, box.top, box.Width(),
                                       box.Height()));
    }
    if (found->empty()) result.text.push_back("nothing found");
    return result;
  };
  task.draw = [found](media::Image* photo) { tasks::DrawDetections(photo, *found); };
  task.add_flags = [](CLI::App* command, ModelFlags& flags) {
    command->add_option("--score", flags.score, "lowest score (0.25)");
    command->add_option("--iou", flags.iou, "overlap at which a class' weaker box goes (0.45)");
    command->add_option("--cross-iou", flags.cross_iou, "the same between classes (0.7); 1: off");
    command->add_option("--max", flags.max_detections, "most boxes a photo (100)");
  };
  AddPhotoTask(app, action, std::move(task));
}

}  // namespace slipway::cli
