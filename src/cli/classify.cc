// slipway classify
#include "tasks/vision/classify.h"

#include <fmt/format.h>

#include "cli/photo_task.h"
#include "tasks/vision/result_json.h"

namespace slipway::cli {

void AddClassify(CLI::App& app, Action& action) {
  auto found = std::make_shared<std::vector<tasks::ClassScore>>();
  PhotoTask task;
  task.name = "classify";
  task.summary = "name what a photo shows: the best labels";
  task.csv_header = "label,class,score";
  task.kind = TaskKind::kClassification;
  task.run = [found](tasks::Session& session, const media::Image& photo) -> Result<PhotoResult> {
    SLIPWAY_ASSIGN_OR_RETURN(*found, tasks::Classify(session, photo));
    PhotoResult result;
    result.json = tasks::ToJson(*found);
    for (const tasks::ClassScore& each : *found) {
      result.text.push_back(fmt::format("{:5.1f}%  {}", each.score * 100, each.label));
      result.csv.push_back(fmt::format("{},{},{:.6f}", Csv(each.label), each.index, each.score));
    }
    return result;
  };
  task.draw = [found](media::Image* photo) { tasks::DrawClasses(photo, *found); };
  task.add_flags = [](CLI::App* command, ModelFlags& flags) {
    command->add_option("--top-k", flags.top_k, "how many labels (5)");
  };
  AddPhotoTask(app, action, std::move(task));
}

}  // namespace slipway::cli
