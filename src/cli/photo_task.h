// What detect, classify and segment share: photos in, one result each out, as text, JSON lines or CSV.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/model_flags.h"
#include "media/image.h"

namespace slipway::cli {

// One photo's result in every form.
struct PhotoResult {
  nlohmann::ordered_json json;    // behind file, width, height
  std::vector<std::string> text;  // lines for people
  std::vector<std::string> csv;   // rows
};

// A CSV field, quoted where it must be (RFC 4180).
std::string Csv(const std::string& text);

struct PhotoTask {
  const char* name;
  const char* summary;
  const char* csv_header;
  TaskKind kind;
  // Can the model do this task at all? May be empty: any can.
  std::function<Status(const Manifest&)> check;
  std::function<Result<PhotoResult>(tasks::Session&, const media::Image&)> run;
  // Draws what `run` found last onto the photo.
  std::function<void(media::Image*)> draw;
  // The categories that `run` found last, as grey levels; saved beside the drawn photo as NAME_mask.png. May
  // be empty.
  std::function<media::Image()> mask;
  // Flags of its own.
  std::function<void(CLI::App*, ModelFlags&)> add_flags;
};

// Registers `slipway <task.name> MODEL PHOTOS... [--json] [--csv] [--save DIR]`.
void AddPhotoTask(CLI::App& app, Action& action, PhotoTask task);

}  // namespace slipway::cli
