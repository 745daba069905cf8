#include "cli/photo_task.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <set>

#include "cli/console.h"
#include "media/image_io.h"
#include "tasks/vision/result_json.h"

namespace slipway::cli {
namespace {

struct PhotoFlags {
  ModelFlags model;
  std::vector<std::string> photos;
  bool is_json = false;
  bool is_csv = false;
  std::string save_folder;
};

// The verb for a task; null: none.
const char* VerbOf(TaskKind kind) {
  switch (kind) {
    case TaskKind::kClassification: return "classify";
    case TaskKind::kDetection: return "detect";
    case TaskKind::kSegmentation: return "segment";
    case TaskKind::kRaw: break;
  }
  return nullptr;
}

// A model whose manifest names no task may still do: the task itself then says what is missing.
Status CheckKind(const PhotoTask& task, const std::string& model, TaskKind kind) {
  if (kind == task.kind || kind == TaskKind::kRaw) return Status::Ok();
  const std::string name(NameOf(kind));
  return Status(Code::kUsage, "'" + model + "' is for " + name + ", not " + std::string(NameOf(task.kind)),
                "use 'slipway " + std::string(VerbOf(kind)) + "', or set task and decoder in the manifest");
}

// DIR/name.jpg, numbered where two photos share a name.
std::string SavePath(const std::string& folder, const std::string& photo, std::set<std::string>& taken) {
  const std::filesystem::path path(photo);
  std::string extension = path.extension() == ".png" ? ".png" : ".jpg";
  std::string name = path.stem().string() + extension;
  for (int i = 2; !taken.insert(name).second; ++i)
    name = path.stem().string() + "_" + std::to_string(i) + extension;
  return (std::filesystem::path(folder) / name).string();
}

Status Save(const PhotoTask& task, const std::string& path, const std::string& photo, media::Image& image) {
  std::error_code error;
  if (std::filesystem::equivalent(path, photo, error)) {
    return Status(Code::kUsage, "'" + path + "': saving there would overwrite the photo itself",
                  "give another folder with --save");
  }
  if (task.mask) {
    const std::string stem = path.substr(0, path.size() - std::string(".jpg").size());
    SLIPWAY_RETURN_IF_ERROR(media::SaveImage(stem + "_mask.png", task.mask()));
  }
  task.draw(&image);
  return media::SaveImage(path, image);
}

void PrintResult(const PhotoFlags& flags, const std::string& photo, const media::Image& image, double ms,
                 const PhotoResult& result) {
  if (flags.is_json) {
    fmt::print("{}\n", tasks::PhotoLine(photo, image.width, image.height, result.json));
  } else if (flags.is_csv) {
    for (const std::string& row : result.csv) fmt::print("{},{}\n", Csv(photo), row);
  } else {
    fmt::print("{}  {}x{}  {:.1f} ms\n", photo, image.width, image.height, ms);
    for (const std::string& line : result.text) fmt::print("  {}\n", line);
  }
  std::fflush(stdout);
}

Status RunOne(const PhotoTask& task, const PhotoFlags& flags, tasks::Session& session,
              const std::string& photo, std::set<std::string>& taken, Progress& progress) {
  SLIPWAY_ASSIGN_OR_RETURN(media::Image image, media::LoadImage(photo));
  const auto start = std::chrono::steady_clock::now();
  auto result = task.run(session, image);
  if (!result.ok()) return result.status().WithContext("'" + photo + "'");
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  if (IsTerminal(1)) progress.Clear();
  PrintResult(flags, photo, image, ms, *result);
  if (flags.save_folder.empty()) return Status::Ok();
  return Save(task, SavePath(flags.save_folder, photo, taken), photo, image);
}

Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return Status::Ok();
  return Status(Code::kIo, "cannot make folder '" + path + "': " + error.message());
}

Status RunAll(const PhotoTask& task, const PhotoFlags& flags) {
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<std::string> photos, ExpandPhotos(flags.photos));
  SLIPWAY_ASSIGN_OR_RETURN(tasks::Session session, flags.model.MakeSession());
  SLIPWAY_RETURN_IF_ERROR(CheckKind(task, flags.model.model, session.manifest().task));
  if (task.check) SLIPWAY_RETURN_IF_ERROR(task.check(session.manifest()));
  if (!flags.save_folder.empty()) SLIPWAY_RETURN_IF_ERROR(MakeFolder(flags.save_folder));
  if (flags.is_csv) fmt::print("file,{}\n", task.csv_header);
  std::set<std::string> taken;
  Status first_error;
  size_t failures = 0;
  {
    Progress progress(task.name, photos.size());
    // A bad photo is reported; the others are still done.
    for (const std::string& photo : photos) {
      const Status status = RunOne(task, flags, session, photo, taken, progress);
      if (!status.ok()) {
        if (photos.size() == 1) return status;
        progress.Clear();
        PrintError(status);
        if (failures++ == 0) first_error = status;
      }
      progress.Advance();
    }
  }
  if (failures == 0) return Status::Ok();
  return Status(first_error.code(),
                std::to_string(failures) + " of " + std::to_string(photos.size()) + " photos failed");
}

}  // namespace

std::string Csv(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void AddPhotoTask(CLI::App& app, Action& action, PhotoTask task) {
  auto flags = std::make_shared<PhotoFlags>();
  CLI::App* command = app.add_subcommand(task.name, task.summary);
  flags->model.AddModel(command);
  command->add_option("photos", flags->photos, "files, folders, @list.txt or - for a list on stdin")
      ->required();
  CLI::Option* json = command->add_flag("--json", flags->is_json, "one JSON object a line");
  command->add_flag("--csv", flags->is_csv, "comma-separated values")->excludes(json);
  command->add_option("--save", flags->save_folder, "folder for the photos with the results drawn on them");
  flags->model.AddManifest(command);
  flags->model.AddEngine(command);
  task.add_flags(command, flags->model);
  command->callback(
      [&action, flags, task = std::move(task)] { action = [flags, task] { return RunAll(task, *flags); }; });
}

}  // namespace slipway::cli
